"""`/healthz`: this process answers. `/readyz`: what it needs is there too."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from redis import RedisError
from redis.asyncio import Redis

from authsvc.refusals import refusal
from vault.aio import run_db
from vault.errors import VaultError
from vault.keys import keys_open

log = structlog.get_logger(__name__)
router = Router(tags=["service"], auth=None)
PROBE_SECONDS = 3
TROUBLE = (DatabaseError, RedisError, OSError, TimeoutError, ImproperlyConfigured, VaultError)


@router.get("/healthz", summary="Is this process alive?")
async def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@router.get("/readyz", summary="Can this process do its work?")
async def readyz(request: HttpRequest) -> HttpResponse:
    """503 `not_ready` names the parts that do not answer: `database`, `key`, `redis`."""
    names = ["database", "key"] + (["redis"] if settings.REDIS_URL else [])
    answers = await asyncio.gather(*(_answers(name, PROBES[name]) for name in names))
    missing = [name for name, answered in zip(names, answers, strict=True) if not answered]
    if missing:
        details = [{"field": name, "message": "does not answer"} for name in missing]
        return refusal("not_ready", f"Not ready: {', '.join(missing)}", details=details)
    return JsonResponse({"status": "ready"})


async def _answers(name: str, probe: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except TROUBLE as error:
        log.warning("probe failed", part=name, error=type(error).__name__)
        return False
    return True


def _database_select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


async def _database() -> None:
    await run_db(_database_select)


async def _key() -> None:
    await run_db(lambda: keys_open().primary_id)


async def _redis() -> None:
    client = Redis.from_url(settings.REDIS_URL)
    try:
        await client.ping()
    finally:
        await client.aclose()


PROBES: dict[str, Callable[[], Awaitable[None]]] = {"database": _database, "key": _key, "redis": _redis}
