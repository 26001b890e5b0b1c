"""When a connection is checked next."""

from datetime import datetime, timedelta
from random import SystemRandom

from django.conf import settings

from flows.models import Connection, ConnectionStatus

JITTER = 0.1  # of the interval, either way: checks of connections made together drift apart
SLOWEST = timedelta(days=1)
SIGNED_OUT_SLOWER = 4  # a connection that waits for a person is looked at this much less often

_random = SystemRandom()


def check_after(interval: float, *, now: datetime, share: float | None = None) -> datetime:
    """The next due time, `interval` seconds from now, give or take. `share` in 0..1 stands for chance."""
    at = _random.random() if share is None else share
    seconds = interval * (1 - JITTER + 2 * JITTER * at) / settings.CHECK_SPEED
    return now + min(timedelta(seconds=seconds), SLOWEST + SLOWEST * JITTER)


def check_schedule(connection: Connection, *, now: datetime) -> datetime | None:
    """When the connection is due, from what it is now; None where nothing is checked by itself."""
    if not connection.health_checks or not connection.auth_check:
        return None
    interval = float(connection.health_check_interval)
    if connection.status != ConnectionStatus.AUTHENTICATED:
        interval = min(interval * SIGNED_OUT_SLOWER, SLOWEST.total_seconds())
    due = check_after(interval, now=now)
    if connection.reauth_after is not None:
        due = max(due, connection.reauth_after)
    return due


def check_reschedule(connection_id: str, *, now: datetime) -> None:
    """Set the due time from what the connection is now."""
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is not None:
        Connection.objects.filter(pk=connection_id).update(check_due_at=check_schedule(connection, now=now))
