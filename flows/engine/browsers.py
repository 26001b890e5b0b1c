"""Warm browser processes and the throw-away contexts opened in them (R32).

A process is shared only between logins of one organization with the same launch settings: whatever Chromium keeps
per process (proxy, authorities, language, time zone) is part of the key. Each login gets a context of its own.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

from flows.engine import chromium, state
from flows.engine.browser_process import Process, Session, process_id, put_back, succeeded
from flows.engine.contract import BrowserSettings, ProfileState
from flows.engine.display import Display, xvfb_path
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS, Drivers
from flows.engine.egress import Egress, upstream_of
from flows.engine.errors import BrowserUnavailable
from flows.engine.guard import Guard
from flows.engine.trust import TrustHome, trust_home

log = logging.getLogger(__name__)

LAUNCH_SECONDS = 30.0
OPEN_SECONDS = 30.0
DIALOG_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class BrowserOptions:
    """How this machine runs browsers. `opens` pages are opened at the same time, the rest queue. Up to `spares`
    blank contexts wait ready in a process that was used. Paths may be empty: then browsers are looked for."""

    chromium_path: str = ""
    headless_shell_path: str = ""
    sandbox: bool = True
    opens: int = 3
    spares: int = 2
    pace_ms: int = 0
    ssrf_allow: tuple[str, ...] = ()
    idle_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """What two logins must have in common to share a browser process."""

    tenant: str
    stealth: bool
    locale: str
    timezone: str | None
    proxy: tuple[str | None, str | None, str, tuple[str, ...], str]


def process_key(settings: BrowserSettings) -> ProcessKey:
    """The proxy's password enters as a digest: equal passwords are told, none is kept."""
    password = settings.proxy_password.reveal() if settings.proxy_password else ""
    digest = hashlib.sha256(password.encode()).hexdigest() if password else ""
    return ProcessKey(
        tenant=settings.tenant,
        stealth=settings.stealth,
        locale=settings.locale,
        timezone=settings.timezone,
        proxy=(
            settings.proxy_server,
            settings.proxy_username,
            digest,
            settings.proxy_bypass,
            settings.proxy_authorities,
        ),
    )


class Browsers:
    """All browsers of one worker. Use from one event loop."""

    def __init__(self, options: BrowserOptions) -> None:
        """Raises ValueError for an allow-list entry that cannot be read."""
        self.options = options
        self._guard = Guard(options.ssrf_allow)
        self._drivers = Drivers()
        self._display: Display | None = None
        self._processes: dict[ProcessKey, Process] = {}
        self._locks: dict[ProcessKey, asyncio.Lock] = {}
        self._opens = asyncio.Semaphore(options.opens)
        self._reaper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to put idle processes away. Browsers themselves start when needed."""
        self._reaper = asyncio.create_task(self._reap())

    async def close(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        processes, self._processes = list(self._processes.values()), {}
        await asyncio.gather(*(process.close() for process in processes), *self._closing)
        await self._drivers.close()
        if self._display is not None:
            await self._display.close()

    @contextlib.asynccontextmanager
    async def open(self, settings: BrowserSettings, profile: ProfileState | None = None) -> AsyncIterator[Session]:
        """A fresh context with one blank page, `profile` in it. Raises BrowserUnavailable; BrowserLost as soon as
        the browser dies, wherever the body waits."""
        session = await self.session(settings, profile)
        try:
            async with session.guard():
                yield session
        finally:
            self.put_away(session)

    def put_away(self, session: Session) -> None:
        """Close a session that nobody uses any more, without waiting for it."""
        self._later(session.close())

    def prepare(self, settings: BrowserSettings) -> None:
        """Have blank contexts ready for the next `session` calls: opening one is the slowest part of a login."""
        process = self._processes.get(process_key(settings))
        if process is None or not process.alive:
            return
        process.spares = [task for task in process.spares if not task.done() or succeeded(task)]
        while len(process.spares) < self.options.spares:
            process.spares.append(asyncio.create_task(self._open(settings)))

    async def session(self, settings: BrowserSettings, profile: ProfileState | None = None) -> Session:
        """As `open`, closed by the caller."""
        session = await self._spare(settings) or await self._open(settings)
        if profile is not None:
            try:
                async with session.guard():
                    await state.restore(session.context, session.page, profile)
            except BaseException:
                self.put_away(session)
                raise
        return session

    async def _spare(self, settings: BrowserSettings) -> Session | None:
        """A context that waits ready, or is about to be."""
        process = self._processes.get(process_key(settings))
        while process is not None and process.alive and process.spares:
            task = process.spares.pop(0)
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                process.spares.insert(0, task)
                raise
            if succeeded(task) and not task.result().lost:
                return task.result()
        return None

    async def _open(self, settings: BrowserSettings) -> Session:
        async with self._opens:
            try:
                return await self._open_once(settings)
            except WAIT_ERRORS as error:
                # The process died unnoticed between two logins, or while this page opened: one more try.
                log.warning("opening a page failed, trying again: %s", type(error).__name__)
            await self._driver_check(stealth=settings.stealth)
            await self._discard(process_key(settings))
            try:
                return await self._open_once(settings)
            except WAIT_ERRORS:
                raise BrowserUnavailable("Chromium could not open a page") from None

    async def _open_once(self, settings: BrowserSettings) -> Session:
        process = await self._process(settings)
        process.opening += 1
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                context = await process.browser.new_context(**_context_options(process))
                context.on("dialog", _dialog)
                page = await context.new_page()
            session = Session(page=page, context=context, process=process)
            process.sessions.add(session)
            return session
        except TimeoutError:
            process.stuck = True
            raise
        finally:
            process.opening -= 1
            process.touch()

    async def _process(self, settings: BrowserSettings) -> Process:
        key = process_key(settings)
        async with self._locks.setdefault(key, asyncio.Lock()):
            process = self._processes.get(key)
            if process is not None and process.alive:
                return process
            if process is not None:
                log.warning("a browser process died; starting another")
                await process.close()
            self._processes[key] = process = await self._launch(settings)
            return process

    async def _discard(self, key: ProcessKey) -> None:
        process = self._processes.get(key)
        if process is not None and not process.alive:
            del self._processes[key]
            self._later(process.close())

    async def _driver_check(self, *, stealth: bool) -> None:
        """A driver that is gone takes all its browsers along and says so to nobody."""
        if not await self._drivers.dropped(stealth=stealth):
            return
        for key, process in list(self._processes.items()):
            if process.launch.stealth == stealth:
                del self._processes[key]
                process.lose()
                self._later(process.close())

    async def _launch(self, settings: BrowserSettings) -> Process:
        launch = self._choose(settings)
        extra = {"TZ": settings.timezone} if settings.timezone else {}
        if launch.mode is chromium.Mode.HEADFUL and self._display is not None:
            extra |= await self._display.environment()
        egress = Egress(self._guard, upstream_of(settings))
        await egress.start()
        home: TrustHome | None = None
        browser: Any = None
        try:
            if settings.proxy_authorities:
                home = await trust_home(settings.proxy_authorities)
                extra["HOME"] = home.path
            driver = await self._drivers.get(stealth=launch.stealth)
            browser = await driver.chromium.launch(
                executable_path=launch.executable,
                headless=launch.headless,
                args=list(launch.args),
                env=chromium.environment(extra),
                chromium_sandbox=self.options.sandbox,
                proxy={"server": egress.url, "bypass": "<-loopback>"},
                timeout=LAUNCH_SECONDS * 1000,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
            async with asyncio.timeout(OPEN_SECONDS):
                pid = await process_id(browser)
        except DRIVER_ERRORS as error:
            self._leave(browser)
            await put_back(egress, home)
            await self._driver_check(stealth=launch.stealth)
            # The driver's message holds the whole command line and the browser's output; its first line is enough.
            log.error("Chromium did not start: %s", str(error).partition("\n")[0])
            raise BrowserUnavailable("Chromium did not start") from None
        except BaseException:
            self._leave(browser)
            await put_back(egress, home)
            raise
        log.info("browser %s started (%s)", browser.version, launch.mode)
        return Process(browser=browser, pid=pid, egress=egress, launch=launch, home=home)

    def _leave(self, browser: Any) -> None:
        """Close a browser that was launched and cannot be used."""

        async def close() -> None:
            with contextlib.suppress(*WAIT_ERRORS):
                async with asyncio.timeout(OPEN_SECONDS):
                    await browser.close()

        if browser is not None:
            self._later(close())

    def _choose(self, settings: BrowserSettings) -> chromium.Launch:
        xvfb = xvfb_path() if settings.stealth else None
        launch = chromium.launch_for(
            stealth=settings.stealth,
            locale=settings.locale,
            full=chromium.chromium_path(self.options.chromium_path),
            headless_shell=chromium.headless_shell_path(self.options.headless_shell_path),
            display=xvfb is not None,
        )
        if launch is None:
            raise BrowserUnavailable("no Chromium was found; install one or set its path")
        if settings.stealth and launch.mode is not chromium.Mode.HEADFUL:
            log.warning("stealth without Xvfb or a full Chromium: falling back to %s", launch.mode)
        if launch.mode is chromium.Mode.HEADFUL and self._display is None and xvfb is not None:
            self._display = Display(xvfb)
        return launch

    async def _reap(self) -> None:
        """Put away processes that nobody used for a while."""
        pause = max(0.05, min(self.options.idle_seconds / 2, 30.0))
        while True:
            await asyncio.sleep(pause)
            for stealth in self._drivers.running:
                await self._driver_check(stealth=stealth)
            limit = asyncio.get_running_loop().time() - self.options.idle_seconds
            for key, process in list(self._processes.items()):
                since = process.idle_since()
                if since is not None and since <= limit and not self._locks[key].locked():
                    del self._processes[key]
                    self._later(process.close())

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _context_options(process: Process) -> dict[str, Any]:
    options: dict[str, Any] = {"accept_downloads": False, "service_workers": "allow"}
    if process.launch.mode is chromium.Mode.HEADFUL:
        return options | {"no_viewport": True}
    if process.launch.mode is chromium.Mode.HIDDEN:
        return options | {"no_viewport": True, "user_agent": chromium.plain_user_agent(process.browser.version)}
    width, height = chromium.WINDOW
    return options | {"viewport": {"width": width, "height": height - 100}}


async def _dialog(dialog: Any) -> None:
    """Nobody looks at dialogs: leaving a page is granted, everything else waved away."""
    with contextlib.suppress(*WAIT_ERRORS):
        async with asyncio.timeout(DIALOG_SECONDS):
            await (dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss())
