"""One browser process, and the throw-away contexts in it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from flows.engine import chromium
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS
from flows.engine.egress import Egress
from flows.engine.errors import BrowserLost
from flows.engine.trust import TrustHome

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
LOST_SECONDS = 0.3


class Session:
    """One context with its first page. `guard()` is held by whoever works in it."""

    def __init__(self, *, page: Any, context: Any, process: "Process") -> None:
        self.page = page
        self.context = context
        self._process = process
        self._lost = False
        self._loss = asyncio.Event()
        self._workers: set[asyncio.Task[Any]] = set()
        self._closed = False
        page.on("crash", lambda *_: self.lose())

    @property
    def egress(self) -> Egress:
        return self._process.egress

    @property
    def browser(self) -> Any:
        return self._process.browser

    @property
    def lost(self) -> bool:
        return self._lost

    def lose(self) -> None:
        """The browser died: whoever works in this session is woken with BrowserLost."""
        if self._closed:
            return
        self._lost = True
        self._loss.set()
        for task in self._workers:
            task.cancel()

    @contextlib.asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Turn a dead browser into BrowserLost wherever the body waits, be it for a page or for a person."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a session is used inside a task")
        if self.lost:
            raise BrowserLost("the browser died")
        nested = task in self._workers
        self._workers.add(task)
        try:
            yield
        except asyncio.CancelledError:
            # Ours only if the browser died and nobody else asked for the cancellation as well.
            if nested or not self._is_lost() or task.uncancel() > 0:
                raise
            raise BrowserLost("the browser died") from None
        except DRIVER_ERRORS:
            if nested:
                raise
            self._workers.discard(task)
            if not await self._found_lost():
                raise
            raise BrowserLost("the browser died") from None
        finally:
            if not nested:
                self._workers.discard(task)

    def _is_lost(self) -> bool:
        return self._lost

    async def _found_lost(self) -> bool:
        """Calls on a dying browser may fail a moment before the driver reports its end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOST_SECONDS):
                await self._loss.wait()
        return self._lost

    async def close(self) -> None:
        """Throw the context away. Never raises, never waits long."""
        if self._closed:
            return
        self._closed = True
        self._process.sessions.discard(self)
        self._process.touch()
        with contextlib.suppress(*WAIT_ERRORS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.context.close()


class Process:
    """One browser process with its way out."""

    def __init__(
        self, *, browser: Any, pid: int, egress: Egress, launch: chromium.Launch, home: TrustHome | None
    ) -> None:
        self.browser = browser
        self._pid = pid
        self.egress = egress
        self.launch = launch
        self._home = home
        self.sessions: set[Session] = set()
        self.spares: list[asyncio.Task[Session]] = []
        self.opening = 0
        self.stuck = False  # it opens no pages any more
        self.used = asyncio.get_running_loop().time()
        browser.on("disconnected", lambda *_: self._died())

    @property
    def alive(self) -> bool:
        return not self.stuck and bool(self.browser.is_connected())

    def idle_since(self) -> float | None:
        ready = {task.result() for task in self.spares if succeeded(task)}
        return None if self.sessions - ready or self.opening else self.used

    def touch(self) -> None:
        self.used = asyncio.get_running_loop().time()

    def _died(self) -> None:
        for session in tuple(self.sessions):
            session.lose()

    async def close(self) -> None:
        spares = [task for task in self.spares if task is not asyncio.current_task()]
        for task in spares:
            task.cancel()
        await asyncio.gather(*spares, return_exceptions=True)
        with contextlib.suppress(*WAIT_ERRORS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.browser.close()
        if self.browser.is_connected():
            self._kill()
        await put_back(self.egress, self._home)

    def lose(self) -> None:
        """It is not to be reached any more: whoever works in it is woken."""
        self.stuck = True
        self._died()

    def _kill(self) -> None:
        """It does not end when told to. The way out in its command line says that the id is still its own."""
        with contextlib.suppress(OSError):
            if self.egress.url.encode() in Path(f"/proc/{self._pid}/cmdline").read_bytes():
                log.warning("a browser does not close and is killed")
                os.kill(self._pid, signal.SIGKILL)


async def put_back(egress: Egress, home: TrustHome | None) -> None:
    await egress.close()
    if home is not None:
        await asyncio.to_thread(home.remove)


async def process_id(browser: Any) -> int:
    cdp = await browser.new_browser_cdp_session()
    processes = (await cdp.send("SystemInfo.getProcessInfo"))["processInfo"]
    await cdp.detach()
    return next(int(process["id"]) for process in processes if process["type"] == "browser")


def succeeded(task: asyncio.Task[Session]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
