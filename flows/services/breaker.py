"""The circuit breaker of unattended logins: each failure in a row leaves the site alone for longer."""

from datetime import datetime, timedelta
from random import SystemRandom

from django.conf import settings
from django.db.models import F

from flows.models import Connection

FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(days=1)

_random = SystemRandom()


def reauth_pause(failures: int, *, share: float | None = None) -> timedelta:
    """How long to leave a site alone after `failures` in a row: twice as long each time, with jitter."""
    at = _random.random() if share is None else share
    doubled = 1 << min(max(failures, 1) - 1, 20)
    return min(FIRST_PAUSE * (doubled * (0.75 + at / 2)), LONGEST_PAUSE)


def reauth_failed(connection_id: str, *, now: datetime) -> None:
    """An unattended login ended without success: the breaker counts it."""
    rows = Connection.objects.filter(pk=connection_id)
    rows.update(reauth_failures=F("reauth_failures") + 1)
    failures = rows.values_list("reauth_failures", flat=True).first()
    if failures is not None:
        rows.update(reauth_after=now + reauth_pause(failures) / settings.CHECK_SPEED)
