"""Passkeys from one browser to the next, before a site that verifies every ceremony and insists on a rising counter."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from flows.engine.browsers import Browsers
from flows.engine.checking import check
from flows.engine.contract import BrowserSettings, ErrorCode, Failed, LoggedIn, LoginRequest, ProfileState
from flows.engine.lent_passkeys import LentPasskeys
from flows.engine.live import LiveView
from flows.engine.login import login
from flows.engine.own_browser import OwnSettings
from flows.engine.own_pages import OwnPages
from flows.engine.passkeys import EPOCH, STEPS, Passkey
from flows.engine.pipe import Client, Pipe
from flows.engine.tabs import Tabs
from flows.runner.profiles import state_for_engine, state_from_engine
from tests.engine.hosts import Person, ScriptedHost
from tests.engine.onlooker import Onlooker
from tests.engine.test_own_browser import Behind, behind
from tests.sites.passkeys import PASSWORD, USER, PasskeySite
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
EMPTY = ProfileState(storage={"cookies": [], "origins": []})


@pytest_asyncio.fixture(loop_scope="session")
async def passkeys() -> AsyncIterator[PasskeySite]:
    async with SiteServer(host="localhost") as server:
        yield PasskeySite(server)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[Behind]:
    async with behind(OwnSettings(headless=True)) as one:
        yield one


async def signed_in(page: Page, site: PasskeySite) -> None:
    await page.goto(site.login_url)
    await page.fill("[name=username]", USER)
    await page.fill("[name=password]", PASSWORD)
    await page.click("form button")
    await page.wait_for_url("**/home")


async def made(page: Page, site: PasskeySite) -> None:
    """A passkey, as a person makes one."""
    await signed_in(page, site)
    await page.click("#make")
    await page.get_by_text("It is made").wait_for()


async def used(page: Page, site: PasskeySite) -> None:
    await page.goto(site.login_url)
    await page.click("#use")
    await page.wait_for_url("**/home")


async def with_passkey(browsers: Browsers, plain: BrowserSettings, site: PasskeySite) -> ProfileState:
    """A profile that holds one and is signed in nowhere."""
    async with browsers.open(plain) as session:
        lent = LentPasskeys(session.context, ())
        await lent.attach(session.page)
        await made(session.page, site)
        return replace(EMPTY, passkeys=lent.ring.kept)


def request_for(site: PasskeySite, settings: BrowserSettings, state: ProfileState, **changes: Any) -> LoginRequest:
    request = LoginRequest(
        domain=site.server.domain, login_url=site.login_url, settings=settings, state=state, known=frozenset()
    )
    return replace(request, **changes)


# --- a caller's browser ----------------------------------------------------------------------------------------


async def test_a_passkey_made_in_one_browser_is_used_in_the_next(
    running: Behind, passkeys: PasskeySite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running.driven() as driven:
        page = await driven.contexts[0].new_page()
        await made(page, passkeys)
        await used(page, passkeys)
        await page.close()
    kept = running.browser.passkeys.ring.kept
    (passkey,) = kept
    assert (passkey.rp_id, passkey.sign_count) == ("localhost", passkeys.counts[-1])
    sealed = state_from_engine(replace(EMPTY, passkeys=kept))
    state = state_for_engine(sealed)
    assert state is not None
    assert state.passkeys == kept
    async with behind(OwnSettings(headless=True)) as other:
        await other.browser.passkeys.load(state.passkeys)
        async with other.driven() as driven:
            page = await driven.contexts[0].new_page()
            await used(page, passkeys)
        assert [item.id for item in other.browser.passkeys.ring.kept] == [passkey.id]
    assert passkeys.counts == sorted(set(passkeys.counts))
    assert passkey.private_key not in caplog.text
    assert "a passkey was made for localhost" in caplog.text


async def test_a_person_makes_one_in_the_live_view(passkeys: PasskeySite) -> None:
    async with behind(OwnSettings(headless=True)) as one, one.driven() as driven:
        page = await driven.contexts[0].new_page()
        await signed_in(page, passkeys)
        await page.focus("#make")
        view = LiveView(fits=False)
        view.show(OwnPages(one.browser))
        with view.waiting():
            for _ in range(2):  # looks, looks away, and looks again
                async with Onlooker(view) as person:
                    await person.until(lambda at=person: bool(at.frames))
                    await one.browser.passkeys.settled()
                    await person.press("Enter", 13)
                    await page.get_by_text("It is made").wait_for()
                await page.reload()
                await page.focus("#make")
        await one.browser.passkeys.settled()
        assert len(passkeys.known) == 2
        await used(page, passkeys)


async def test_every_tab_and_popup_has_it_and_no_counter_falls_behind(passkeys: PasskeySite) -> None:
    async with behind(OwnSettings(headless=True)) as one, one.driven() as driven:
        page = await driven.contexts[0].new_page()
        await made(page, passkeys)
        other = await driven.contexts[0].new_page()
        await used(other, passkeys)
        async with other.expect_popup() as opening:
            await other.evaluate("void window.open('/login')")
        popup = await opening.value
        await popup.wait_for_load_state()
        for tab in (popup, page, other, popup, page):
            await one.browser.passkeys.settled()
            await used(tab, passkeys)
        assert passkeys.refusals == []
        assert len(passkeys.counts) == 6
        assert one.browser.passkeys.ring.kept[0].sign_count == passkeys.counts[-1]


async def test_a_debugger_that_leaves_takes_no_passkey_along(
    passkeys: PasskeySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chromium ends all of a page's authenticators with any of its debugging sessions."""
    left = asyncio.Event()
    leave = Pipe.leave

    async def leaves(pipe: Pipe, client: Client) -> None:
        await leave(pipe, client)
        left.set()

    monkeypatch.setattr(Pipe, "leave", leaves)
    async with behind(OwnSettings(headless=True)) as one, one.driven() as driven:
        page = await driven.contexts[0].new_page()
        await made(page, passkeys)
        session = await driven.contexts[0].new_cdp_session(page)
        await session.detach()
        await one.browser.passkeys.settled()
        await used(page, passkeys)
        async with one.driven() as second:
            assert second.contexts[0].pages
        await asyncio.wait_for(left.wait(), 60)
        await one.browser.passkeys.settled()
        await used(page, passkeys)
        assert len(one.browser.passkeys.ring.kept) == 1


async def test_what_the_site_withdraws_is_not_kept(passkeys: PasskeySite) -> None:
    async with behind(OwnSettings(headless=True)) as one, one.driven() as driven:
        page = await driven.contexts[0].new_page()
        other = await driven.contexts[0].new_page()
        await made(page, passkeys)
        ids = list(passkeys.known)
        await page.evaluate(
            "id => PublicKeyCredential.signalUnknownCredential({rpId: 'localhost', credentialId: id})", ids[0]
        )
        assert not list(one.browser.passkeys.ring.kept)
        await made(other, passkeys)
        await made(page, passkeys)  # for the same account: in the place of the one before
        (kept,) = one.browser.passkeys.ring.kept
        assert len(passkeys.known) == 3
        assert kept.id.rstrip("=").replace("+", "-").replace("/", "_") == list(passkeys.known)[-1]


# --- a login ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stealth", [False, True])
async def test_a_login_uses_the_profiles_passkey_and_asks_nobody(
    browsers: Browsers, stealth: bool, passkeys: PasskeySite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = BrowserSettings(tenant="org_test", stealth=stealth)
    state = await with_passkey(browsers, settings, passkeys)
    for uses in (1, 2):
        host = ScriptedHost()
        outcome = await login(browsers, request_for(passkeys, settings, state), host)
        assert isinstance(outcome, LoggedIn), outcome
        assert outcome.passkey
        assert (host.pauses, host.revealed) == ([], [])
        assert outcome.post_login_url == passkeys.server.url + "/home"
        assert outcome.check is not None
        assert await check(browsers, settings, outcome.state, outcome.check) == "ok"
        assert len(passkeys.counts) == uses  # neither the proof nor the check used it
        (kept,) = outcome.state.passkeys
        assert kept.sign_count == passkeys.counts[-1]
        assert kept.private_key == state.passkeys[0].private_key
        assert kept.private_key not in caplog.text + repr(outcome)
        state = replace(EMPTY, passkeys=outcome.state.passkeys)
    assert passkeys.counts == sorted(set(passkeys.counts))


async def test_a_plan_made_with_a_passkey_is_followed_with_one(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    state = await with_passkey(browsers, plain, passkeys)
    first = await login(browsers, request_for(passkeys, plain, state, login_url=None), ScriptedHost())
    assert isinstance(first, LoggedIn), first
    assert first.plan is not None
    assert first.plan.start == passkeys.login_url
    again = replace(EMPTY, passkeys=first.state.passkeys)
    request = request_for(passkeys, plain, again, login_url=None, plan=first.plan, check=first.check)
    second = await login(browsers, request, ScriptedHost())
    assert isinstance(second, LoggedIn), second
    assert second.passkey
    # The same plan without the passkey: the form, as ever.
    host = ScriptedHost(person=Person({"username": [USER], "password": [PASSWORD]}))
    third = await login(browsers, replace(request, state=None), host)
    assert isinstance(third, LoggedIn), third
    assert not third.passkey
    assert len(host.pauses) == 1


async def test_a_login_without_a_passkey_goes_on_as_ever(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    host = ScriptedHost({"username": USER, "password": PASSWORD})
    request = request_for(passkeys, plain, EMPTY, known=frozenset({"username", "password"}))
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert outcome.stored == {"username", "password"}
    assert not outcome.passkey
    assert not passkeys.server.posts("/use/begin")


async def test_a_passkey_the_site_does_not_know_falls_back_to_the_form(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    state = await with_passkey(browsers, plain, passkeys)
    passkeys.known.clear()
    host = ScriptedHost({"username": USER, "password": PASSWORD})
    request = request_for(passkeys, plain, state, known=frozenset({"username", "password"}))
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert outcome.stored == {"username", "password"}
    assert len(passkeys.refusals) == 1


async def test_r10_a_passkey_is_not_used_on_an_origin_the_login_does_not_allow(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    """The site that was asked for sends the browser to one whose passkey the profile holds too."""
    state = await with_passkey(browsers, plain, passkeys)
    async with SiteServer() as server:
        server.page("/", f"<script>location = '{passkeys.login_url}'</script>")
        host = ScriptedHost()
        request = request_for(passkeys, plain, state, domain=server.domain, login_url=server.url + "/")
        outcome = await login(browsers, request, host)
        assert isinstance(outcome, Failed)
        assert outcome.code is ErrorCode.WRONG_ORIGIN
        assert not passkeys.server.posts("/use/begin")
        allowed = replace(request, consented_origins=(passkeys.server.url,))
        outcome = await login(browsers, allowed, ScriptedHost())
        assert isinstance(outcome, LoggedIn), outcome
        assert outcome.passkey


async def test_a_page_cannot_use_one_at_its_own_wish(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    """Until it is lent to the page, and after it was taken back, a ceremony ends at once, conditional or not."""
    state = await with_passkey(browsers, plain, passkeys)
    ask = """async (mediation) => await navigator.credentials.get({mediation, publicKey: {
        challenge: new Uint8Array(16), rpId: "localhost"}}).then(() => "used", (error) => error.name)"""
    async with browsers.open(plain) as session:
        lent = LentPasskeys(session.context, state.passkeys)
        await lent.attach(session.page)
        await session.page.goto(passkeys.login_url)
        for mediation in ("optional", "conditional"):
            assert await session.page.evaluate(ask, mediation) == "NotAllowedError"
        async with lent.lent(session.page, "localhost"):
            assert await session.page.evaluate(ask, "optional") == "used"
        async with lent.lent(session.page, "elsewhere.example"):
            assert await session.page.evaluate(ask, "optional") == "NotAllowedError"
        assert await session.page.evaluate(ask, "optional") == "NotAllowedError"
        assert lent.ring.uses == 1
        assert [item.id for item in lent.ring.kept] == [item.id for item in state.passkeys]


async def test_whoever_looks_at_a_login_takes_no_passkey_along(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    """A person watches, looks away, and makes one."""
    async with browsers.open(plain) as session:
        lent = LentPasskeys(session.context, ())
        await lent.attach(session.page)
        view = LiveView()
        view.show(Tabs(session, lent))
        async with Onlooker(view) as person:
            with view.waiting():
                await person.until(lambda: bool(person.frames))
        await lent.settled()
        await made(session.page, passkeys)
        assert len(lent.ring.kept) == 1


async def test_counters_go_on_from_the_clock_even_if_nothing_was_saved(
    browsers: Browsers, plain: BrowserSettings, passkeys: PasskeySite
) -> None:
    state = await with_passkey(browsers, plain, passkeys)
    for second in (1000, 1001):
        async with browsers.open(plain) as session:
            lent = LentPasskeys(session.context, state.passkeys, clock=partial(float, EPOCH + second))
            await lent.attach(session.page)
            async with lent.lent(session.page, "localhost"):
                await used(session.page, passkeys)
    assert passkeys.counts == [1000 * STEPS + 1, 1001 * STEPS + 1]
    assert isinstance(state.passkeys[0], Passkey)
