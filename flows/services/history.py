"""What is kept of logins and checks that are over, and for how long.

Rows go, what was counted of them stays: the counters of `/metrics` never fall."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Sum
from django.db.models.signals import pre_delete
from redis.exceptions import RedisError

from flows.models import BrowserSession, Connection, Flow, HealthCheck, Tally

log = logging.getLogger(__name__)

BATCH = 500
BATCHES = 20  # at most in one turn
TURN_SECONDS = 600
TOOK = ExpressionWrapper(F("ended_at") - F("created_at"), output_field=DurationField())
LABELS = {
    Tally.Counted.FLOWS: ("type", "state", "error_code", "unattended"),
    Tally.Counted.CHECKS: ("result", "way"),
}
Counts = tuple[int, float]  # how many, and seconds in all


def history_turn(*, now: datetime) -> None:
    """Forget what there is to forget, for the first who asks in some minutes. A cache that does not answer puts it
    off: it is in no hurry."""
    try:
        if not cache.add("history", 1, timeout=TURN_SECONDS):
            return
    except (RedisError, OSError) as error:
        log.warning("history not looked at: %s", type(error).__name__)
        return
    for _ in range(BATCHES):
        if not history_forget(now=now):
            return


def history_forget(*, now: datetime) -> int:
    """Delete what ended longer ago than it may be kept, some of it at a time; gives how many rows. The latest login of
    a connection stays: it is what the connection tells of itself."""
    if settings.HISTORY_DAYS == 0:
        return 0
    before = now - timedelta(days=settings.HISTORY_DAYS)
    later = Flow.objects.filter(connection=OuterRef("connection"), created_at__gt=OuterRef("created_at"))
    with transaction.atomic():
        flows = _some(Flow.objects.filter(Exists(later), ended_at__lte=before))
        checks = _some(HealthCheck.objects.filter(ended_at__lte=before))
        sessions = _some(BrowserSession.objects.filter(ended_at__lte=before))
        _tally(flows, checks)
        return sum(rows.delete()[0] for rows in (flows, checks, sessions))


def counted(kind: Tally.Counted) -> Iterator[tuple[dict[str, Any], Counts]]:
    """Labels and numbers of all that ever ended, deleted or not; the same labels may come twice."""
    rows = Flow.objects.all() if kind == Tally.Counted.FLOWS else HealthCheck.objects.all()
    for labels, counts in _grouped(kind, rows):
        yield dict(zip(LABELS[kind], labels, strict=True)), counts
    for tally in Tally.objects.filter(counted=kind):
        yield dict(zip(LABELS[kind], json.loads(tally.labels), strict=True)), (tally.number, tally.seconds)


def counters_connect() -> None:
    """From now on what is counted of a connection outlives it."""
    pre_delete.connect(_connection_goes, sender=Connection)


def _connection_goes(instance: Connection, **_: object) -> None:
    """Alone, or with its project. What is being forgotten meanwhile is waited for, and not counted again."""
    flows, checks = Flow.objects.filter(connection=instance), HealthCheck.objects.filter(connection=instance)
    with transaction.atomic():
        for rows in (flows, checks):
            list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        _tally(flows, checks)


def _some(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Some of them, the same ones each time it is asked: the caller's until its transaction ends."""
    if database.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    chosen: QuerySet[Any] = rows.model.objects.filter(
        pk__in=list(rows.order_by("ended_at").values_list("pk", flat=True)[:BATCH])
    )
    return chosen


def _grouped(kind: Tally.Counted, rows: QuerySet[Any]) -> Iterator[tuple[list[Any], Counts]]:
    names = LABELS[kind]
    for row in rows.exclude(ended_at=None).values(*names).annotate(number=Count("pk"), took=Sum(TOOK)).order_by(*names):
        took: timedelta | None = row["took"]
        yield [row[name] for name in names], (row["number"], took.total_seconds() if took is not None else 0.0)


def _tally(flows: QuerySet[Flow], checks: QuerySet[HealthCheck]) -> None:
    for kind, rows in ((Tally.Counted.FLOWS, flows), (Tally.Counted.CHECKS, checks)):
        for labels, (number, seconds) in _grouped(kind, rows):
            tally, _ = Tally.objects.get_or_create(counted=kind, labels=json.dumps(labels))
            Tally.objects.filter(pk=tally.pk).update(number=F("number") + number, seconds=F("seconds") + seconds)
