"""Health checks in the database: asked for, carried by a worker, ended with what they saw."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from flows.models import Connection, ConnectionStatus, Flow, HealthCheck
from flows.transitions import LIVE
from vault.keys import vault_sealed

RUNNING_AT_MOST = timedelta(minutes=2)  # a check without an end for so long lost its worker
_STATUS = {
    HealthCheck.Result.OK: ConnectionStatus.AUTHENTICATED,
    HealthCheck.Result.LOGGED_OUT: ConnectionStatus.NEEDS_AUTH,
}


def check_begin(connection: Connection, *, now: datetime) -> tuple[HealthCheck, bool]:
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


def check_end(check_id: str, result: HealthCheck.Result, *, now: datetime, reason: str = "") -> bool:
    """Record the result. `ok` and `logged_out` set the connection's status, unless a login changed it meanwhile; an
    indeterminate one leaves it as it is. False when the check was over or is gone."""
    with transaction.atomic():
        check = HealthCheck.objects.select_for_update().filter(pk=check_id, ended_at=None).first()
        if check is None:
            return False
        fresh = Q(last_login_at=None) | Q(last_login_at__lt=check.created_at)
        connection = Connection.objects.filter(pk=check.connection_id)
        connection.update(last_auth_check_at=now)
        status = _STATUS.get(result)
        if status is not None:
            connection.filter(fresh).update(status=status, updated_at=now)
        after = connection.values_list("status", flat=True).get()
        HealthCheck.objects.filter(pk=check_id).update(ended_at=now, result=result, reason=reason[:200], status=after)
        return True
