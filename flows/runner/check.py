"""One health check from its row to its result: opens the profile where the login proved itself and compares.

A check that finds the profile signed out looks again before it says so, and one that cannot tell says that. The
profile is held meanwhile, and what the site renewed is saved: rolling sessions live on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from flows.dispatch import flow_dispatch
from flows.engine.browsers import Browsers
from flows.engine.contract import AuthCheck, BrowserSettings, ProfileState
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.marks import CheckResult
from flows.engine.verify import examine
from flows.errors import ProxyNotFound
from flows.models import HealthCheck
from flows.runner.profiles import state_for_engine, state_from_engine, state_load, state_store
from flows.runner.settings import browser_settings
from flows.services.checks import check_blocked, check_end
from vault.aio import run_db
from vault.errors import VaultError
from vault.profiles import Lease, profile_lease, profile_release
from vault.use import Use

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 2.0
CHECK_SECONDS = 60.0
LEASE_SECONDS = 2 * CHECK_SECONDS
Result = HealthCheck.Result
Seen = tuple[CheckResult, ProfileState | None]
Checker = Callable[[Browsers, BrowserSettings, ProfileState, AuthCheck], Awaitable[Seen]]


@dataclass(frozen=True, slots=True)
class Job:
    """What the engine needs, and the profile as it was then."""

    profile_id: str
    base: dict[str, Any]
    settings: BrowserSettings
    state: ProfileState
    auth_check: AuthCheck


async def check_run(
    check_id: str, *, browsers: Browsers, checker: Checker = examine, confirm_seconds: float = CONFIRM_SECONDS
) -> None:
    """Carry the check to its end; never raises for what a site or the vault does."""
    try:
        async with _held(check_id) as lease:
            if lease is None:
                return
            job = await run_db(_prepare, check_id)
            if job is None:
                return
            async with asyncio.timeout(CHECK_SECONDS):
                result, left = await checker(browsers, job.settings, job.state, job.auth_check)
                if result == "logged_out":
                    await asyncio.sleep(confirm_seconds)
                    result, left = await checker(browsers, job.settings, job.state, job.auth_check)
            if left is not None:
                await run_db(_save, lease, job, left)
        reason = "the page could not be read" if result == "indeterminate" else ""
        await _end(check_id, Result(result), reason)
    except TimeoutError:
        await _end(check_id, Result.INDETERMINATE, "the site took too long")
    except (BrowserLost, BrowserUnavailable):
        await _end(check_id, Result.INDETERMINATE, "no browser")
    except ProxyNotFound as error:
        await _end(check_id, Result.INDETERMINATE, error.message)
    except VaultError as error:
        log.warning("the vault refused a check: %s", error.code, extra={"check_id": check_id})
        await _end(check_id, Result.INDETERMINATE, f"the vault refused: {error.code}")


@asynccontextmanager
async def _held(check_id: str) -> AsyncIterator[Lease | None]:
    """The right to write the profile while the block runs; None when the check is over or another writer has it."""
    lease = await run_db(_lease, check_id)
    try:
        yield lease
    finally:
        if lease is not None:
            await run_db(profile_release, lease)


def _lease(check_id: str) -> Lease | None:
    row = _running(check_id)
    if row is None:
        return None
    now = timezone.now()
    lease = profile_lease(row.connection.profile_id, holder=row.id, seconds=LEASE_SECONDS, now=now)
    if lease is None:
        check_end(check_id, Result.INDETERMINATE, now=now, reason="the profile is being written by another session")
    return lease


def _save(lease: Lease, job: Job, left: ProfileState) -> None:
    """Keep what the visit changed, if anything: a version for nothing would push out a good one."""
    if state_from_engine(left) != job.base:
        state_store(lease, base=job.base, captured=left, now=timezone.now())


async def _end(check_id: str, result: HealthCheck.Result, reason: str) -> None:
    ended = await run_db(check_end, check_id, result, now=timezone.now(), reason=reason)
    if ended is not None and ended.flow_id is not None:
        await run_db(flow_dispatch, ended.flow_id)


def _running(check_id: str) -> HealthCheck | None:
    rows = HealthCheck.objects.select_related("connection")
    return rows.filter(pk=check_id, ended_at=None).first()


def _prepare(check_id: str) -> Job | None:
    """None when the check is over already or can tell nothing."""
    row = _running(check_id)
    if row is None:
        return None
    connection = row.connection
    use = Use(
        organization_id=row.organization_id,
        project_id=row.project_id,
        actor=f"check:{row.id}",
        connection_id=connection.id,
    )
    blocked = check_blocked(row)
    base = None if blocked else state_load(connection.profile_id, use=use)
    state = state_for_engine(base) if base is not None else None
    if base is None or state is None:
        check_end(check_id, Result.INDETERMINATE, now=timezone.now(), reason=blocked or "the profile is empty")
        return None
    settings = browser_settings(connection, use=use)
    auth_check = AuthCheck(**(connection.auth_check or {}))
    return Job(connection.profile_id, base, settings, state, auth_check)
