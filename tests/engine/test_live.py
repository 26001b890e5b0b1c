"""A person looks at a waiting login and does in its page what the service cannot."""

import asyncio
from typing import Any

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest
from flows.engine.live import LiveView
from flows.engine.login import login
from tests.engine.hosts import Person, WaitingHost
from tests.engine.onlooker import Onlooker
from tests.sites.server import SiteServer
from tests.sites.zoo import puzzles
from tests.sites.zoo.site import PASSWORD, USER, Zoo

STORED = {"username": USER, "password": PASSWORD}


def request_for(zoo: Zoo, settings: BrowserSettings, known: frozenset[str] = frozenset(STORED)) -> LoginRequest:
    return LoginRequest(domain=zoo.server.domain, login_url=f"{zoo.url}/login", settings=settings, known=known)


async def place(view: LiveView, selector: str) -> tuple[float, float]:
    """The middle of an element: where a person's eyes would find it."""
    box: Any = await view.page.locator(selector).bounding_box()  # type: ignore[union-attr]
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def drag(person: Onlooker, view: LiveView, by: int) -> None:
    x, y = await place(view, "#handle")
    await person.do(t="touch", e="start", p=[{"x": x, "y": y}])
    for step in range(1, 11):
        await person.do(t="touch", e="move", p=[{"x": x + by * step / 10, "y": y}])
    await person.do(t="touch", e="end", p=[])


async def test_a_slider_is_solved_by_a_finger_and_the_login_goes_on(
    browsers: Browsers, site: SiteServer, plain: BrowserSettings
) -> None:
    zoo = Zoo(site)
    puzzles.slider(zoo)
    host = WaitingHost(STORED)
    async with Onlooker(host.live) as person, asyncio.timeout(60):
        running = asyncio.create_task(login(browsers, request_for(zoo, plain), host))
        await person.until(lambda: person.acts and person.frames)
        await drag(person, host.live, 60)
        await person.until(lambda: zoo.facts.get("tries") is not None)
        await drag(person, host.live, puzzles.GAP - 60)  # the handle stands where it was left
        outcome = await running
    assert isinstance(outcome, LoggedIn), outcome
    assert zoo.facts["tries"][-1]["trusted"]
    assert [pause.instruction is not None for pause in host.pauses] == [True]


async def test_a_box_is_ticked(browsers: Browsers, site: SiteServer, plain: BrowserSettings) -> None:
    zoo = Zoo(site)
    puzzles.checkbox(zoo)
    host = WaitingHost(STORED)
    async with Onlooker(host.live) as person, asyncio.timeout(60):
        running = asyncio.create_task(login(browsers, request_for(zoo, plain), host))
        await person.until(lambda: person.acts and person.frames)
        box: Any = await host.live.page.locator("#captcha-box").bounding_box()  # type: ignore[union-attr]
        at = {"x": box["x"] + 38, "y": box["y"] + 38}
        await person.do(t="mouse", e="move", **at)
        await person.do(t="mouse", e="down", **at)
        await person.do(t="mouse", e="up", **at)
        outcome = await running
    assert isinstance(outcome, LoggedIn), outcome


async def test_a_page_that_says_nothing_is_handed_to_the_person_who_is_there(
    browsers: Browsers, site: SiteServer, plain: BrowserSettings
) -> None:
    zoo = Zoo(site)
    puzzles.drawn(zoo)
    host = WaitingHost()
    host.watched = True
    async with Onlooker(host.live) as person, asyncio.timeout(60):
        running = asyncio.create_task(login(browsers, request_for(zoo, plain, frozenset()), host))
        await person.until(lambda: person.acts and person.frames)
        x, y = await place(host.live, "#c")
        await person.do(t="mouse", e="down", x=x, y=y)
        await person.do(t="mouse", e="up", x=x, y=y)
        for words in (USER, PASSWORD):
            await person.type(words)
            await person.press("Enter", 13)
        outcome = await running
    assert isinstance(outcome, LoggedIn), outcome


async def test_r25_who_may_only_look_changes_nothing(
    browsers: Browsers, site: SiteServer, plain: BrowserSettings
) -> None:
    zoo = Zoo(site)
    puzzles.slider(zoo)
    host = WaitingHost(STORED)
    async with Onlooker(host.live, may_type=False) as person, asyncio.timeout(60):
        running = asyncio.create_task(login(browsers, request_for(zoo, plain), host))
        await asyncio.wait_for(host.asked.wait(), 30)
        await person.until(lambda: person.frames)
        await drag(person, host.live, puzzles.GAP)
        await person.do(t="text", s="x")
        assert not person.acts
        assert "tries" not in zoo.facts
        assert host.live.typed == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    "message",
    [{"t": "mouse", "e": "down"}, {"t": "mouse", "e": "down", "x": "nan", "y": 1}, {"t": "touch", "e": "x", "p": 3},
     {"t": "wheel", "x": 1, "y": 1, "dx": 1e9, "dy": 0}, {"t": "size", "w": "a"}, {"t": "key"}, {"t": []}, {}],
)  # fmt: skip
async def test_what_cannot_be_read_is_dropped(browsers: Browsers, plain: BrowserSettings, message: Any) -> None:
    async with browsers.open(plain) as session:
        view = LiveView()
        view.show(_Still(session.page))
        async with Onlooker(view) as person:
            with view.waiting():
                await person.until(lambda: person.acts and person.frames)
                await person.do(**message)


class _Still:
    def __init__(self, page: Any) -> None:
        self.page = page

    def acted(self) -> None:
        raise AssertionError("nothing was done")

    def let_go(self, page: Any) -> None:
        """Nobody waits for it."""


async def test_r11_r12_while_the_service_fills_nobody_acts_and_nobody_looks(
    browsers: Browsers, site: SiteServer, plain: BrowserSettings
) -> None:
    """The form shows the password and never stands still while the site's answer is held back."""
    zoo = Zoo(site)
    release, reached = asyncio.Event(), asyncio.Event()
    puzzles.restless(zoo)
    inner = zoo.server.handler("/login")

    async def held(request: Any) -> Any:
        if request.method == "POST":
            reached.set()
            await release.wait()
        return inner(request)

    zoo.server.on("/login", held)
    host = WaitingHost(STORED)
    async with Onlooker(host.live) as person, asyncio.timeout(60):
        running = asyncio.create_task(login(browsers, request_for(zoo, plain), host))
        await reached.wait()
        assert not host.live.acts
        assert not await host.live.is_visible()
        seen = len(person.frames)
        await person.until(lambda: person.told and person.told[-1]["hidden"])
        await asyncio.sleep(0.5)  # ten colours
        assert len(person.frames) == seen
        release.set()
        await person.until(lambda: person.acts and len(person.frames) > seen)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_person_is_not_there_by_looking() -> None:
    assert not LiveView().attended
    assert Person().picks == ()
