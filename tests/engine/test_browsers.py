"""Browser processes: shared within a tenant, apart between tenants, put away and replaced."""

import asyncio
import os
import shutil
import signal
from unittest.mock import AsyncMock

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest, ProfileState
from flows.engine.display import Display
from flows.engine.errors import BrowserUnavailable
from flows.engine.login import login
from flows.engine.state import capture
from tests.engine.conftest import options
from tests.engine.hosts import ScriptedHost
from tests.sites.accounts import PASSWORD, USER, AccountSite, Behaviour, Form
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_r32_contexts_of_one_process_see_nothing_of_each_other(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page("/", "<h1>hello</h1>")
    read = "[document.cookie, localStorage.getItem('k')]"
    async with browsers.open(plain) as first, browsers.open(plain) as second:
        assert first.browser is second.browser
        await first.page.goto(site.url)
        await first.page.evaluate("document.cookie = 'a=1'; localStorage.setItem('k', 'v')")
        await second.page.goto(site.url)
        assert "a=1" not in (await second.page.evaluate(read))[0]
        assert (await second.page.evaluate(read))[1] is None
    async with browsers.open(plain) as third:
        await third.page.goto(site.url)
        assert (await third.page.evaluate(read))[1] is None


async def test_r32_tenants_do_not_share_a_process(browsers: Browsers, plain: BrowserSettings) -> None:
    other = BrowserSettings(tenant="org_other", stealth=False)
    async with browsers.open(plain) as first, browsers.open(other) as second:
        assert first.browser is not second.browser
        assert first.egress is not second.egress


async def test_r32_downloads_are_off(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/", "<a href='data:application/octet-stream,x' download=x.bin>get</a>")
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        async with session.page.expect_download() as waiting:
            await session.page.click("a")
        download = await waiting.value
        assert await download.failure() is not None


async def test_idle_processes_are_put_away() -> None:
    browsers = Browsers(options(idle_seconds=0.2))
    await browsers.start()
    try:
        async with browsers.open(BrowserSettings(tenant="t", stealth=False)) as session:
            gone = asyncio.Event()
            session.browser.on("disconnected", lambda *_: gone.set())
            await asyncio.sleep(0)
            assert not gone.is_set()
        async with asyncio.timeout(10):
            await gone.wait()
    finally:
        await browsers.close()


async def test_without_a_browser_the_message_says_so() -> None:
    browsers = Browsers(options(chromium_path="/nowhere/chromium", headless_shell_path="/nowhere/shell"))
    try:
        with pytest.raises(BrowserUnavailable, match="no Chromium was found"):
            await browsers.session(BrowserSettings(tenant="t", stealth=False))
    finally:
        await browsers.close()


async def test_a_browser_that_does_not_start_says_so() -> None:
    browsers = Browsers(options(headless_shell_path=shutil.which("true") or "/bin/true"))
    try:
        with pytest.raises(BrowserUnavailable, match="did not start"):
            await browsers.session(BrowserSettings(tenant="t", stealth=False))
    finally:
        await browsers.close()


async def test_a_state_survives_into_another_context(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page(
        "/", "<!doctype html><script>window.first = sessionStorage.getItem('s') + localStorage.getItem('l')</script>"
    )
    write = """async () => {
      localStorage.setItem('l', 'local'); sessionStorage.setItem('s', 'session'); document.cookie = 'c=cookie';
      await new Promise((done) => {
        const open = indexedDB.open('db', 1);
        open.onupgradeneeded = () => open.result.createObjectStore('kept').put('indexed', 'key');
        open.onsuccess = () => { open.result.close(); done(); };
      });
    }"""
    read = """async () => await new Promise((done) => {
      const open = indexedDB.open('db');
      open.onsuccess = () => { const ask = open.result.transaction('kept').objectStore('kept').get('key');
        ask.onsuccess = () => done([window.first, document.cookie.includes('c=cookie'), ask.result, history.length]); };
    })"""
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await session.page.evaluate(write)
        kept = await capture(session.context, session.page, ())
    requests = len(site.seen)
    assert "session" not in repr(ProfileState({}, kept.session_storage)).replace("session_storage", "")
    async with browsers.open(plain, kept) as session:
        assert len(site.seen) == requests  # restoring loads nothing of the site
        await session.page.goto(site.url)
        first, cookie, indexed, _ = await session.page.evaluate(read)
        assert (first, cookie, indexed) == ("sessionlocal", True, "indexed")


async def test_the_browser_has_its_own_time_zone_and_language(browsers: Browsers) -> None:
    settings = BrowserSettings(tenant="t", stealth=False, timezone="Asia/Tokyo", locale="de-DE")
    async with browsers.open(settings) as session:
        zone, language = await session.page.evaluate(
            "[Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language]"
        )
    assert (zone, language) == ("Asia/Tokyo", "de-DE")


async def test_a_stealth_login_in_a_window_nobody_sees(browsers: Browsers, site: SiteServer) -> None:
    """The whole way under Patchright, with a display of our own where Xvfb is installed."""
    AccountSite(site, Behaviour(form=Form.SCRIPT))
    stored = {"username": USER, "password": PASSWORD}
    settings = BrowserSettings(tenant="org_test", stealth=True)
    request = LoginRequest(site.domain, site.url + "/login", settings, known=frozenset(stored))
    outcome = await login(browsers, request, ScriptedHost(stored))
    assert isinstance(outcome, LoggedIn)
    assert outcome.check is not None
    agents = {request.headers.get("user-agent", "") for request in site.seen}
    assert not any("Headless" in agent for agent in agents)


async def test_a_display_ends_with_its_owner_and_starts_again_when_it_died() -> None:
    path = shutil.which("Xvfb")
    assert path is not None, "these tests need Xvfb"
    display = Display(path)
    first = await display.environment()
    process = display._process
    assert process is not None
    process.kill()
    await process.wait()
    second = await display.environment()
    assert second["DISPLAY"].startswith(":")
    assert second["XAUTHORITY"] == first["XAUTHORITY"]
    again = display._process
    await display.close()
    assert again is not None
    assert again.returncode is not None


async def test_a_browser_that_opens_no_pages_any_more_is_replaced(
    plain: BrowserSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.engine.browser_process.CLOSE_SECONDS", 0.5)
    browsers = Browsers(options(spares=0))
    try:
        async with browsers.open(plain) as session:
            stuck, ended = session.browser, asyncio.Event()
        stuck.on("disconnected", lambda *_: ended.set())
        (process,) = browsers._processes.values()
        monkeypatch.setattr(stuck, "new_context", AsyncMock(side_effect=TimeoutError))
        os.kill(process._pid, signal.SIGSTOP)
        async with browsers.open(plain) as session:
            assert session.browser is not stuck
            assert await session.page.evaluate("1 + 1") == 2
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        await browsers.close()
