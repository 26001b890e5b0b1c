"""Database work from async code: on threads of its own, so that it never blocks an event loop, and few of them,
so that one process never holds more than `DB_THREADS` connections however many coroutines wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


@cache
def db_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.DB_THREADS, thread_name_prefix="db")


def _call(work: Callable[[], T]) -> T:
    # Requests close what they opened (their threads die with them); these threads live. What they have from a pool
    # they give back, anything else they keep while it answers: Django looks again before the next query.
    for connection in connections.all(initialized_only=True):
        setattr(connection, "health_check_done", False)  # noqa: B010 - Django's own attribute, unknown to its stubs
    try:
        return work()
    finally:
        for connection in connections.all(initialized_only=True):
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()


async def run_db(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function`, which may use the ORM, off the loop and return what it returns."""
    return await asyncio.get_running_loop().run_in_executor(db_threads(), _call, partial(function, *args, **kwargs))
