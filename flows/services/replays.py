"""Recordings from request to end: sealed in parts, so that a stretch of one can be opened alone, and soon gone."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from flows.errors import ReplayNotFound, SessionConflict, SessionInvalid
from flows.models import BrowserSession, Flow, Replay, ReplayPart
from flows.replay_links import replay_opens
from vault.audit import audit_append, audit_committed
from vault.errors import VaultError
from vault.principal import Principal
from vault.rates import rate_take
from vault.sealing import open_many, seal_many
from vault.text import lookup_clean

log = logging.getLogger(__name__)

TABLE = "flows_replaypart"
FIELD = "sealed"
PART_BYTES = 256 * 1024
FRAMERATE = 5
FRAMERATE_MOST = 20
SECONDS_MOST = 3600
LOST_AFTER = timedelta(seconds=120)  # past its longest end, or the end of what it shows
State = Replay.State


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes `first` up to, not including, `end`."""

    first: int
    end: int


def replay_start(
    principal: Principal, session: BrowserSession, *, framerate: int | None, seconds: int | None, now: datetime
) -> Replay:
    """A recording for the session's worker to make, on record. Raises `SessionInvalid` when none are made here,
    `SessionConflict` while one is being made."""
    if settings.REPLAY_HOURS == 0:
        raise SessionInvalid("Recordings are turned off on this installation", code="replays_off")
    replay = Replay(
        organization_id=session.organization_id,
        project_id=session.project_id,
        session=session,
        framerate=framerate or FRAMERATE,
        max_seconds=min(seconds or SECONDS_MOST, SECONDS_MOST),
        started_at=now,
    )
    try:
        with transaction.atomic():
            replay.save(force_insert=True)
            _record(replay, actor=principal.actor, action="replay.start")
    except IntegrityError:
        raise SessionConflict("This browser is being recorded already", code="replay_running") from None
    return replay


def replay_start_of_login(flow_id: str, *, now: datetime) -> Replay | None:
    """A recording of the login, where its connection or the login itself asks for one."""
    flow = Flow.objects.select_related("connection").filter(pk=flow_id).first()
    if flow is None:
        return None
    wanted = flow.overrides.get("record_session")
    if settings.REPLAY_HOURS == 0 or not (flow.connection.record_session if wanted is None else wanted):
        return None
    replay = Replay.objects.create(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow=flow,
        framerate=FRAMERATE,
        max_seconds=SECONDS_MOST,
        started_at=now,
    )
    _record(replay, actor=f"flow:{flow.id}", action="replay.start")
    return replay


def replay_keep(replay_id: str, video: bytes, *, now: datetime) -> None:
    """Seal a finished recording. One that cannot be sealed has failed."""
    replay = Replay.objects.filter(pk=replay_id, state=State.RECORDING).first()
    if replay is None:
        return
    parts = [video[start : start + PART_BYTES] for start in range(0, len(video), PART_BYTES)]
    plaintexts = {_place(replay, number): part for number, part in enumerate(parts)}
    try:
        sealed = seal_many(organization_id=replay.organization_id, table=TABLE, field=FIELD, plaintexts=plaintexts)
    except VaultError as error:
        log.warning("a recording was not kept: %s", error.code, extra={"replay_id": replay_id})
        replay_fail(replay_id, f"the vault refused: {error.code}", now=now)
        return
    with transaction.atomic():
        for number in range(len(parts)):
            ReplayPart.objects.create(replay=replay, number=number, sealed=sealed[_place(replay, number)])
        rows = Replay.objects.filter(pk=replay_id, state=State.RECORDING)
        rows.update(state=State.READY, size=len(video), finished_at=now)


def replay_fail(replay_id: str, problem: str, *, now: datetime) -> None:
    rows = Replay.objects.filter(pk=replay_id, state=State.RECORDING)
    rows.update(state=State.FAILED, problem=problem[:200], finished_at=now)


def replay_get(principal: Principal, browser_id: str, replay_id: str) -> Replay:
    """Raises `ReplayNotFound`."""
    found = replays_of(principal, browser_id).filter(pk=lookup_clean(replay_id)).first()
    if found is None:
        raise ReplayNotFound("No such recording")
    return found


def replays_of(principal: Principal, browser_id: str) -> "QuerySet[Replay]":
    """Of a browser session or a login, oldest first."""
    rows: QuerySet[Replay] = Replay.objects.for_principal(principal)
    return rows.filter(Q(session_id=browser_id) | Q(flow_id=browser_id)).order_by("started_at", "pk")


def replay_read(replay: Replay, stretch: Stretch) -> bytes:
    """A stretch of the file; only the parts it lies in are opened."""
    first, last = stretch.first // PART_BYTES, max(stretch.end - 1, 0) // PART_BYTES
    rows = replay.parts.filter(number__gte=first, number__lte=last).order_by("number")
    sealed = {_place(replay, part.number): bytes(part.sealed) for part in rows}
    parts = open_many(organization_id=replay.organization_id, table=TABLE, field=FIELD, sealed=sealed)
    opened = b"".join(parts.values())
    start = stretch.first - first * PART_BYTES
    return opened[start : start + stretch.end - stretch.first]


def replay_open(replay_id: str, *, token: str, source: str, now: datetime) -> Replay | None:
    """The finished recording whose token it is, on record. `None` for everything that opens nothing, and nothing says
    why. Wrong tokens are counted: players ask for many stretches with a right one. Raises `RateLimited`, and the
    vault's `Sealed`."""
    replay = Replay.objects.filter(pk=replay_id, state=State.READY).first()
    if replay is None or not token:
        return None
    who: Mapping[str, Any] = {"actor": f"replay:{replay.id}", "action": "replay.open", "details": {"address": source}}
    if not replay_opens(replay_id, token):
        rate_take(f"replay:{replay_id}", limit=settings.LINK_TRIES, at=now.timestamp())
        _record(replay, outcome="denied", **who)
        return None
    replay_record(replay, **who)
    return replay


def replays_record_addresses(replays: Sequence[Replay], browser_id: str, *, actor: str) -> None:
    """On record for good that the addresses of these recordings of a browser, one at least, are told: once for all."""
    with audit_committed():
        audit_append(
            organization_id=replays[0].organization_id,
            project_id=replays[0].project_id,
            actor=actor,
            action="replay.address",
            resource_type="browser",
            resource_id=browser_id,
            details={"replays": [replay.id for replay in replays]},
        )


def replay_record(replay: Replay, *, actor: str, action: str, details: Mapping[str, Any] | None = None) -> None:
    """On record for good, before anything is shown."""
    with audit_committed():
        _record(replay, actor=actor, action=action, details=details)


def _record(
    replay: Replay, *, actor: str, action: str, outcome: str = "ok", details: Mapping[str, Any] | None = None
) -> None:
    audit_append(
        organization_id=replay.organization_id,
        project_id=replay.project_id,
        actor=actor,
        action=action,
        resource_type="replay",
        resource_id=replay.id,
        outcome=outcome,
        details={"browser": replay.browser_id, **(details or {})},
    )


def replays_forget(*, now: datetime) -> int:
    """Delete what is older than it may be, and give up what no worker makes any more; gives how many were deleted."""
    ended = now - LOST_AFTER
    making = Replay.objects.filter(state=State.RECORDING)
    over = Q(session__ended_at__lte=ended) | Q(flow__ended_at__lte=ended)
    late = Q(started_at__lte=ended - timedelta(seconds=SECONDS_MOST))
    making.filter(over | late).update(state=State.FAILED, problem="its worker was lost", finished_at=now)
    old = Replay.objects.filter(started_at__lte=now - timedelta(hours=settings.REPLAY_HOURS))
    return old.exclude(state=State.RECORDING).delete()[0]


def _place(replay: Replay, number: int) -> str:
    """As which record a part is sealed."""
    return f"{replay.id}/{number}"
