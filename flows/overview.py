"""How connections are doing, for the operator's first look: counts over days and hours, and what is slow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F
from django.db.models.functions import TruncDay, TruncHour

from flows.models import Connection, Flow, HealthCheck

DAYS, HOURS, SLOW = 14, 24, 8
TOOK = ExpressionWrapper(F("ended_at") - F("created_at"), output_field=DurationField())


@dataclass(frozen=True, slots=True)
class Column:
    """What happened in one day or hour: numbers by kind."""

    at: datetime
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class SlowSite:
    domain: str
    seconds: float
    logins: int
    succeeded: int

    @property
    def success(self) -> int:
        """Per cent."""
        return round(100 * self.succeeded / self.logins) if self.logins else 0


def connections_by_state() -> dict[str, int]:
    """Signed in, never signed in yet, and signed out since."""
    rows = Connection.objects.values("status").annotate(number=Count("pk"), ever=Count("last_login_at"))
    found = {row["status"]: row for row in rows}
    out = found.get("NEEDS_AUTH", {"number": 0, "ever": 0})
    return {
        "signed in": found.get("AUTHENTICATED", {"number": 0})["number"],
        "never signed in": out["number"] - out["ever"],
        "needs a person": out["ever"],
    }


def logins_by_day(*, now: datetime) -> list[Column]:
    """Ended logins of the last days: succeeded, failed, given up (expired or canceled)."""
    kinds = {"SUCCESS": "succeeded", "FAILED": "failed", "EXPIRED": "given up", "CANCELED": "given up"}
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    rows = Flow.objects.filter(ended_at__gte=first).annotate(at=TruncDay("ended_at")).values("at", "state")
    counted = ((row["at"], kinds.get(row["state"], "given up"), row["number"]) for row in _counted(rows))
    return _columns(counted, first=first, step=timedelta(days=1), number=DAYS)


def checks_by_hour(*, now: datetime) -> list[Column]:
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    rows = HealthCheck.objects.filter(ended_at__gte=first).annotate(at=TruncHour("ended_at")).values("at", "result")
    counted = ((row["at"], row["result"].replace("_", " "), row["number"]) for row in _counted(rows))
    return _columns(counted, first=first, step=timedelta(hours=1), number=HOURS)


def _counted(rows: Any) -> Any:
    return rows.annotate(number=Count("pk")).order_by()


def _columns(
    counted: Iterable[tuple[datetime, str, int]], *, first: datetime, step: timedelta, number: int
) -> list[Column]:
    columns = [Column(first + step * place, {}) for place in range(number)]
    by_time = {column.at: column for column in columns}
    for at, kind, count in counted:
        if at in by_time:
            by_time[at].counts[kind] = by_time[at].counts.get(kind, 0) + count
    return columns


def slow_sites(*, now: datetime) -> list[SlowSite]:
    """The domains whose successful logins without a person took longest in the last days."""
    recent = Flow.objects.filter(ended_at__gte=now - timedelta(days=DAYS))
    unwatched = recent.filter(state="SUCCESS", interactions=None)
    slow = unwatched.values("connection__domain").annotate(took=Avg(TOOK)).order_by("-took")[:SLOW]
    found = {row["connection__domain"]: row["took"].total_seconds() for row in slow}
    counts = recent.filter(connection__domain__in=found).values("connection__domain", "state")
    logins = dict.fromkeys(found, 0)
    succeeded = dict.fromkeys(found, 0)
    for row in _counted(counts):
        logins[row["connection__domain"]] += row["number"]
        if row["state"] == "SUCCESS":
            succeeded[row["connection__domain"]] += row["number"]
    return [SlowSite(domain, round(seconds, 1), logins[domain], succeeded[domain]) for domain, seconds in found.items()]
