"""Handing out the checks that are due: any number of beats may claim at the same time.

A due time lives on the connection. Claiming is one conditional UPDATE that moves it on, judged by its row count, so no
check is made twice and a beat that dies loses nothing but one round.
"""

from collections.abc import Iterator
from datetime import datetime
from math import ceil

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from flows.models import Connection, Flow, HealthCheck
from flows.services.checks import RUNNING_AT_MOST, check_begin
from flows.services.schedule import check_schedule
from flows.transitions import LIVE
from vault.errors import RateLimited
from vault.rates import rate_take

BATCH = 200
WINDOWS = 20
SHARE_SECONDS = 5  # in which a domain gets its share, at least


def checks_claim(*, now: datetime, limit: int = BATCH) -> list[HealthCheck]:
    """Begin the checks that are due and may run now, the longest due first; gives those that are the caller's.

    A connection with a login under way or a profile that is being written waits. No domain gets more than its share
    of a few seconds: what is beyond it stays due, so an outage is made up for without a burst on any one site. Nor are
    more handed out than workers have finished: what waits in a queue would be stale, and count as lost.
    """
    claimed: list[HealthCheck] = []
    running = HealthCheck.objects.filter(ended_at=None, created_at__gt=now - RUNNING_AT_MOST).count()
    room = min(limit, settings.CHECKS_WAITING - running)
    if room <= 0:
        return claimed
    for connection in _due(now=now, limit=room):
        if _take(connection, now=now):
            check, new = check_begin(connection, now=now, scheduled=True)
            if new:
                claimed.append(check)
        if len(claimed) >= room:
            break
    return claimed


def _due(*, now: datetime, limit: int) -> Iterator[Connection]:
    """Due connections, those of full domains left out so that they cannot hold up the others."""
    full: set[str] = set()
    seconds, share = pace(settings.DOMAIN_CHECKS)
    seen: set[str] = set()
    for _ in range(WINDOWS):  # windows over the due; each one passes over the domains found full before
        window = list(_rows(now=now).exclude(domain__in=full).exclude(pk__in=seen)[:limit])
        for connection in window:
            seen.add(connection.pk)
            if connection.domain in full:
                continue
            try:
                rate_take(f"checks:{connection.domain}", limit=share, at=now.timestamp(), seconds=seconds)
            except RateLimited:
                full.add(connection.domain)
                continue
            yield connection
        if len(window) < limit or len(seen) >= 5 * limit:
            return


def pace(each_minute: int) -> tuple[int, int]:
    """(seconds, how many in them) that come to so many in a minute, without a burst at its beginning."""
    if not each_minute:
        return SHARE_SECONDS, 0
    seconds = max(SHARE_SECONDS, ceil(60 / each_minute))
    return seconds, each_minute * seconds // 60


def _rows(*, now: datetime) -> QuerySet[Connection]:
    live = Flow.objects.filter(connection=OuterRef("pk"), state__in=LIVE, expires_at__gt=now)
    written = Q(profile__lease_expires_at__gt=now)
    rows: QuerySet[Connection] = Connection.objects.filter(check_due_at__lte=now, health_checks=True)
    return rows.exclude(written).filter(~Exists(live)).order_by("check_due_at", "pk")


def _take(connection: Connection, *, now: datetime) -> bool:
    """Move the due time on, if it still is what was read."""
    mine = Connection.objects.filter(pk=connection.pk, check_due_at=connection.check_due_at)
    if not database.features.has_select_for_update_skip_locked:
        return bool(mine.update(check_due_at=check_schedule(connection, now=now)))
    with transaction.atomic():
        if not mine.select_for_update(skip_locked=True).values_list("pk", flat=True).first():
            return False
        return bool(mine.update(check_due_at=check_schedule(connection, now=now)))
