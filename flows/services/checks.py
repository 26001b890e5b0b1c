"""Health checks in the database: asked for, carried by a worker, ended with what they saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from flows.models import Connection, ConnectionStatus, Flow, HealthCheck
from flows.services.pictures import picture_keep
from flows.services.reauth import reauth_begin, reauth_refused
from flows.services.schedule import check_reschedule
from flows.signals import connection_changed
from flows.transitions import LIVE
from vault.keys import vault_sealed

RUNNING_AT_MOST = timedelta(minutes=3)  # a check without an end for so long lost its worker
AGAIN_AFTER = timedelta(minutes=5)  # for such a one
LOST_MOST = 500  # of them at a time
_STATUS = {
    HealthCheck.Result.OK: ConnectionStatus.AUTHENTICATED,
    HealthCheck.Result.LOGGED_OUT: ConnectionStatus.NEEDS_AUTH,
}


def check_begin(connection: Connection, *, now: datetime, scheduled: bool = False) -> tuple[HealthCheck, bool]:
    """The connection's running check, and whether it is new: asking again while one runs joins it."""
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        running = HealthCheck.objects.filter(
            connection=connection, ended_at=None, created_at__gt=now - RUNNING_AT_MOST
        ).first()
        if running is not None:
            return running, False
        check = HealthCheck.objects.create(
            organization_id=connection.organization_id,
            project_id=connection.project_id,
            connection=connection,
            created_at=now,
            scheduled=scheduled,
            previous_status=connection.status,
            status=connection.status,
        )
        return check, True


def check_blocked(check: HealthCheck) -> str:
    """Why this check can tell nothing, or nothing."""
    if vault_sealed():
        return "the vault is sealed"
    if Flow.objects.filter(connection_id=check.connection_id, state__in=LIVE).exists():
        return "a login is in progress"
    if not check.connection.auth_check:
        return "signed in and signed out cannot be told apart"
    return ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A check that is over, and the re-authentication that it began."""

    flow_id: str | None = None


def check_end(
    check_id: str,
    result: HealthCheck.Result,
    *,
    now: datetime,
    reason: str = "",
    way: str = "",
    picture: bytes | None = None,
) -> Ended | None:
    """Record the result. `ok` and `logged_out` set the connection's status, unless a login changed it meanwhile; an
    indeterminate one leaves it as it is. A `logged_out` one begins a re-authentication where that is allowed; the
    caller hands it to a worker. None when the check was over or is gone."""
    with transaction.atomic():
        check = HealthCheck.objects.select_for_update().filter(pk=check_id, ended_at=None).first()
        if check is None:
            return None
        fresh = Q(last_login_at=None) | Q(last_login_at__lt=check.created_at)
        rows = Connection.objects.filter(pk=check.connection_id)
        rows.update(last_auth_check_at=now)
        status = _STATUS.get(result)
        changed = status is not None and bool(rows.filter(fresh).update(status=status, updated_at=now))
        connection = rows.select_related("credential").get()
        flow: Flow | None = None
        if changed and result == HealthCheck.Result.LOGGED_OUT:
            flow, followed = _logged_out(check, connection, now=now)
            reason = "; ".join(filter(None, (reason, followed)))
        elif changed:
            _signed_in(check, connection, now=now)
        HealthCheck.objects.filter(pk=check_id).update(
            ended_at=now, result=result, reason=reason[:200], status=connection.status, way=way
        )
        if picture is not None:
            picture_keep(check, picture, now=now)
        check_reschedule(connection.pk, now=now)
        return Ended(flow.pk if flow is not None else None)


def _signed_in(check: HealthCheck, connection: Connection, *, now: datetime) -> None:
    """The session is there, so what failed before does not count any more. It may have come back by another way: a
    connection that shares the profile, a person in a browser of theirs."""
    Connection.objects.filter(pk=connection.pk).update(reauth_failures=0, reauth_after=None)
    if check.previous_status != ConnectionStatus.AUTHENTICATED:
        connection_changed.send(Connection, connection=connection, now=now)


def check_learned(check_id: str, auth_check: Mapping[str, Any], *, since: datetime | None) -> bool:
    """Remember what a check learned, unless a login was there meanwhile."""
    rows = Connection.objects.filter(checks__pk=check_id, last_login_at=since)
    return bool(Connection.objects.filter(pk__in=rows.values("pk")).update(auth_check=dict(auth_check)))


def checks_lost(*, now: datetime) -> list[str]:
    """End the checks that no worker finished in time, and have them made again soon; gives their ids."""
    lost = HealthCheck.objects.filter(ended_at=None, created_at__lte=now - RUNNING_AT_MOST)
    ended = []
    for check in list(lost.order_by("created_at")[:LOST_MOST]):
        if check_end(check.pk, HealthCheck.Result.INDETERMINATE, now=now, reason="no worker finished it in time"):
            ended.append(check.pk)
            soon = now + AGAIN_AFTER
            Connection.objects.filter(pk=check.connection_id, check_due_at__gt=soon).update(check_due_at=soon)
    return ended


def _logged_out(check: HealthCheck, connection: Connection, *, now: datetime) -> tuple[Flow | None, str]:
    """Log in again if that may be, else say that a person is needed."""
    refused = reauth_refused(connection, now=now)
    flow = None if refused else reauth_begin(connection, now=now)
    if flow is None and check.previous_status == ConnectionStatus.AUTHENTICATED:
        connection_changed.send(Connection, connection=connection, now=now)
    return flow, f"not logged in again: {refused}" if refused else "logging in again"
