"""One browser session from its row to its end: claims it, starts the browser, loads the profile, keeps the lease while
it is used, saves what changed, and leaves nothing behind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from flows.browser_links import relay_token
from flows.browser_wire import LOCALE, VIEWPORT
from flows.engine.allowed_hosts import AllowedHosts
from flows.engine.browsers import BrowserOptions
from flows.engine.contract import ProfileState
from flows.engine.default_context import profile_capture, profile_load
from flows.engine.drivers import Drivers
from flows.engine.egress import Upstream
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.own_browser import OwnSettings, own_browser_start
from flows.engine.own_pages import OwnPages
from flows.errors import ProxyNotFound
from flows.models import BrowserSession, Replay
from flows.relay import HEADER
from flows.runner.live import LiveViews
from flows.runner.profiles import state_for_engine, state_load, state_store
from flows.runner.relay import Relay, Served
from flows.runner.screens import Recordings
from flows.services.allowlists import allowlist_read
from flows.services.proxies import proxy_open
from flows.services.sessions import (
    Ending,
    session_claim,
    session_end,
    session_lease,
    session_renew,
    session_saved,
    session_started,
)
from flows.wake import Listener, listening, wake
from vault.aio import run_db
from vault.errors import VaultError
from vault.profiles import profile_used
from vault.use import Use

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LOAD_SECONDS = 28.0  # whoever asked waits 30
SAVED = (Ending.DELETED, Ending.TIMEOUT, Ending.STOPPED)


@dataclass(slots=True)
class Loaded:
    """The profile as it was when it went into the browser."""

    base: dict[str, Any]
    state: ProfileState | None


class SessionHost:
    """The sessions of one worker."""

    def __init__(
        self,
        *,
        options: BrowserOptions,
        relay: Relay,
        drivers: Drivers,
        holder: str,
        most: int,
        views: LiveViews | None = None,
    ) -> None:
        self.options = options
        self.relay = relay
        self.drivers = drivers
        self.views = views or LiveViews()
        self.holder = holder
        self.most = most
        self.stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._beginning = 0  # not among the running yet

    @property
    def full(self) -> bool:
        return len(self._running) + self._beginning >= self.most

    async def begin(self, session_id: str) -> bool:
        """Take the session and return once it runs or failed to. False when there is no room here."""
        if self.full or self.stopping.is_set():
            return False
        self._beginning += 1
        try:
            session = await run_db(session_claim, session_id, holder=self.holder, now=timezone.now())
            if session is None:
                return True  # over, or somebody else's
            started = asyncio.Event()
            task = asyncio.create_task(self._carry(session, started), name=f"browser {session_id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        finally:
            self._beginning -= 1
        await started.wait()
        return True

    async def close(self, *, seconds: float) -> None:
        """End every session, changes saved, and wait for that."""
        self.stopping.set()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=seconds)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.relay.close()
        await self.drivers.close()

    async def _carry(self, session: BrowserSession, started: asyncio.Event) -> None:
        ending, problem = Ending.FAILED, "an internal error"
        try:
            ending, problem = await _Run(self, session, started).carry()
        except (BrowserUnavailable, BrowserLost) as error:
            problem = str(error)
        except ProxyNotFound as error:
            problem = error.message
        except VaultError as error:
            problem = f"the vault refused: {error.code}"
        except Exception as error:  # the last line: a session never hangs because of our mistake
            log.error("a browser session ended by %s", type(error).__name__, extra={"session_id": session.id})
        finally:
            now = timezone.now()
            try:
                await run_db(session_end, session.id, ending, now=now, problem=problem, holder=self.holder)
            finally:
                started.set()
            await wake(session.id)


class _Run:
    """One session while it lasts."""

    def __init__(self, host: SessionHost, session: BrowserSession, started: asyncio.Event) -> None:
        self.host = host
        self.session = session
        self.started = started
        self.loaded: Loaded | None = None
        self.restricting = asyncio.Lock()
        self.headers = {HEADER: f"Bearer {relay_token(session.id)}"}

    async def carry(self) -> tuple[BrowserSession.Ending, str]:
        """Gives how it ended and what went wrong. Raises when it did not start."""
        host, session = self.host, self.session
        async with AsyncExitStack() as leave:
            await host.relay.start()
            browser = await own_browser_start(await run_db(_settings, session), host.options)
            leave.push_async_callback(browser.close)
            self.browser = browser
            served = Served(pipe=browser.pipe, control=self.control, used=asyncio.get_running_loop().time())
            host.relay.add(session.id, served)
            leave.callback(host.relay.remove, session.id)
            self.view = leave.enter_context(host.views.shown(session.id, fits=False))
            self.view.show(OwnPages(browser))
            leave.enter_context(self.view.waiting())
            self.recordings = Recordings(self.view)
            listener = await leave.enter_async_context(listening(session.id))
            if session.profile_id is not None:
                await self._load()
            if url := session.options.get("start_url"):
                await browser.open(url)
            served.used = asyncio.get_running_loop().time()
            started = await run_db(
                session_started,
                session.id,
                holder=host.holder,
                address=host.relay.address,
                live_address=host.views.address,
                now=timezone.now(),
            )
            if not started:
                return Ending.LOST, "it was given up before it ran"
            self.started.set()
            await wake(session.id)
            ending = await self._watch(served, listener)
            async with self._kept():
                self.view.close()  # nobody else looks or comes in while the profile is taken out; recordings end
                host.relay.remove(session.id)
                for client in tuple(served.clients):
                    client.close()
                problem = await self._save(ending)
                await self.recordings.close()
                return ending, problem

    async def control(self, command: Mapping[str, Any]) -> None:
        """Changes of a running browser, as the API asks for them. Raises `BrowserLost` with what did not work."""
        if "network" in command:
            await self._restrict()
        if "proxy" in command:
            await self._switch(command["proxy"])
        if "viewport" in command:
            await self.browser.resize(command["viewport"]["width"], command["viewport"]["height"])
        if "profile" in command:
            try:
                await self._load()
            except VaultError as error:
                raise BrowserLost(f"the profile could not be loaded: {error.code}") from None
        if "record" in command:
            replay = await run_db(Replay.objects.filter(pk=command["record"], session=self.session.id).first)
            if replay is not None:
                self.recordings.start(replay)
        if "record_stop" in command:
            await self.recordings.stop(command["record_stop"])
        if "start_url" in command:
            await self.browser.open(command["start_url"])

    async def _watch(self, served: Served, listener: Listener) -> BrowserSession.Ending:
        """Until the session is over: asked to end, unused, crashed, or no longer ours."""
        loop = asyncio.get_running_loop()
        period = settings.FLOW_LEASE_SECONDS / 3
        looked = loop.time()
        rung = False
        while True:
            if self.host.stopping.is_set():
                return Ending.STOPPED
            if self.browser.pipe.closed.is_set():
                return Ending.CRASHED
            if self.view.watched:
                served.used = loop.time()
            idle = served.idle_seconds(loop.time())
            if idle >= self.session.timeout_seconds:
                return Ending.TIMEOUT
            if rung or loop.time() - looked >= period:
                looked = loop.time()
                now = timezone.now()
                active_at = now - timedelta(seconds=idle)
                row = await run_db(
                    session_renew, self.session.id, holder=self.host.holder, active_at=active_at, now=now
                )
                if row is None:
                    return Ending.LOST
                if row.stop_requested_at is not None:
                    self.session = row
                    return Ending.DELETED
            rung = await listener.wait(LOOK_SECONDS)

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """Renew the leases while the block runs, which may take longer than they last."""

        async def keep() -> None:
            while True:
                now = timezone.now()
                await run_db(session_renew, self.session.id, holder=self.host.holder, active_at=now, now=now)
                await asyncio.sleep(settings.FLOW_LEASE_SECONDS / 3)

        keeper = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _load(self) -> None:
        """Put the profile into the browser; its use is on record first. One in all, also where it was put in by half:
        nobody takes one profile's sessions into another. Raises `BrowserLost` and vault errors."""
        if self.loaded is not None:
            raise BrowserLost("a profile was loaded already")
        base, state = await run_db(_profile, self.session.id)
        self.loaded = Loaded(base, state)
        if state is None:
            return
        url = self.host.relay.local_url(self.session.id, "own")
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await profile_load(self.host.drivers, url, self.headers, state)
                await self.browser.passkeys.load(state.passkeys)
        except TimeoutError:
            raise BrowserLost("the profile took too long to load") from None

    async def _save(self, ending: BrowserSession.Ending) -> str:
        """Write back what changed; gives why that could not be done."""
        row = await run_db(BrowserSession.objects.filter(pk=self.session.id).first)
        if row is None or not row.save_changes or self.loaded is None:
            return ""
        if ending not in SAVED:
            return "the browser crashed" if ending is Ending.CRASHED else "its worker was lost"
        try:
            self.host.relay.add(self.session.id, Served(pipe=self.browser.pipe, control=_deaf, used=0.0))
            captured = await profile_capture(
                self.host.drivers,
                self.host.relay.local_url(self.session.id, "own"),
                self.headers,
                origins=self.browser.origins,
                base=self.loaded.state,
                passkeys=self.browser.passkeys.ring.kept,
            )
            await run_db(_store, self.session.id, self.loaded.base, captured, now=timezone.now())
        except BrowserLost as error:
            return str(error)
        except VaultError as error:
            log.warning("a browser's changes were not saved: %s", error.code, extra={"session_id": self.session.id})
            return f"the profile is no longer this browser's to write: {error.code}"
        finally:
            self.host.relay.remove(self.session.id)
        return ""

    async def _restrict(self) -> None:
        """What the row allows by now: of two changes the later one counts, whichever gets here first."""
        async with self.restricting:
            row = await run_db(BrowserSession.objects.get, pk=self.session.id)
            await self.browser.egress.restrict(_allowed(row))

    async def _switch(self, proxy: Mapping[str, Any]) -> None:
        try:
            upstream = await run_db(_upstream, self.session, proxy)
        except (VaultError, ProxyNotFound) as error:
            raise BrowserLost(f"the proxy could not be opened: {error.code}") from None
        with suppress(ValueError):
            await self.browser.egress.switch(upstream)


async def _deaf(command: Mapping[str, Any]) -> None:
    raise BrowserLost("the browser is ending")


def _settings(session: BrowserSession) -> OwnSettings:
    options = session.options
    size = options.get("viewport") or VIEWPORT
    location = options.get("location") or {}
    return OwnSettings(
        headless=bool(options.get("headless")),
        stealth=bool(options.get("stealth")),
        kiosk=bool(options.get("kiosk_mode")),
        size=(size["width"], size["height"]),
        locale=location.get("locale") or LOCALE,
        timezone=location.get("timezone"),
        upstream=_upstream(session, options.get("proxy") or {}),
        allowed=_allowed(session),
    )


def _allowed(session: BrowserSession) -> AllowedHosts | None:
    return allowlist_read(session.options.get("network") or {}, ssrf_allow=settings.SSRF_ALLOW)


def _upstream(session: BrowserSession, proxy: Mapping[str, Any]) -> Upstream | None:
    """This installation has no proxies of its own, so both modes mean none."""
    if not proxy.get("id"):
        return None
    opened = proxy_open(proxy["id"], use=_use(session))
    return Upstream(opened.server, opened.username, opened.password, opened.bypass)


def _use(session: BrowserSession) -> Use:
    return Use(organization_id=session.organization_id, project_id=session.project_id, actor=f"browser:{session.id}")


def _profile(session_id: str) -> tuple[dict[str, Any], ProfileState | None]:
    session = BrowserSession.objects.get(pk=session_id)
    if session.profile_id is None:
        raise BrowserLost("the profile was deleted")
    base = state_load(session.profile_id, use=_use(session))
    profile_used(session.profile_id, now=timezone.now())
    return base, state_for_engine(base)


def _store(session_id: str, base: dict[str, Any], captured: ProfileState, *, now: datetime) -> None:
    """Raises `LeaseLost` when somebody else became the writer, and `NotFound` when the profile is gone."""
    lease = session_lease(BrowserSession.objects.get(pk=session_id))
    if lease is None:
        return
    with transaction.atomic():
        state_store(lease, base=base, captured=captured, now=now)
        session_saved(session_id, lease)
