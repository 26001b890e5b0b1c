"""The life of a flow in the database. Every change is one conditional UPDATE judged by its row count: a state that
does not allow it, or a worker that no longer holds the flow, changes nothing.

`attempt` fences workers: a runner passes the attempt it claimed; `None` means the change comes from outside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from flows.engine.contract import ErrorCode, Pause, auth_check_carry
from flows.models import Connection, ConnectionStatus, Flow, FlowEvent, FlowType, Interaction
from flows.pauses import choice_to_json, field_to_json
from flows.services.breaker import reauth_failed
from flows.services.pictures import picture_keep
from flows.services.refusals import refusals_forget
from flows.services.schedule import check_reschedule
from flows.signals import connection_changed, flow_changed
from flows.transitions import LIVE, WAITING, FlowInput, FlowState, state_after, states_before
from flows.wire import flow_wire
from vault.keys import seal_check

MAX_ATTEMPTS = 3
DISPATCH_GRACE = timedelta(seconds=15)  # a task not taken for so long is sent again

MESSAGES = {
    ErrorCode.FLOW_EXPIRED: "Nobody finished the login in time.",
    ErrorCode.CANCELED: "The login was canceled.",
    ErrorCode.WORKER_LOST: "The login was interrupted too often; start it again.",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a flow."""

    flow_id: str
    attempt: int


def flow_start(
    connection: Connection,
    *,
    now: datetime,
    overrides: Mapping[str, Any] | None = None,
    unattended: bool = False,
) -> tuple[Flow, bool]:
    """The connection's live flow, and whether it is new. Joining a running one makes its old unused link stale.

    Raises the vault's `Sealed`: a login without secrets could only fail."""
    seal_check()
    flow_expire_overdue(connection_id=connection.id, now=now)
    for _ in range(3):  # a flow that ends between our insert and our update is superseded by a new one
        try:
            with transaction.atomic():
                return _flow_create(connection, now=now, overrides=overrides or {}, unattended=unattended), True
        except IntegrityError:
            joined = Flow.objects.filter(connection=connection, state__in=LIVE).order_by("-created_at").first()
            if joined is None:
                continue
            if Flow.objects.filter(pk=joined.pk, state__in=LIVE).update(generation=F("generation") + 1):
                joined.refresh_from_db()
                return joined, False
    raise RuntimeError(f"connection {connection.id} has a flow that can be neither joined nor replaced")


def _flow_create(connection: Connection, *, now: datetime, overrides: Mapping[str, Any], unattended: bool) -> Flow:
    known = connection.last_login_at is not None
    flow = Flow.objects.create(
        organization_id=connection.organization_id,
        project_id=connection.project_id,
        connection=connection,
        type=FlowType.REAUTH if known else FlowType.LOGIN,
        overrides=dict(overrides),
        unattended=unattended,
        created_at=now,
        updated_at=now,
        dispatched_at=now,
        expires_at=now + timedelta(seconds=settings.FLOW_SECONDS),
    )
    event_record(flow, kind="started", now=now)
    return flow


def event_record(flow: Flow, *, kind: str, now: datetime, interaction: Interaction | None = None) -> FlowEvent:
    """Append what the flow looks like now to its history, and tell whoever listens."""
    event = FlowEvent.objects.create(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow=flow,
        at=now,
        kind=kind,
        state=flow_wire(flow, interaction, now=now),
    )
    flow_changed.send(Flow, flow=flow, now=now)
    return event


def flow_claim(flow_id: str, *, holder: str, now: datetime, address: str = "") -> Claim | None:
    """Take the flow if it is live and nobody holds it. A restart after a lost worker begins from the start. `address`
    is where the live view of it will be."""
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=now)
    with transaction.atomic():
        taken = Flow.objects.filter(free, pk=flow_id, state__in=LIVE, expires_at__gt=now).update(
            attempt=F("attempt") + 1,
            lease_holder=holder[:80],
            address=address[:300],
            lease_expires_at=now + lease_length(),
            state=FlowState.DISCOVERING,
            reached=FlowState.DISCOVERING,
            updated_at=now,
        )
        if not taken:
            return None
        interactions_withdraw(flow_id)
        flow = Flow.objects.get(pk=flow_id)
        if flow.attempt > MAX_ATTEMPTS:
            flow_end(flow_id, FlowInput.FAIL, now=now, code=ErrorCode.WORKER_LOST)
            return None
        event_record(flow, kind="claimed" if flow.attempt == 1 else "restarted", now=now)
        return Claim(flow_id=flow_id, attempt=flow.attempt)


def lease_length() -> timedelta:
    return timedelta(seconds=settings.FLOW_LEASE_SECONDS)


def flow_renew(claim: Claim, *, now: datetime) -> bool:
    """Keep the hold; False when the flow ended or is somebody else's."""
    held = Flow.objects.filter(pk=claim.flow_id, attempt=claim.attempt, state__in=LIVE)
    return bool(held.update(lease_expires_at=now + lease_length()))


def flow_release(claim: Claim, *, now: datetime) -> bool:
    """Let go of a live flow, so that the next tick hands it to another worker at once."""
    held = Flow.objects.filter(pk=claim.flow_id, attempt=claim.attempt, state__in=LIVE)
    return bool(held.update(lease_expires_at=now, lease_holder="", dispatched_at=now - DISPATCH_GRACE))


def flows_holders() -> list[str]:
    """The workers that hold a flow."""
    rows = Flow.objects.filter(state__in=LIVE).exclude(lease_holder="")
    return list(rows.values_list("lease_holder", flat=True).distinct())


def flows_orphan(holders: Collection[str], *, now: datetime) -> int:
    """These workers are dead: what they held is free without waiting for their leases. Gives how many flows."""
    held = Flow.objects.filter(lease_holder__in=holders, state__in=LIVE, lease_expires_at__gt=now)
    return held.update(lease_expires_at=now, dispatched_at=now - DISPATCH_GRACE)


def flow_move(
    flow_id: str,
    event: FlowInput,
    *,
    now: datetime,
    attempt: int | None = None,
    kind: str = "",
    interaction: Interaction | None = None,
    **changes: Any,
) -> bool:
    """Apply `event` with `changes` and record it; False where the table or the attempt forbids it."""
    rows = Flow.objects.filter(pk=flow_id, state__in=states_before(event))
    if attempt is not None:
        rows = rows.filter(attempt=attempt)
    after = state_after(event)
    reached = {"reached": after} if after in LIVE else {"ended_at": now, "lease_expires_at": None, "lease_holder": ""}
    with transaction.atomic():
        if not rows.update(state=after, updated_at=now, **reached, **changes):
            return False
        if after not in WAITING:
            interactions_withdraw(flow_id)
        if after not in LIVE:
            values_destroy(flow_id)
        event_record(Flow.objects.get(pk=flow_id), kind=kind or event.value, now=now, interaction=interaction)
    return True


def flow_end(
    flow_id: str,
    event: FlowInput,
    *,
    now: datetime,
    code: ErrorCode,
    attempt: int | None = None,
    message: str = "",
    website_error: str | None = None,
    picture: bytes | None = None,
) -> bool:
    """End a flow without success, with a picture of where it ended. The connection keeps its status unless it never
    was signed in."""
    website: dict[str, Any] = {"website_error": website_error[:1000]} if website_error is not None else {}
    with transaction.atomic():
        moved = flow_move(
            flow_id,
            event,
            now=now,
            attempt=attempt,
            error_code=code.value,
            error_message=(message or MESSAGES.get(code, "The login failed."))[:1000],
            **website,
        )
        if moved:
            flow = Flow.objects.select_related("connection").get(pk=flow_id)
            if picture is not None:
                picture_keep(flow, picture, now=now)
            _unattended_failed(flow, now=now)
    return moved


def _unattended_failed(flow: Flow, *, now: datetime) -> None:
    """A re-authentication that nobody watched has not worked: leave the site alone for a while, and say so."""
    if not flow.unattended or flow.state == FlowState.CANCELED:
        return
    reauth_failed(flow.connection_id, now=now)
    check_reschedule(flow.connection_id, now=now)
    if not Interaction.objects.filter(flow=flow).exists():  # else it was said when it asked
        _needs_person(flow.connection_id, now=now)


def _needs_person(connection_id: str, *, now: datetime) -> None:
    """Say once that a login which nobody watches cannot go on alone."""
    connection = Connection.objects.get(pk=connection_id)
    if connection.status != ConnectionStatus.AUTHENTICATED:
        connection_changed.send(Connection, connection=connection, now=now)


def flow_progress(claim: Claim, event: FlowInput, *, now: datetime) -> bool:
    """Discovering or submitting; the same again only checks that the flow is still ours."""
    same = Flow.objects.filter(pk=claim.flow_id, attempt=claim.attempt, state=state_after(event))
    if same.exists():
        return True
    return flow_move(claim.flow_id, event, now=now, attempt=claim.attempt, website_error="")


def flow_pause(claim: Claim, pause: Pause, *, now: datetime) -> Interaction | None:
    """Open an interaction for `pause`; None when the flow is no longer ours. The same pause stays as it is."""
    fields = [field_to_json(field) for field in pause.fields]
    choices = [choice_to_json(choice) for choice in pause.choices]
    with transaction.atomic():
        flow = Flow.objects.filter(pk=claim.flow_id, attempt=claim.attempt, state__in=LIVE).first()
        if flow is None:
            return None
        current = interaction_open(flow)
        if current is not None and _same(current, pause, fields, choices):
            return current
        interactions_withdraw(flow.id)
        interaction = Interaction.objects.create(
            organization_id=flow.organization_id,
            project_id=flow.project_id,
            flow=flow,
            url=pause.url[:4096],
            title=pause.title[:500],
            fields=fields,
            choices=choices,
            instruction=pause.instruction or "",
            website_error=(pause.website_error or "")[:1000],
            created_at=now,
            expires_at=min(now + timedelta(seconds=settings.INTERACTION_SECONDS), flow.expires_at),
        )
        if pause.picture is not None:
            picture_keep(interaction, pause.picture, now=now)
        event = FlowInput.ASK_EXTERNAL if pause.instruction else FlowInput.ASK
        moved = flow_move(
            flow.id,
            event,
            now=now,
            attempt=claim.attempt,
            interaction=interaction,
            website_error=interaction.website_error,
        )
        if not moved:
            transaction.set_rollback(True)
            return None
        if flow.unattended and Interaction.objects.filter(flow=flow).count() == 1:
            _needs_person(flow.connection_id, now=now)
        return interaction


def _same(current: Interaction, pause: Pause, fields: list[dict[str, Any]], choices: list[dict[str, Any]]) -> bool:
    return (
        current.fields == fields
        and current.choices == choices
        and current.instruction == (pause.instruction or "")
        and current.website_error == (pause.website_error or "")[:1000]
    )


def interaction_open(flow: Flow) -> Interaction | None:
    return Interaction.objects.filter(flow=flow, state=Interaction.State.OPEN).first()


def interactions_withdraw(flow_id: str) -> None:
    """An open question nobody needs answered any more."""
    Interaction.objects.filter(flow_id=flow_id, state=Interaction.State.OPEN).update(state=Interaction.State.WITHDRAWN)


def values_destroy(flow_id: str) -> None:
    """Submitted values live no longer than their flow."""
    Flow.objects.filter(pk=flow_id).exclude(prints={}).update(prints={})
    Interaction.objects.filter(flow_id=flow_id, sealed_values__isnull=False).update(sealed_values=None)


def flow_cancel(flow_id: str, *, now: datetime) -> bool:
    return flow_end(flow_id, FlowInput.CANCEL, now=now, code=ErrorCode.CANCELED)


def flow_expire_overdue(*, now: datetime, connection_id: str | None = None) -> list[str]:
    """End the flows whose time is over, whoever holds them; gives their ids."""
    due = Flow.objects.filter(state__in=LIVE, expires_at__lte=now)
    if connection_id is not None:
        due = due.filter(connection_id=connection_id)
    ids = list(due.values_list("pk", flat=True)[:500])
    return [pk for pk in ids if flow_end(pk, FlowInput.EXPIRE, now=now, code=ErrorCode.FLOW_EXPIRED)]


def flows_abandoned(*, now: datetime) -> list[str]:
    """Live flows nobody works on: the worker's lease lapsed, or the task was never taken. Each is given to one
    caller only (its dispatch time moves on), who is to send its task again."""
    lapsed = Q(lease_expires_at__lte=now) | Q(lease_expires_at__isnull=True)
    rows = Flow.objects.filter(lapsed, state__in=LIVE, dispatched_at__lte=now - DISPATCH_GRACE)
    return [
        pk
        for pk, sent in rows.values_list("pk", "dispatched_at")[:500]
        if Flow.objects.filter(pk=pk, dispatched_at=sent).update(dispatched_at=now)
    ]


def connection_authenticated(
    flow: Flow,
    *,
    now: datetime,
    post_login_url: str,
    auth_check: dict[str, Any] | None,
    requirements: dict[str, Any] | None = None,
) -> None:
    """What a verified login changes on its connection. Without `requirements` the last ones stay: a profile that was
    still signed in shows nothing of what a login takes."""
    recorded = {"requirements": requirements} if requirements is not None else {}
    if auth_check is not None:
        known = Connection.objects.filter(pk=flow.connection_id).values_list("auth_check", flat=True).first()
        auth_check = auth_check_carry(auth_check, known)
    Connection.objects.filter(pk=flow.connection_id).update(
        status=ConnectionStatus.AUTHENTICATED,
        post_login_url=post_login_url[:4096],
        auth_check=auth_check,
        last_login_at=now,
        reauth_failures=0,
        reauth_after=None,
        updated_at=now,
        **recorded,
    )
    refusals_forget(flow.connection_id)
    check_reschedule(flow.connection_id, now=now)
    connection_changed.send(Connection, connection=Connection.objects.get(pk=flow.connection_id), now=now)


def origin_allow(flow_id: str, origin: str) -> None:
    """The person (or the backend) let stored values go to `origin` for this connection from now on."""
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(flows__pk=flow_id)
        consented = sorted({*connection.consented_origins, origin})
        Connection.objects.filter(pk=connection.pk).update(consented_origins=consented, updated_at=timezone.now())
