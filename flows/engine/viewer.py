"""One onlooker of a page: frames out as fast as they are drawn, what the person does in it back."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.engine.gestures import Gestures
from flows.engine.live import LiveView
from flows.engine.screen import GONE, PAGE_SECONDS, Screen

ACK_SECONDS = 10.0  # an onlooker that draws nothing for so long gets the next frame anyway
CALM_SECONDS = 0.3
DONE = ("up", "end")  # of a gesture: what it did may show now
FRAME_SECONDS = 1 / 15
SLOW_SECONDS, FAST_SECONDS = 0.45, 0.15
FASTER_AFTER = 12  # quick frames in a row
WINDOW = (500, 400, 1600, 1000)  # least and most width and height of a window


@dataclass(frozen=True, slots=True)
class Quality:
    """JPEG quality and the share of the onlooker's size that is sent."""

    jpeg: int
    scale: float


QUALITIES = (Quality(75, 1.0), Quality(55, 1.0), Quality(40, 0.75), Quality(25, 0.5))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the page. Sizes are those of the page, in its own pixels."""

    jpeg: bytes
    width: int
    height: int


Show = Callable[[Frame], Awaitable[None]]
Tell = Callable[[Mapping[str, Any]], Awaitable[None]]


class Viewer(Screen):
    """One onlooker. `show` gets frames, each to be followed by an `ack`; `tell` gets notices: `acts` says whether
    input is taken, `hidden` that the page may not be seen now, `looks` that input is never taken."""

    def __init__(self, view: LiveView, *, show: Show, tell: Tell, may_type: bool) -> None:
        super().__init__(view)
        self.may_type = may_type
        self._show, self._tell = show, tell
        self._acked = asyncio.Event()
        self._last = b""
        self._gestures: Gestures | None = None
        self._size = (1280, 800)
        self._window: tuple[int, int] | None = None
        self._level = 0
        self._quick = 0
        self._told: tuple[bool, bool] | None = None
        self._hidden = False

    # --- out -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the view is closed."""
        if not self._view.join(self):
            return
        try:
            await self._look()
        finally:
            self._view.leave(self)

    async def _turn(self) -> None:
        await self._follow()
        await self._say()
        self._news.clear()
        if self._newest is None:
            await self._idle()
            return
        frame = await self._take()
        if not await self._view.is_visible():
            self._hidden = self._missed = True
            await asyncio.sleep(FRAME_SECONDS)
            return
        self._hidden = False
        await self._deliver(frame)

    async def _idle(self) -> None:
        """Until something happens. Once it is calm, the last change is asked for if it may have been left out."""
        try:
            async with asyncio.timeout(CALM_SECONDS if self._missed else PAGE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            if self._missed and await self._view.is_visible():
                self._hidden = False
                await self._start()

    async def _deliver(self, frame: Mapping[str, Any]) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        self._acked.clear()
        jpeg, size = base64.b64decode(frame["data"]), frame["metadata"]
        if jpeg == self._last:
            return
        self._last = jpeg
        await self._show(Frame(jpeg, round(size["deviceWidth"]), round(size["deviceHeight"])))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ACK_SECONDS):
                await self._acked.wait()
        await self._adapt(clock() - begun)
        await asyncio.sleep(max(0.0, FRAME_SECONDS - (clock() - begun)))

    async def _adapt(self, seconds: float) -> None:
        """A slow line gets less, and more again once it keeps up."""
        self._quick = self._quick + 1 if seconds < FAST_SECONDS else 0
        if seconds > SLOW_SECONDS and self._level < len(QUALITIES) - 1:
            self._level += 1
        elif self._quick > FASTER_AFTER and self._level > 0:
            self._level, self._quick = self._level - 1, 0
        else:
            return
        await self._start()

    async def _say(self) -> None:
        now = (self.may_type and self._view.acts, self._hidden)
        if now != self._told:
            self._told = now
            await self._tell({"t": "state", "acts": now[0], "hidden": now[1], "looks": not self.may_type})

    async def _met(self) -> None:
        self._gestures = Gestures(self._cdp)
        await self._gestures.start()
        if self.may_type and self._window is not None:
            await self._fit(*self._window)

    def _left(self) -> None:
        self._gestures = None

    def _cast(self) -> Mapping[str, Any]:
        self._last = b""
        quality = QUALITIES[self._level]
        width, height = (max(200, round(side * quality.scale)) for side in self._size)
        return {"format": "jpeg", "quality": quality.jpeg, "maxWidth": width, "maxHeight": height}

    # --- in --------------------------------------------------------------------------------------------------

    async def receive(self, message: Mapping[str, Any]) -> None:
        """What came from the onlooker. Anything it may not do is dropped, and so is what cannot be read."""
        kind = message.get("t")
        if kind == "ack":
            self._acked.set()
        elif kind == "size":
            await self._resized(message)
        elif self.may_type and self._view.acts and self._gestures is not None:
            with contextlib.suppress(*GONE, KeyError, TypeError, ValueError):
                typed = await self._gestures.perform(message, self._allowed)
                if typed or message.get("e") in DONE:
                    self._view.acted(typed=typed)

    def _allowed(self) -> bool:
        return self._view.acts

    async def _resized(self, message: Mapping[str, Any]) -> None:
        try:
            width, height, density = int(message["w"]), int(message["h"]), float(message.get("d", 1))
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        density = min(max(density, 1.0), 2.0)
        pixels = (min(2400, max(200, round(width * density))), min(2400, max(200, round(height * density))))
        with contextlib.suppress(*GONE):
            if self.may_type:
                self._window = (width, height)
                await self._fit(width, height)
            if pixels != self._size:
                self._size = pixels
                await self._start()

    async def _fit(self, width: int, height: int) -> None:
        """Give the window the shape of the person's screen, as somebody dragging its corner would."""
        cdp, page = self._cdp, self._page
        if cdp is None or page is None or not self._view.fits:
            return
        least_width, least_height, most_width, most_height = WINDOW
        scale = max(1.0, least_width / max(1, width))
        wanted = (
            round(min(max(width * scale, least_width), most_width)),
            round(min(max(height * scale, least_height), most_height)),
        )
        if page.viewport_size is not None:
            await page.set_viewport_size({"width": wanted[0], "height": wanted[1]})
            return
        found = await cdp.send("Browser.getWindowForTarget")
        layout = await cdp.send("Page.getLayoutMetrics")
        bars = max(0, found["bounds"]["height"] - layout["cssLayoutViewport"]["clientHeight"])
        await cdp.send(
            "Browser.setWindowBounds",
            {"windowId": found["windowId"], "bounds": {"width": wanted[0], "height": wanted[1] + bars}},
        )

    async def let_go(self) -> None:
        """No button stays pressed and no finger down when the service takes over."""
        if self._gestures is not None:
            with contextlib.suppress(*GONE):
                async with asyncio.timeout(1):
                    await self._gestures.let_go()
