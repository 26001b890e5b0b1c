"""The two drivers, Playwright and Patchright: the same interface, two packages. Each is one helper process, started
when first needed."""

import asyncio
import contextlib
import logging
from typing import Any

import patchright.async_api
import playwright.async_api

log = logging.getLogger(__name__)

DRIVER_ERRORS: tuple[type[Exception], ...] = (playwright.async_api.Error, patchright.async_api.Error)
DRIVER_TIMEOUTS: tuple[type[Exception], ...] = (
    playwright.async_api.TimeoutError,
    patchright.async_api.TimeoutError,
)
# What awaiting a driver under a deadline may raise.
WAIT_ERRORS: tuple[type[Exception], ...] = (TimeoutError, *DRIVER_ERRORS)

START_SECONDS = 60.0
ANSWER_SECONDS = 5.0


class Drivers:
    """Playwright for speed, Patchright where the browser must not be recognised."""

    def __init__(self) -> None:
        self._running: dict[bool, Any] = {}
        self._lock = asyncio.Lock()

    async def get(self, *, stealth: bool) -> Any:
        """Raises TimeoutError when the helper does not start."""
        async with self._lock:
            if stealth not in self._running:
                package = patchright.async_api if stealth else playwright.async_api
                async with asyncio.timeout(START_SECONDS):
                    self._running[stealth] = await package.async_playwright().start()
            return self._running[stealth]

    async def forget(self, *, stealth: bool) -> None:
        """Drop a driver that no longer answers, with all its browsers; the next `get` starts another."""
        async with self._lock:
            driver = self._running.pop(stealth, None)
        if driver is not None:
            with contextlib.suppress(*WAIT_ERRORS, OSError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await driver.stop()

    @property
    def running(self) -> tuple[bool, ...]:
        """By stealth."""
        return tuple(self._running)

    async def dropped(self, *, stealth: bool) -> bool:
        """Whether the helper process turned out to be gone, which it tells nobody; then it is forgotten."""
        driver = self._running.get(stealth)
        if driver is None or await _answers(driver):
            return False
        if self._running.get(stealth) is not driver:
            return False  # somebody else was faster
        log.error("a driver is gone")
        await self.forget(stealth=stealth)
        return True

    async def close(self) -> None:
        for stealth in (True, False):
            await self.forget(stealth=stealth)


async def _answers(driver: Any) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            context = await driver.request.new_context()
            await context.dispose()
    except Exception:  # a driver whose process is gone raises just that, without a kind of its own
        return False
    return True
