"""A person at a live view, without the wire in between: takes frames at once and does things in the page."""

import asyncio
from collections.abc import Mapping
from typing import Any

from flows.engine.live import LiveView
from flows.engine.viewer import Frame, Viewer


class Onlooker:
    """`async with Onlooker(view) as person:`"""

    def __init__(self, view: LiveView, *, may_type: bool = True) -> None:
        self.frames: list[Frame] = []
        self.told: list[Mapping[str, Any]] = []
        self._news = asyncio.Event()
        self.viewer = Viewer(view, show=self._show, tell=self._tell, may_type=may_type)

    async def __aenter__(self) -> "Onlooker":
        self._running = asyncio.create_task(self.viewer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _show(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._news.set()
        await self.viewer.receive({"t": "ack"})

    async def _tell(self, notice: Mapping[str, Any]) -> None:
        self.told.append(notice)
        self._news.set()

    @property
    def acts(self) -> bool:
        return bool(self.told and self.told[-1]["acts"])

    async def until(self, condition: Any, *, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def do(self, **message: Any) -> None:
        await self.viewer.receive(message)

    async def type(self, text: str) -> None:
        for key in text:
            await self.do(t="key", e="down", k=key, n=ord(key.upper()))
            await self.do(t="key", e="up", k=key, n=ord(key.upper()))

    async def press(self, key: str, number: int) -> None:
        await self.do(t="key", e="down", k=key, n=number)
        await self.do(t="key", e="up", k=key, n=number)
