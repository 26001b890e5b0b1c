"""What Prometheus is told, read from the database at the moment it asks: the same numbers from any process, and none
of them lost with one. Names no tenant and no site."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from django.db.models import Count, Min, Q
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from flows.models import BrowserSession, Connection, Flow, HealthCheck, Tally
from flows.services.history import counted
from flows.transitions import LIVE
from vault.models import Profile

_Times: TypeAlias = defaultdict[tuple[str, ...], tuple[int, float]]


def metrics_read(*, now: datetime) -> Iterator[Metric]:
    yield from _flows()
    yield from _checks()
    yield from _queues(now=now)
    yield from _held(now=now)


def _flows() -> Iterator[Metric]:
    outcomes: defaultdict[tuple[str, ...], int] = defaultdict(int)
    times: _Times = defaultdict(lambda: (0, 0.0))
    for row, (number, seconds) in counted(Tally.Counted.FLOWS):
        kind, outcome = row["type"].lower(), row["state"].lower()
        outcomes[kind, outcome, row["error_code"]] += number
        _add(times, (kind, outcome, str(row["unattended"]).lower()), number, seconds)
    ended = CounterMetricFamily(
        "authsvc_flows", "Logins that ended, by outcome and error code", labels=("type", "outcome", "code")
    )
    for labels, number in sorted(outcomes.items()):
        ended.add_metric(labels, number)
    yield ended
    yield _summary(
        "authsvc_flow_seconds",
        "How long logins took, people's time included",
        ("type", "outcome", "unattended"),
        times,
    )


def _checks() -> Iterator[Metric]:
    times: _Times = defaultdict(lambda: (0, 0.0))
    for row, (number, seconds) in counted(Tally.Counted.CHECKS):
        _add(times, (row["result"], row["way"] or "none"), number, seconds)
    yield _summary(
        "authsvc_health_check_seconds",
        "Health checks that ended: how many, and how long they took with waiting",
        ("result", "way"),
        times,
    )
    states = GaugeMetricFamily("authsvc_connections", "Connections by status", labels=("status",))
    for status in Connection.objects.values("status").annotate(number=Count("pk")).order_by("status"):
        states.add_metric((status["status"].lower(),), status["number"])
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
    browsers = GaugeMetricFamily("authsvc_browsers", "Browsers that callers drive, by state", labels=("state",))
    active = BrowserSession.objects.filter(ended_at=None)
    for row in active.values("state").annotate(number=Count("pk")).order_by("state"):
        browsers.add_metric((row["state"],), row["number"])
    yield browsers
    writers = Profile.objects.filter(lease_expires_at__gt=now).count()
    yield GaugeMetricFamily("authsvc_profile_leases", "Profiles being written", value=writers)


def _add(times: _Times, labels: tuple[str, ...], number: int, seconds: float) -> None:
    before, took = times[labels]
    times[labels] = before + number, took + seconds


def _summary(name: str, documentation: str, labels: tuple[str, ...], times: _Times) -> Metric:
    took = SummaryMetricFamily(name, documentation, labels=labels)
    for values, (number, seconds) in sorted(times.items()):
        took.add_metric(values, number, seconds)
    return took
