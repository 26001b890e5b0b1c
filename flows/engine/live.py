"""What a person sees of a page and does in it: frames out, events in.

A `LiveView` belongs to one login (or one browser): it knows which page is the present one, whether a person may act
in it now, and whether it may be seen. Each onlooker has a `Viewer` with a screencast of its own, so that a slow one
slows nobody else; while nothing changes on the page, nothing is sent.

Input is taken only while the login waits for a person (R11). From the first key of a fill on no frame leaves until
what was typed is sent off or gone; once the login waits for a person, a password that shows as dots may be seen.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS
from flows.engine.gestures import Gestures

log = logging.getLogger(__name__)

VIEWERS = 4  # of one page
ACK_SECONDS = 10.0  # an onlooker that draws nothing for so long gets the next frame anyway
PAGE_SECONDS = 0.5  # how soon another page is shown
CALM_SECONDS = 0.3
DONE = ("up", "end")  # of a gesture: what it did may show now
IN_FLIGHT = 2  # frames that Chromium sends ahead
FRAME_SECONDS = 1 / 15
LOOK_SECONDS = 1.0  # a document that is about to go may not answer
SLOW_SECONDS, FAST_SECONDS = 0.45, 0.15
FASTER_AFTER = 12  # quick frames in a row
WINDOW = (500, 400, 1600, 1000)  # least and most width and height of a window

# Whether a field that was filled still holds something, and whether that can be read off the page.
HOLDS = """(el, secret) => {
  if (!el.isConnected) return "gone";
  const value = typeof el.value === "string" ? el.value : (el.textContent || "");
  if (!value) return "gone";
  return secret && el.type !== "password" && el.checkVisibility() ? "readable" : "held";
}"""


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


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that the service typed into. `secret`: its value must not be read off the page."""

    handle: Any
    secret: bool


class Stage(Protocol):
    """Where the page of a login is found; `flows.engine.tabs.Tabs` is one."""

    @property
    def page(self) -> Any: ...

    def acted(self) -> None:
        """A person did something in the page."""


class LiveView:
    """One login's page, for whoever may look. Without viewers it costs nothing."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._viewers: set[Viewer] = set()
        self._held: list[Filled] = []
        self._filling = 0
        self._waits = False
        self.typed = 0  # texts and keys a person put in
        self.closed = False

    @property
    def page(self) -> Any | None:
        return self._stage.page if self._stage is not None else None

    @property
    def acts(self) -> bool:
        """A person may act now."""
        return self._waits and not self._filling and not self.closed

    @property
    def attended(self) -> bool:
        """Somebody is there who could act."""
        return any(viewer.may_type for viewer in self._viewers)

    def show(self, stage: Stage) -> None:
        self._stage = stage
        self._held = []

    def hide(self) -> None:
        """The page is gone; another may follow."""
        self._stage = None
        self._waits = False
        self._ring()

    def close(self) -> None:
        """For good."""
        self.hide()
        self.closed = True
        self._ring()

    @contextlib.contextmanager
    def waiting(self) -> Any:
        """While the block runs the page is the person's."""
        self._waits = True
        self._ring()
        try:
            yield
        finally:
            self._waits = False
            self._ring()

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        """While the block runs nobody else acts and nobody looks (R11, R12)."""
        self._filling += 1
        self._ring()
        try:
            for viewer in tuple(self._viewers):
                await viewer.let_go()
            yield
        finally:
            self._filling -= 1
            self._ring()

    def hold(self, filled: Iterable[Filled]) -> None:
        """These fields were typed into: no frame until they are gone or empty."""
        self._held = [*self._held, *filled]

    async def is_visible(self) -> bool:
        """Whether the page may be seen now."""
        if self._filling:
            return False
        if not self._held:
            return True
        states = [(filled, await _state(filled)) for filled in self._held]
        self._held = [filled for filled, state in states if state != "gone"]
        if self._filling or any(state == "readable" for _, state in states):
            return False
        return self._waits or not self._held

    def acted(self, *, typed: bool) -> None:
        self.typed += int(typed)
        if self._stage is not None:
            self._stage.acted()

    def join(self, viewer: "Viewer") -> bool:
        if self.closed or len(self._viewers) >= VIEWERS:
            return False
        self._viewers.add(viewer)
        return True

    def leave(self, viewer: "Viewer") -> None:
        self._viewers.discard(viewer)

    def _ring(self) -> None:
        for viewer in self._viewers:
            viewer.ring()


async def _state(filled: Filled) -> str:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return str(await filled.handle.evaluate(HOLDS, filled.secret))
    except TimeoutError:
        return "readable" if filled.secret else "held"  # nobody knows: its document is about to go
    except DRIVER_ERRORS:
        return "gone"  # its document is


Show = Callable[[Frame], Awaitable[None]]
Tell = Callable[[Mapping[str, Any]], Awaitable[None]]


class Viewer:
    """One onlooker. `show` gets frames, each to be followed by an `ack`; `tell` gets notices: `acts` says whether
    input is taken, `hidden` that the page may not be seen now."""

    def __init__(self, view: LiveView, *, show: Show, tell: Tell, may_type: bool) -> None:
        self.may_type = may_type
        self._view = view
        self._show, self._tell = show, tell
        self._news = asyncio.Event()
        self._acked = asyncio.Event()
        self._newest: dict[str, Any] | None = None
        self._unacked: list[int] = []
        self._last = b""
        self._page: Any = None
        self._cdp: Any = None
        self._gestures: Gestures | None = None
        self._size = (1280, 800)
        self._window: tuple[int, int] | None = None
        self._level = 0
        self._quick = 0
        self._told: tuple[bool, bool] | None = None
        self._hidden = False
        self._missed = False

    # --- out -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the view is closed."""
        if not self._view.join(self):
            return
        try:
            while not self._view.closed:
                try:
                    await self._turn()
                except WAIT_ERRORS as error:
                    log.debug("the page went away: %s", type(error).__name__)
                    await self._detach()
                    await asyncio.sleep(PAGE_SECONDS)
        finally:
            self._view.leave(self)
            await self._detach()

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

    async def _take(self) -> Mapping[str, Any]:
        """The newest frame; Chromium draws the next ones once it knows that these have arrived."""
        frame, self._newest = self._newest or {}, None
        numbers, self._unacked = self._unacked, []
        for number in numbers:
            await self._cdp.send("Page.screencastFrameAck", {"sessionId": number})
        return frame

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
            await self._tell({"t": "state", "acts": now[0], "hidden": now[1]})

    async def _follow(self) -> None:
        """Have the screencast of the present page."""
        page = self._view.page
        if page is self._page and self._cdp is not None:
            return
        await self._detach()
        if page is None or page.is_closed():
            return
        cdp = await page.context.new_cdp_session(page)
        cdp.on("Page.screencastFrame", self._framed)
        self._page, self._cdp = page, cdp
        self._gestures = Gestures(page, cdp)
        await self._gestures.start()
        if self.may_type and self._window is not None:
            await self._fit(*self._window)
        await self._start()

    async def _start(self) -> None:
        if self._cdp is None:
            return
        self._missed, self._last = False, b""
        quality = QUALITIES[self._level]
        width, height = (max(200, round(side * quality.scale)) for side in self._size)
        with contextlib.suppress(*DRIVER_ERRORS):
            await self._cdp.send("Page.stopScreencast")
        await self._cdp.send(
            "Page.startScreencast",
            {"format": "jpeg", "quality": quality.jpeg, "maxWidth": width, "maxHeight": height, "everyNthFrame": 1},
        )

    async def _detach(self) -> None:
        cdp, self._cdp, self._page, self._gestures, self._newest = self._cdp, None, None, None, None
        self._unacked, self._last = [], b""
        if cdp is not None:
            with contextlib.suppress(*WAIT_ERRORS):
                async with asyncio.timeout(2):
                    await cdp.send("Page.stopScreencast")
                    await cdp.detach()

    def _framed(self, frame: dict[str, Any]) -> None:
        self._newest = frame
        self._unacked.append(frame["sessionId"])
        if len(self._unacked) >= IN_FLIGHT:
            self._missed = True  # from here on Chromium leaves frames out
        self.ring()

    def ring(self) -> None:
        self._news.set()

    # --- in --------------------------------------------------------------------------------------------------

    async def receive(self, message: Mapping[str, Any]) -> None:
        """What came from the onlooker. Anything it may not do is dropped, and so is what cannot be read."""
        kind = message.get("t")
        if kind == "ack":
            self._acked.set()
        elif kind == "size":
            await self._resized(message)
        elif self.may_type and self._view.acts and self._gestures is not None:
            with contextlib.suppress(*WAIT_ERRORS, KeyError, TypeError, ValueError):
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
        with contextlib.suppress(*WAIT_ERRORS):
            if self.may_type:
                self._window = (width, height)
                await self._fit(width, height)
            if pixels != self._size:
                self._size = pixels
                await self._start()

    async def _fit(self, width: int, height: int) -> None:
        """Give the window the shape of the person's screen, as somebody dragging its corner would."""
        cdp, page = self._cdp, self._page
        if cdp is None or page is None:
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
            with contextlib.suppress(*WAIT_ERRORS):
                async with asyncio.timeout(1):
                    await self._gestures.let_go()
