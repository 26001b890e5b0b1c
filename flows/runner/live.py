"""The live views of one worker, and the lines by which web processes reach them."""

import asyncio
import json
import logging
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from flows.engine.live import LiveView
from flows.engine.viewer import Frame, Viewer
from flows.link import Exchange, Line, LinkRefused, Serve
from flows.live_links import LiveRight, link_secret

log = logging.getLogger(__name__)

SIZE = struct.Struct("!HH")  # width and height of the page, before the picture
FRAME, NOTICE = b"F", b"N"


class LiveViews:
    """By what they show, a flow or a browser session. `address` is empty until `start`: nothing can be seen yet."""

    def __init__(self) -> None:
        self._views: dict[str, LiveView] = {}
        self._exchange = Exchange(self._find, secret=link_secret())

    @property
    def address(self) -> str:
        return self._exchange.address

    async def start(self, listen: str, advertise: str) -> None:
        """Raises OSError."""
        await self._exchange.start(listen, advertise)

    async def close(self) -> None:
        await self._exchange.close()

    @contextmanager
    def shown(self, shown_id: str, *, fits: bool = True) -> Iterator[LiveView]:
        """Let people at it while the block runs."""
        view = self._views[shown_id] = LiveView(fits=fits)
        try:
            yield view
        finally:
            view.close()
            if self._views.get(shown_id) is view:
                del self._views[shown_id]

    def of(self, shown_id: str) -> LiveView | None:
        return self._views.get(shown_id)

    def _find(self, greeting: dict[str, Any]) -> Serve | None:
        view = self.of(str(greeting.get("shows")))
        return partial(_serve, view, greeting.get("right") == LiveRight.TYPE) if view is not None else None


async def _serve(view: LiveView, may_type: bool, line: Line) -> None:
    """Until the person leaves or the login is over."""

    async def show(frame: Frame) -> None:
        await line.send(FRAME + SIZE.pack(frame.width & 0xFFFF, frame.height & 0xFFFF) + frame.jpeg)

    async def tell(notice: Mapping[str, Any]) -> None:
        await line.send(NOTICE + json.dumps(notice).encode())

    viewer = Viewer(view, show=show, tell=tell, may_type=may_type)
    tasks = [asyncio.create_task(viewer.run()), asyncio.create_task(_receive(line, viewer))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if view.closed:
            await tell({"t": "over"})
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, LinkRefused):
                log.error("a live view ended by %s", type(outcome).__name__)


async def _receive(line: Line, viewer: Viewer) -> None:
    while (message := await line.receive()) is not None:
        try:
            content = json.loads(message)
        except ValueError:
            continue
        if isinstance(content, dict):
            await viewer.receive(content)
