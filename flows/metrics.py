"""What Prometheus is told, read from the database at the moment it asks: the same numbers from any process, and none
of them lost with one. Names no tenant and no site."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet, Sum
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from flows.models import Connection, Flow, HealthCheck
from flows.transitions import LIVE
from vault.models import Profile

TOOK = ExpressionWrapper(F("ended_at") - F("created_at"), output_field=DurationField())


def metrics_read(*, now: datetime) -> Iterator[Metric]:
    yield from _flows()
    yield from _checks()
    yield from _queues(now=now)
    yield from _held(now=now)


def _grouped(rows: QuerySet[Any], *names: str) -> Any:
    return rows.exclude(ended_at=None).values(*names).annotate(number=Count("pk"), took=Sum(TOOK)).order_by(*names)


def _seconds(took: timedelta | None) -> float:
    return took.total_seconds() if took is not None else 0.0


def _flows() -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "authsvc_flows", "Logins that ended, by outcome and error code", labels=("type", "outcome", "code")
    )
    for row in _grouped(Flow.objects.all(), "type", "state", "error_code"):
        ended.add_metric((row["type"].lower(), row["state"].lower(), row["error_code"]), row["number"])
    yield ended
    took = SummaryMetricFamily(
        "authsvc_flow_seconds", "How long logins took, people's time included", labels=("type", "outcome", "unattended")
    )
    for row in _grouped(Flow.objects.all(), "type", "state", "unattended"):
        labels = (row["type"].lower(), row["state"].lower(), str(row["unattended"]).lower())
        took.add_metric(labels, row["number"], _seconds(row["took"]))
    yield took


def _checks() -> Iterator[Metric]:
    took = SummaryMetricFamily(
        "authsvc_health_check_seconds",
        "Health checks that ended: how many, and how long they took with waiting",
        labels=("result", "way"),
    )
    for row in _grouped(HealthCheck.objects.all(), "result", "way"):
        took.add_metric((row["result"], row["way"] or "none"), row["number"], _seconds(row["took"]))
    yield took
    states = GaugeMetricFamily("authsvc_connections", "Connections by status", labels=("status",))
    for row in Connection.objects.values("status").annotate(number=Count("pk")).order_by("status"):
        states.add_metric((row["status"].lower(),), row["number"])
    yield states


def _queues(*, now: datetime) -> Iterator[Metric]:
    live = GaugeMetricFamily("authsvc_flows_live", "Logins in progress, by step", labels=("step",))
    for row in Flow.objects.filter(state__in=LIVE).values("state").annotate(number=Count("pk")).order_by("state"):
        live.add_metric((row["state"].lower(),), row["number"])
    yield live
    waiting = Flow.objects.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now), state__in=LIVE)
    due = Connection.objects.filter(check_due_at__lte=now, health_checks=True)
    running = HealthCheck.objects.filter(ended_at=None)
    for name, rows, since in (
        ("flows", waiting, Min("created_at")),
        ("checks_due", due, Min("check_due_at")),
        ("checks_handed_out", running, Min("created_at")),
    ):
        found = rows.aggregate(number=Count("pk"), since=since)
        yield GaugeMetricFamily(f"authsvc_queue_{name}", "Waiting for a worker", value=found["number"])
        age = (now - found["since"]).total_seconds() if found["since"] is not None else 0.0
        yield GaugeMetricFamily(f"authsvc_queue_{name}_oldest_seconds", "Age of the oldest", value=age)


def _held(*, now: datetime) -> Iterator[Metric]:
    """Every login in a worker's hands and every check by browser is a browser context."""
    held = Flow.objects.filter(state__in=LIVE, lease_expires_at__gt=now)
    found = held.aggregate(number=Count("pk"), workers=Count("lease_holder", distinct=True))
    yield GaugeMetricFamily("authsvc_flow_leases", "Logins in the hands of workers", value=found["number"])
    yield GaugeMetricFamily("authsvc_workers_busy", "Worker processes with a login", value=found["workers"])
    writers = Profile.objects.filter(lease_expires_at__gt=now).count()
    yield GaugeMetricFamily("authsvc_profile_leases", "Profiles being written", value=writers)
