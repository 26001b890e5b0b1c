"""A worker's watch over one browser, without a browser."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from flows.engine.contract import ProfileState
from flows.engine.errors import BrowserUnavailable
from flows.models import BrowserSession
from flows.runner import session as module
from flows.runner.profiles import EMPTY
from flows.runner.session import SessionHost, _Run, _store
from flows.services.sessions import (
    Ending,
    NewSession,
    ProfileChoice,
    session_claim,
    session_create,
    session_end,
    session_started,
    session_unsaved,
    sessions_lapsed,
)
from flows.wake import listening, wake
from tests.flows.factories import NOW, make_principal
from vault.errors import LeaseLost
from vault.profiles import profile_create, profile_lease, profile_leased, profile_save, profile_state


@dataclass
class Rows:
    """What the database would say."""

    stop_requested_at: datetime | None = None

    def renew(self, session_id: str, **_: Any) -> BrowserSession:
        return BrowserSession(id=session_id, stop_requested_at=self.stop_requested_at)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Nobody looks by himself for an hour: only a wake-up counts."""
    rows = Rows()

    async def at_once(call: Any, *args: Any, **named: Any) -> Any:
        return call(*args, **named)

    monkeypatch.setattr(module, "session_renew", rows.renew)
    monkeypatch.setattr(module, "run_db", at_once)
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600.0)
    return rows


async def test_a_request_to_end_is_noticed_at_its_wake_up(rows: Rows, settings: Any) -> None:
    settings.FLOW_LEASE_SECONDS = 36_000
    host: Any = SimpleNamespace(stopping=asyncio.Event(), holder="w")
    run = _Run(host, BrowserSession(id="browser_1", timeout_seconds=36_000), asyncio.Event())
    run.browser = SimpleNamespace(pipe=SimpleNamespace(closed=asyncio.Event()))  # type: ignore[assignment]
    run.view = SimpleNamespace(watched=False)  # type: ignore[assignment]
    served: Any = SimpleNamespace(idle_seconds=lambda now: 0.0)
    async with listening("browser_1") as listener, asyncio.timeout(60):
        watching = asyncio.create_task(run._watch(served, listener))
        await wake("browser_1")  # of something else: the watch goes on
        await asyncio.sleep(0)
        assert not watching.done()
        rows.stop_requested_at = timezone.now()
        await wake("browser_1")
        assert await watching is Ending.DELETED


@pytest.mark.parametrize("taken_over", [True, False], ids=["another writes", "it was given up"])
@pytest.mark.django_db
def test_r31_a_worker_that_lost_its_browser_overwrites_nothing(taken_over: bool) -> None:
    """It was silent for too long, comes back and saves: what is newer stays."""
    principal = make_principal()
    profile = profile_create(principal, name="p")
    new = NewSession(profile=ProfileChoice(id=profile.id, save_changes=True))
    session = session_create(principal, new, now=NOW)
    assert session_claim(session.id, holder="w", now=NOW)
    assert session_started(session.id, holder="w", address="127.0.0.1:9", now=NOW)
    later = NOW + timedelta(hours=1)
    if taken_over:
        newer = profile_lease(profile.id, holder="another", seconds=60, now=later)
        assert newer is not None
        profile_save(newer, b'{"cookies": [], "origins": [], "newer": true}', now=later)
    else:
        assert sessions_lapsed(now=later) == [session.id]
    before = profile_state(profile.id)
    with pytest.raises(LeaseLost):
        _store(session.id, EMPTY, ProfileState(storage={"cookies": [], "origins": []}, session_storage={}), now=later)
    assert profile_state(profile.id) == before


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.django_db
def test_what_was_saved_counts_though_the_worker_dies_right_after(saved: bool) -> None:
    principal = make_principal()
    profile = profile_create(principal, name="p")
    new = NewSession(profile=ProfileChoice(id=profile.id, save_changes=True))
    session = session_create(principal, new, now=NOW)
    assert session_claim(session.id, holder="w", now=NOW)
    assert session_started(session.id, holder="w", address="127.0.0.1:9", now=NOW)
    if saved:
        captured = ProfileState(storage={"cookies": [], "origins": []}, session_storage={"https://a.test": {"k": "v"}})
        _store(session.id, EMPTY, captured, now=NOW)
    assert profile_leased(profile.id, now=NOW) is not saved
    assert sessions_lapsed(now=NOW + timedelta(hours=1)) == [session.id]
    session.refresh_from_db()
    assert session.problem
    assert session_unsaved(session) is not saved
    assert (b"a.test" in (profile_state(profile.id) or b"")) is saved


def session_host(*, most: int) -> SessionHost:
    nothing: Any = None
    return SessionHost(options=nothing, relay=nothing, drivers=nothing, holder="w", most=most)


async def test_browsers_that_start_at_the_same_time_count(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = asyncio.Event()

    async def claim(*_: Any, **__: Any) -> None:
        await claimed.wait()

    monkeypatch.setattr(module, "run_db", claim)
    host = session_host(most=1)
    first = asyncio.create_task(host.begin("browser_1"))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert not await host.begin("browser_2")
    claimed.set()
    assert await first
    assert not host.full


async def test_a_session_that_cannot_be_ended_lets_its_starter_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(call: Any, *_: Any, **__: Any) -> BrowserSession:
        if call is session_end:
            raise DatabaseError("away")
        return BrowserSession(id="browser_1")

    async def unavailable(_: _Run) -> None:
        raise BrowserUnavailable("no Chromium")

    monkeypatch.setattr(module, "run_db", fails)
    monkeypatch.setattr(_Run, "carry", unavailable)
    host = session_host(most=1)
    ended = asyncio.Event()
    monkeypatch.setattr(host, "_running", Watched(ended))
    async with asyncio.timeout(10):
        assert await host.begin("browser_1")
        await ended.wait()


class Watched(set[Any]):
    """Takes up the error of each task that is over, as nobody else does."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def discard(self, task: Any) -> None:
        super().discard(task)
        assert isinstance(task.exception(), DatabaseError)
        self._ended.set()
