"""One health check from its row to its result: opens the profile where the login proved itself and compares.

A check that finds the profile signed out looks again before it says so, and one that cannot tell says that."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.utils import timezone

from flows.engine.browsers import Browsers
from flows.engine.contract import AuthCheck, BrowserSettings, ProfileState
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.marks import CheckResult
from flows.engine.verify import check
from flows.errors import ProxyNotFound
from flows.models import HealthCheck
from flows.runner.profiles import state_for_engine, state_load
from flows.runner.settings import browser_settings
from flows.services.checks import check_blocked, check_end
from vault.aio import run_db
from vault.errors import VaultError
from vault.use import Use

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 2.0
CHECK_SECONDS = 60.0
Result = HealthCheck.Result
Checker = Callable[[Browsers, BrowserSettings, ProfileState, AuthCheck], Awaitable[CheckResult]]


async def check_run(
    check_id: str, *, browsers: Browsers, checker: Checker = check, confirm_seconds: float = CONFIRM_SECONDS
) -> None:
    """Carry the check to its end; never raises for what a site or the vault does."""
    try:
        prepared = await run_db(_prepare, check_id)
        if prepared is None:
            return
        async with asyncio.timeout(CHECK_SECONDS):
            result = await checker(browsers, *prepared)
            if result == "logged_out":
                await asyncio.sleep(confirm_seconds)
                result = await checker(browsers, *prepared)
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


async def _end(check_id: str, result: HealthCheck.Result, reason: str) -> None:
    await run_db(check_end, check_id, result, now=timezone.now(), reason=reason)


def _prepare(check_id: str) -> tuple[BrowserSettings, ProfileState, AuthCheck] | None:
    """What the engine needs; None when the check is over already or can tell nothing."""
    row = HealthCheck.objects.select_related("connection").filter(pk=check_id, ended_at=None).first()
    if row is None:
        return None
    connection = row.connection
    blocked = check_blocked(row)
    use = Use(
        organization_id=row.organization_id,
        project_id=row.project_id,
        actor=f"check:{row.id}",
        connection_id=connection.id,
    )
    state = None if blocked else state_for_engine(state_load(connection.profile_id, use=use))
    if state is None:
        check_end(check_id, Result.INDETERMINATE, now=timezone.now(), reason=blocked or "the profile is empty")
        return None
    return browser_settings(connection, use=use), state, AuthCheck(**(connection.auth_check or {}))
