"""How long one step of a login may take: what a browser never answers ends all the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from flows.engine.errors import BrowserLost


class StepLimit:
    """The time that a step has, people's time not counted. One step at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: asyncio.Timeout | None = None

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """Raises BrowserLost when the body takes longer."""
        try:
            async with asyncio.timeout(self._seconds) as self._running:
                yield
        except TimeoutError:
            if self._running is None or not self._running.expired():
                raise
            raise BrowserLost("the browser did not answer in time") from None
        finally:
            self._running = None

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """While somebody else is waited for; the step has its whole time again afterwards."""
        running = self._running
        if running is None:
            yield
            return
        running.reschedule(None)
        try:
            yield
        finally:
            if not running.expired():
                running.reschedule(asyncio.get_running_loop().time() + self._seconds)
