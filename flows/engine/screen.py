"""The screencast of a view's present page, for whoever looks or records.

Each has one of its own, so that a slow one slows nobody else; while nothing changes on the page, nothing is sent.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS
from flows.engine.errors import BrowserLost
from flows.engine.live import LiveView

log = logging.getLogger(__name__)

PAGE_SECONDS = 0.5  # how soon another page is shown
IN_FLIGHT = 2  # frames that Chromium sends ahead
LOST: tuple[type[Exception], ...] = (*DRIVER_ERRORS, BrowserLost, OSError)
GONE: tuple[type[Exception], ...] = (*WAIT_ERRORS, BrowserLost, OSError)


class Screen(ABC):
    """Follows the present page. What becomes of its frames is the business of `_turn`."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._news = asyncio.Event()
        self._newest: dict[str, Any] | None = None
        self._missed = False
        self._page: Any = None
        self._cdp: Any = None
        self._unacked: list[int] = []

    @abstractmethod
    def _cast(self) -> Mapping[str, Any]:
        """What to ask of the screencast."""

    @abstractmethod
    async def _turn(self) -> None:
        """Deal with what is new, or wait for it; over and over while the view is open."""

    @abstractmethod
    async def _met(self) -> None:
        """Another page is the present one."""

    @abstractmethod
    def _left(self) -> None:
        """It is no longer."""

    @property
    def _over(self) -> bool:
        return self._view.closed

    async def _look(self) -> None:
        """Until it is over."""
        try:
            while not self._over:
                try:
                    await self._turn()
                except GONE as error:
                    log.debug("the page went away: %s", type(error).__name__)
                    await self._detach()
                    await asyncio.sleep(PAGE_SECONDS)
        finally:
            await self._detach()

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
        await self._met()
        await self._start()

    async def _start(self) -> None:
        if self._cdp is None:
            return
        self._missed = False
        with contextlib.suppress(*LOST):
            await self._cdp.send("Page.stopScreencast")
        await self._cdp.send("Page.startScreencast", {"everyNthFrame": 1, **self._cast()})

    async def _detach(self) -> None:
        cdp, page = self._cdp, self._page
        self._cdp, self._page, self._newest = None, None, None
        self._unacked = []
        self._left()
        if cdp is not None:
            with contextlib.suppress(*GONE):
                async with asyncio.timeout(2):
                    await cdp.send("Page.stopScreencast")
                    await cdp.detach()
            self._view.let_go(page)

    async def _take(self) -> Mapping[str, Any]:
        """The newest frame; Chromium draws the next ones once it knows that these have arrived."""
        frame, self._newest = self._newest or {}, None
        numbers, self._unacked = self._unacked, []
        for number in numbers:
            await self._cdp.send("Page.screencastFrameAck", {"sessionId": number})
        return frame

    def _framed(self, frame: dict[str, Any]) -> None:
        self._newest = frame
        self._unacked.append(frame["sessionId"])
        if len(self._unacked) >= IN_FLIGHT:
            self._missed = True  # from here on Chromium leaves frames out
        self.ring()

    def ring(self) -> None:
        self._news.set()
