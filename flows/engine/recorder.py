"""Records the present page of a view until it is told to stop, the view is closed, or a limit is reached.

The screencast only says that something changed; the picture is then taken by `flows.engine.cover`. From the first key
of a fill until what was typed is gone nothing is taken at all (R12): the video stands still meanwhile.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from flows.engine.cover import Covered, covered_take
from flows.engine.live import LiveView
from flows.engine.screen import PAGE_SECONDS, Screen
from flows.engine.video import Video

log = logging.getLogger(__name__)

TURN_SECONDS = 8.0  # a page with a dialog open answers nothing
SIGNAL = {"format": "jpeg", "quality": 30, "maxWidth": 960, "maxHeight": 960}
LAST_SECONDS = 4.0
CATCH_SECONDS = 5.0
MOST_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """`framerate` is the most pictures a second."""

    framerate: int = 5
    seconds: float = 3600.0


class Recorder(Screen):
    """One recording."""

    def __init__(self, view: LiveView, options: RecordOptions) -> None:
        super().__init__(view)
        self._options = options
        self._video = Video()
        self._stopped: float | None = None
        self._due = False
        self._seen = ""
        self._began = 0.0
        self._hurry, self._caught = asyncio.Event(), asyncio.Event()
        self.taken = 0  # pictures

    async def run(self) -> bytes:
        """An MP4 file; one grey picture when there was nothing that may be seen."""
        self._began = asyncio.get_running_loop().time()
        self._view.follow(self)
        try:
            await self._look()
        finally:
            self._view.unfollow(self)
        return await asyncio.to_thread(self._video.finish, self._now())

    def stop(self) -> None:
        """Soon; without any picture yet one is still waited for."""
        self._stopped = self._now()
        self.ring()

    async def catch_up(self) -> None:
        if not await self._view.is_clear():
            return  # there is nothing that may be seen
        self._due = True
        self._caught.clear()
        self._hurry.set()
        self.ring()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_SECONDS):
                await self._caught.wait()

    @property
    def _over(self) -> bool:
        if self._view.closed or self._now() >= self._options.seconds or self._video.size >= MOST_BYTES:
            return True
        return self._stopped is not None and (not self._video.empty or self._now() - self._stopped > LAST_SECONDS)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def _turn(self) -> None:
        async with asyncio.timeout(TURN_SECONDS):
            await self._follow()
            self._news.clear()
            if self._newest is not None:
                frame = await self._take()
                self._due = self._due or frame["data"] != self._seen
                self._seen = frame["data"]
            due, self._due = self._due and self._cdp is not None, False
            picture = await self._picture() if due else None
        if picture is not None:
            await asyncio.to_thread(self._video.add, picture, self._now())
            self.taken += 1
            self._caught.set()
        self._due = self._due or (due and picture is None)
        await self._rest()

    async def _rest(self) -> None:
        """Until the next picture may be taken, and there is something to take."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1 / self._options.framerate):
                await self._hurry.wait()
        self._hurry.clear()
        if self._due or self._newest is not None or self._over:
            return
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return

    async def _picture(self) -> Covered | None:
        fills = self._view.fills
        if not await self._view.is_clear():
            return None
        taken = await covered_take(self._cdp)
        clear = await self._view.is_clear() and self._view.fills == fills
        return taken if clear and self._page is self._view.page else None

    def _cast(self) -> Mapping[str, object]:
        self._seen = ""
        return SIGNAL

    async def _met(self) -> None:
        self._due = True

    def _left(self) -> None:
        self._due = False
