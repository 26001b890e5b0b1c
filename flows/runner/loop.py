"""The worker's one asyncio loop: a thread of its own that carries every flow of the process, and its browsers."""

import asyncio
import logging
import socket
import threading
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import cache

from django.conf import settings
from django.utils import timezone

from flows.engine.browsers import BrowserOptions, Browsers
from flows.engine.drivers import Drivers
from flows.engine.own_browser import folders_sweep
from flows.runner.check import check_run
from flows.runner.holder import holder_name, holders_dead
from flows.runner.live import LiveViews
from flows.runner.relay import Relay
from flows.runner.run import flow_run, where
from flows.runner.session import SessionHost
from flows.services.flows import flows_holders, flows_orphan
from flows.services.sessions import sessions_holders, sessions_orphan

log = logging.getLogger(__name__)

CLOSE_SECONDS = 15
SAVE_SECONDS = 10.0  # for browser sessions to save their profiles


def browser_options() -> BrowserOptions:
    """From the settings."""
    return BrowserOptions(
        chromium_path=settings.CHROMIUM_PATH,
        headless_shell_path=settings.HEADLESS_SHELL_PATH,
        sandbox=settings.BROWSER_SANDBOX,
        opens=settings.BROWSER_OPENS,
        pace_ms=settings.BROWSER_PACE_MS,
        ssrf_allow=tuple(settings.SSRF_ALLOW),
    )


class WorkerLoop:
    """Starts at first use. Tasks hand over a flow and wait on their own cheap thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._browsers = Browsers(browser_options())
        self._holder = holder_name()
        self._thread = threading.Thread(target=self._serve, name="flows", daemon=True)
        self._sessions: SessionHost | None = None
        self._views = LiveViews()
        self._carried: set[asyncio.Task[None]] = set()
        self._looks = asyncio.Semaphore(settings.WORKER_CHECKS)
        self._draining: Future[None] | None = None
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def run(self, flow_id: str) -> None:
        """Block until the flow ended, turned out to be somebody else's, or was let go."""
        with suppress(CancelledError):
            self.submit(flow_id).result()

    def submit(self, flow_id: str) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(self._carry(flow_id), self._loop)

    async def _carry(self, flow_id: str) -> None:
        self._keep_current()
        await self._listen()
        await flow_run(flow_id, browsers=self._browsers, holder=self._holder, views=self._views)

    async def _listen(self) -> None:
        with suppress(OSError):  # a worker that cannot be looked into works all the same
            await self._views.start(settings.RELAY_LISTEN, settings.RELAY_ADDRESS)

    def _keep_current(self) -> None:
        """Have the running task canceled when the worker stops."""
        task = asyncio.current_task()
        if task is not None:
            self._carried.add(task)
            task.add_done_callback(self._carried.discard)

    def check(self, check_id: str) -> None:
        """Begin the health check as soon as one may be made; returns at once."""
        asyncio.run_coroutine_threadsafe(self._check(check_id), self._loop)

    async def _check(self, check_id: str) -> None:
        self._keep_current()
        try:
            async with self._looks:
                await check_run(check_id, browsers=self._browsers)
        except Exception as error:  # the last line: nobody waits for this coroutine, so nobody would hear
            log.error("check ended by %s", where(error), extra={"check_id": check_id})

    def browser(self, session_id: str) -> bool:
        """Block until the browser session runs or failed to; False when there is no room for it here."""
        with suppress(CancelledError):
            return asyncio.run_coroutine_threadsafe(self._begin(session_id), self._loop).result()
        return False

    async def _begin(self, session_id: str) -> bool:
        if self._draining is not None:
            return False
        if self._sessions is None:
            self._sessions = SessionHost(
                options=self._browsers.options,
                relay=Relay(listen=settings.RELAY_LISTEN, advertise=relay_address()),
                drivers=Drivers(),
                holder=self._holder,
                most=settings.BROWSERS_PER_WORKER,
                views=self._views,
            )
        await self._listen()
        return await self._sessions.begin(session_id)

    def take_over(self) -> int:
        """Free what dead workers of this machine held; gives how much that was."""
        now = timezone.now()
        dead = holders_dead({*flows_holders(), *sessions_holders()}, mine=self._holder)
        return flows_orphan(dead, now=now) + sessions_orphan(dead, now=now) if dead else 0

    def warm(self) -> None:
        """Clear away what a killed worker left, and start the drivers before the first flow needs them."""
        folders_sweep()
        asyncio.run_coroutine_threadsafe(self._browsers.start(), self._loop)

    def drain(self) -> None:
        """Begin to stop: flows are let go, so that another worker takes them, and browsers are closed. Returns at
        once; may be called from a signal handler, more than once."""
        if self._draining is None:
            self._draining = asyncio.run_coroutine_threadsafe(self._drain(), self._loop)

    def close(self) -> None:
        """Stop, and wait a few seconds for it."""
        self.drain()
        try:
            if self._draining is not None:
                self._draining.result(CLOSE_SECONDS)
        except TimeoutError:
            log.warning("browsers did not close in time")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)

    async def _drain(self) -> None:
        # Only the flows: the drivers' own tasks are needed to close the browsers.
        carried = list(self._carried)
        for task in carried:
            task.cancel()
        sessions = [self._sessions.close(seconds=SAVE_SECONDS)] if self._sessions is not None else []
        await asyncio.gather(*carried, *sessions, return_exceptions=True)
        await self._views.close()
        await self._browsers.close()


def relay_address() -> str:
    """How web processes reach this worker: listening everywhere, it is known by its host's name."""
    everywhere = settings.RELAY_ADDRESS in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened at
    return socket.gethostname() if everywhere else str(settings.RELAY_ADDRESS)


@cache
def worker_loop() -> WorkerLoop:
    """The process's loop."""
    return WorkerLoop()
