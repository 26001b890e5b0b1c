"""A phone in somebody's hand: puzzles solved by touch on the hosted page, through the live view to the website."""

from typing import Any

import pytest

from flows.engine.browsers import Browsers
from tests.hosted.conftest import OPEN, Visit, Visitor
from tests.hosted.test_live import Carried, carried
from tests.sites.server import SiteServer
from tests.sites.zoo import puzzles
from tests.sites.zoo.site import Zoo

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2
}  # fmt: skip
STEPS = 12


class Finger:
    """One finger on the picture of the website."""

    def __init__(self, visitor: Visitor, login: Carried) -> None:
        self.page = visitor.page
        self.login = login

    async def start(self) -> None:
        await self.page.locator(".live[data-acts][data-frames]").wait_for(timeout=3 * OPEN)
        self.cdp = await self.page.context.new_cdp_session(self.page)

    async def place(self, selector: str, dx: float = 0.5, dy: float = 0.5) -> tuple[float, float]:
        """Where an element of the website is on the phone's screen, `dx` and `dy` of its size in."""
        website: Any = self.login.website
        canvas = self.page.locator(".live-page")
        await canvas.scroll_into_view_if_needed()
        inside: Any = await website.locator(selector).bounding_box()
        size: Any = await website.evaluate("[innerWidth, innerHeight]")
        shown: Any = await canvas.bounding_box()
        return (
            shown["x"] + (inside["x"] + inside["width"] * dx) / size[0] * shown["width"],
            shown["y"] + (inside["y"] + inside["height"] * dy) / size[1] * shown["height"],
        )

    async def scale(self) -> float:
        """Pixels of the phone for one of the website."""
        shown: Any = await self.page.locator(".live-page").bounding_box()
        return float(shown["width"] / await self.login.website.evaluate("innerWidth"))

    async def touch(self, kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in at]
        await self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def tap(self, at: tuple[float, float]) -> None:
        await self.touch("touchStart", at)
        await self.touch("touchEnd")

    async def drag(self, at: tuple[float, float], by: float) -> None:
        await self.touch("touchStart", at)
        for step in range(1, STEPS + 1):
            await self.touch("touchMove", (at[0] + by * step / STEPS, at[1]))
            await self.page.evaluate("() => new Promise(requestAnimationFrame)")  # one move for each picture
        await self.touch("touchEnd")


async def test_a_box_is_ticked_by_a_finger(browsers: Browsers, site: SiteServer, visit: Visit) -> None:
    zoo = Zoo(site)
    puzzles.checkbox(zoo)
    visitor = await visit(**PHONE)
    async with carried(browsers, zoo) as login:
        await visitor.enter(login.flow)
        finger = Finger(visitor, login)
        await finger.start()
        await visitor.shot("takeover-box-phone")
        await finger.tap(await finger.place("#captcha-box", 38 / 304, 0.5))
        assert await login.ended() == "SUCCESS"
        await visitor.heading("You are signed in")
    assert zoo.facts["tries"] == [{"came": zoo.facts["tries"][0]["came"], "trusted": True}]


async def test_a_slider_is_drawn_by_a_finger(browsers: Browsers, site: SiteServer, visit: Visit) -> None:
    """As a person does it: look where it came to stand, and draw again."""
    zoo = Zoo(site)
    puzzles.slider(zoo)
    visitor = await visit(**PHONE)
    async with carried(browsers, zoo) as login:
        await visitor.enter(login.flow)
        finger = Finger(visitor, login)
        await finger.start()
        done = False
        for _ in range(5):
            stands = await login.website.evaluate("parseInt(document.querySelector('#handle').style.left) || 0")
            async with login.website.expect_response("**/solve", timeout=60_000):
                await finger.drag(await finger.place("#handle"), (puzzles.GAP - stands) * await finger.scale())
            tried = zoo.facts["tries"][-1]
            done = abs(tried["at"] - puzzles.GAP) <= 6 and tried["moves"] >= 5
            if done:
                break
        assert done
        assert await login.ended() == "SUCCESS"
        await visitor.heading("You are signed in")
    assert all(facts["trusted"] for facts in zoo.facts["tries"])
