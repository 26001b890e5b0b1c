"""The operator's overview in the admin site. Charts are drawn here as SVG: no script, no style in the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from flows.overview import Column, checks_by_hour, connections_by_state, logins_by_day, slow_sites

WIDTH, HEIGHT, GAP = 560, 140, 3


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    kind: int  # its place among the kinds, which the style sheet gives a colour
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns, or one row of shares."""

    title: str
    kinds: tuple[tuple[str, int], ...]  # with their sums
    bars: tuple[Bar, ...]
    first: str = ""
    last: str = ""
    height: int = HEIGHT
    width: int = WIDTH

    @property
    def total(self) -> int:
        return sum(number for _, number in self.kinds)


def columns_chart(title: str, columns: Sequence[Column], kinds: Sequence[str], *, form: str) -> Chart:
    most = max((column.total for column in columns), default=0) or 1
    step = WIDTH / len(columns)
    bars = []
    for place, column in enumerate(columns):
        top = float(HEIGHT)
        for number, kind in enumerate(kinds):
            count = column.counts.get(kind, 0)
            height = HEIGHT * count / most
            top -= height
            if count:
                words = f"{column.at.strftime(form)}: {count} {kind}"
                bars.append(
                    Bar(round(place * step, 1), round(top, 1), round(step - GAP, 1), round(height, 1), number, words)
                )
    sums = tuple((kind, sum(column.counts.get(kind, 0) for column in columns)) for kind in kinds)
    return Chart(title, sums, tuple(bars), columns[0].at.strftime(form), columns[-1].at.strftime(form))


def shares_chart(title: str, counts: dict[str, int]) -> Chart:
    whole = sum(counts.values()) or 1
    bars, left = [], 0.0
    for number, (kind, count) in enumerate(counts.items()):
        width = WIDTH * count / whole
        if count:
            bars.append(Bar(round(left, 1), 0, round(max(width - GAP, 1), 1), 28, number, f"{count} {kind}"))
        left += width
    return Chart(title, tuple(counts.items()), tuple(bars), height=28)


def overview(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    logins = logins_by_day(now=now)
    charts = [
        shares_chart("Connections", connections_by_state()),
        columns_chart("Logins, 14 days", logins, ("succeeded", "given up", "failed"), form="%d %b"),
        columns_chart(
            "Health checks, 24 hours", checks_by_hour(now=now), ("ok", "indeterminate", "logged out"), form="%H:00"
        ),
    ]
    told = {"title": "Overview", "charts": charts, "slow": slow_sites(now=now)}
    return TemplateResponse(request, "admin/overview.html", {**admin.site.each_context(request), **told})
