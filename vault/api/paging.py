"""Lists in pages: a JSON array, and two headers that say where the next page begins."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from vault.errors import Invalid

LIMIT_DEFAULT = 20
LIMIT_MOST = 100
OFFSET_MOST = 1_000_000_000

M = TypeVar("M", bound=Model)
R = TypeVar("R")


def page(
    request: HttpRequest,
    response: HttpResponse,
    rows: QuerySet[M],
    limit: int,
    offset: int,
    render: Callable[[M], R],
) -> list[R]:
    """Rows `offset` to `offset + limit`, rendered.

    Sets `X-Has-More` (`true` or `false`) and `X-Next-Offset`, the next page's absolute start or 0 on the last page.
    Raises `Invalid` for a limit that is not 1 to 100 or an offset that cannot be.
    """
    if not 1 <= limit <= LIMIT_MOST:
        raise Invalid(f"limit must be 1 to {LIMIT_MOST}")
    if not 0 <= offset <= OFFSET_MOST:
        raise Invalid(f"offset must be 0 to {OFFSET_MOST}")
    found = list(rows[offset : offset + limit + 1])
    more = len(found) > limit
    response["X-Has-More"] = "true" if more else "false"
    response["X-Next-Offset"] = str(offset + limit if more else 0)
    return [render(row) for row in found[:limit]]
