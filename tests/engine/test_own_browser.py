"""A browser of its own behind a worker's door, driven by real debuggers from outside."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from flows.browser_links import relay_token
from flows.engine.contract import ProfileState
from flows.engine.default_context import profile_capture, profile_load
from flows.engine.drivers import Drivers
from flows.engine.errors import BrowserLost
from flows.engine.own_browser import OwnBrowser, OwnSettings, own_browser_start
from flows.relay import HEADER
from flows.runner.relay import Relay, Served
from tests.engine.conftest import options
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ID = "browser_test"
HEADERS = {HEADER: f"Bearer {relay_token(ID)}"}
READ_DATABASE = """() => new Promise((done) => {
  const opening = indexedDB.open("kept", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("things");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("things").objectStore("things").get("a");
    asked.onsuccess = () => done(asked.result || null);
  };
})"""
WRITE_DATABASE = """() => new Promise((done) => {
  const opening = indexedDB.open("kept", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("things");
  opening.onsuccess = () => {
    const writing = opening.result.transaction("things", "readwrite");
    writing.objectStore("things").put("in the database", "a");
    writing.oncomplete = () => { opening.result.close(); done(); };
  };
})"""


class Behind:
    """A browser behind a relay, and a driver that connects to it from outside."""

    def __init__(self, browser: OwnBrowser, served: Served, relay: Relay, drivers: Drivers) -> None:
        self.browser = browser
        self.served = served
        self.relay = relay
        self.drivers = drivers

    @property
    def url(self) -> str:
        return self.relay.local_url(ID, "cdp")

    @asynccontextmanager
    async def driven(self) -> AsyncIterator[Browser]:
        async with async_playwright() as playwright:
            yield await playwright.chromium.connect_over_cdp(self.url, headers=HEADERS)

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        async with connect(self.url, additional_headers=HEADERS) as socket:
            await socket.send(json.dumps({"id": 7, "method": method, "params": params}))
            while True:
                answer: dict[str, Any] = json.loads(await socket.recv())
                if answer.get("id") == 7:
                    return answer


@asynccontextmanager
async def behind(settings: OwnSettings, **changes: object) -> AsyncIterator[Behind]:
    """`changes` are of the worker's options."""
    browser = await own_browser_start(settings, options(**changes))
    relay, drivers = Relay(listen="127.0.0.1", advertise="127.0.0.1"), Drivers()
    try:
        await relay.start()

        async def control(command: Mapping[str, Any]) -> None:
            await browser.resize(command["width"], command["height"])

        served = Served(pipe=browser.pipe, control=control, used=0.0)
        relay.add(ID, served)
        yield Behind(browser, served, relay, drivers)
    finally:
        await browser.close()
        await relay.close()
        await drivers.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[Behind]:
    async with behind(OwnSettings(headless=True)) as one:
        yield one


def processes_of(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def test_a_profile_of_several_sites_is_loaded_and_taken_out_whole(running: Behind, site: SiteServer) -> None:
    site.page("/", "<h1>one</h1>")
    one, two = site.url.rstrip("/"), site.url.replace("127.0.0.1", "localhost").rstrip("/")
    cookie = {"name": "s", "value": "1", "domain": "127.0.0.1", "path": "/", "expires": -1}
    cookie |= {"httpOnly": True, "secure": False, "sameSite": "Lax"}
    origins = [
        {"origin": origin, "localStorage": [{"name": "k", "value": value}]}
        for origin, value in ((one, "1"), (two, "2"))
    ]
    profile = ProfileState(storage={"cookies": [cookie], "origins": origins}, session_storage={one: {"tab": "kept"}})
    own = running.relay.local_url(ID, "own")
    await profile_load(running.drivers, own, HEADERS, profile)
    assert running.served.clients == set()
    async with running.driven() as driven:
        context = driven.contexts[0]
        page = context.pages[0]
        await page.goto(site.url)
        assert await page.evaluate("[localStorage.k, sessionStorage.tab]") == ["1", "kept"]
        assert "s" in {item["name"] for item in await context.cookies(site.url)}
        await page.evaluate("localStorage.later = 'yes'; document.cookie = 'more=1; max-age=99'")
        await page.evaluate(WRITE_DATABASE)
        await driven.close()
    captured = await profile_capture(running.drivers, own, HEADERS, origins=running.browser.origins, base=profile)
    kept = {
        entry["origin"]: {item["name"]: item["value"] for item in entry["localStorage"]}
        for entry in captured.storage["origins"]
    }
    assert kept == {one: {"k": "1", "later": "yes"}, two: {"k": "2"}}
    assert {item["name"] for item in captured.storage["cookies"]} >= {"s", "more"}
    assert captured.session_storage[one] == {"tab": "kept"}
    async with behind(OwnSettings(headless=True)) as other:
        await profile_load(other.drivers, other.relay.local_url(ID, "own"), HEADERS, captured)
        async with other.driven() as driven:
            page = await driven.contexts[0].new_page()
            await page.goto(site.url)
            assert await page.evaluate(READ_DATABASE) == "in the database"
            assert await page.evaluate("localStorage.later") == "yes"
        folder = other.browser._folder
        assert processes_of(folder)
        async with connect(other.url, additional_headers=HEADERS) as socket:
            for pid in processes_of(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.wait_for(other.browser.pipe.closed.wait(), 20)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 20)
    assert processes_of(folder) == []
    assert not folder.exists()


async def test_what_is_asked_of_a_page_that_is_gone_is_refused_at_once(running: Behind) -> None:
    with pytest.raises(BrowserLost, match="refused"):
        await running.browser.pipe.call("Page.enable", session="0123456789ABCDEF" * 2)


async def test_clients_come_and_go_and_do_not_see_each_other(running: Behind) -> None:
    async with running.driven() as first, running.driven() as second:
        before = len(first.contexts[0].pages)
        page = await first.contexts[0].new_page()
        await page.goto("data:text/html,<title>mine</title>")
        assert await page.title() == "mine"
        assert len(running.served.clients) == 2
        await second.close()  # asks the browser to end, which only the API may
        assert await page.evaluate("1 + 1") == 2
        await page.close()
        assert len(first.contexts[0].pages) == before
    answer = await running.ask("Browser.close", {})
    assert answer["result"] == {}
    assert (await running.ask("Browser.getVersion", {}))["result"]["product"]


async def test_a_client_that_comes_in_by_the_tabs_reaches_the_page(running: Behind) -> None:
    """As Puppeteer does: it discovers with a filter, attaches by itself to tabs, and then within each tab."""
    everything: Mapping[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
    async with connect(running.url, additional_headers=HEADERS, max_size=None) as socket, asyncio.timeout(30):
        numbers = count(1)

        async def say(method: str, params: Mapping[str, Any], session: str = "") -> int:
            message = {"id": next(numbers), "method": method, "params": params}
            await socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
            return int(str(message["id"]))

        async def attached(kind: str) -> str:
            while True:
                heard = json.loads(await socket.recv())
                if heard.get("method") == "Target.attachedToTarget" and heard["params"]["targetInfo"]["type"] == kind:
                    return str(heard["params"]["sessionId"])

        await say("Target.getBrowserContexts", {})
        await say("Target.setDiscoverTargets", {"discover": True, "filter": [{}]})
        await say("Target.setAutoAttach", {**everything, "filter": [{"type": "page", "exclude": True}, {}]})
        tab = await attached("tab")
        await say("Target.setAutoAttach", {**everything, "filter": [{}]}, tab)
        page = await attached("page")
        await say("Runtime.runIfWaitingForDebugger", {}, page)
        asked = await say("Runtime.evaluate", {"expression": "6 * 7"}, page)
        while (answer := json.loads(await socket.recv())).get("id") != asked:
            pass
        assert (answer["result"]["result"]["value"], answer["sessionId"]) == (42, page)


async def test_r32_a_client_reaches_no_file_and_no_inside(running: Behind) -> None:
    for method, params in (
        ("Target.createTarget", {"url": "file:///etc/passwd"}),
        ("Target.createBrowserContext", {"proxyServer": "direct://"}),
        ("DOM.setFileInputFiles", {"files": ["/etc/passwd"]}),
    ):
        assert "not" in (await running.ask(method, params))["error"]["message"] or method.startswith("DOM")
    stolen = await running.ask("Runtime.evaluate", {"expression": "1", "sessionId": "x"})
    assert "error" in stolen
    async with connect(running.url, additional_headers=HEADERS) as socket:
        await socket.send(json.dumps({"id": 1, "method": "Browser.getVersion", "sessionId": "A" * 32}))
        assert json.loads(await socket.recv())["error"]["code"] == -32001


async def test_r30_a_page_leaves_through_the_guarded_way_only(running: Behind, site: SiteServer) -> None:
    site.page("/", "<h1>one</h1>")
    refused = site.url.replace("127.0.0.1", "127.0.0.2")
    async with running.driven() as driven:
        page = driven.contexts[0].pages[0]
        await page.goto(site.url)
        answer = await page.goto(refused)
        assert answer is not None
        assert answer.status in (403, 502)
        await page.goto("about:blank")


async def test_r25_the_door_opens_to_our_own_processes_only(running: Behind) -> None:
    for headers in ({}, {HEADER: "Bearer " + "0" * 64}, HEADERS | {"Origin": "http://127.0.0.1"}):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(running.url, additional_headers=headers)
        assert refusal.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        await connect(running.url.replace(ID, "browser_other"), additional_headers=HEADERS)


async def test_an_idle_browser_is_told_from_one_in_use(running: Behind) -> None:
    now = asyncio.get_running_loop().time()
    assert running.served.idle_seconds(now + 100) >= 100
    async with running.driven():
        assert running.served.idle_seconds(now + 100) == 0.0
