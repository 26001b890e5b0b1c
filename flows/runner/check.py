"""One health check from its row to its result: a plain request where that is known to do, else a browser opens the
profile where the login proved itself and compares.

A check that finds the profile signed out looks again before it says so, and one that cannot tell says that. The
profile is held meanwhile, and what the site renewed is saved: rolling sessions live on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from django.conf import settings as django_settings
from django.utils import timezone

from flows.dispatch import flow_dispatch
from flows.engine.browsers import Browsers
from flows.engine.checking import Examined, examine, union
from flows.engine.contract import AuthCheck, BrowserSettings, ProfileState
from flows.engine.drivers import DRIVER_ERRORS
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.fetching import Answer, Expected, Fetcher, fetching, judge_answer, learn, storage_holds_tokens
from flows.errors import ProxyNotFound
from flows.models import HealthCheck
from flows.runner.profiles import state_for_engine, state_from_engine, state_load, state_store
from flows.runner.settings import browser_settings
from flows.services.checks import check_blocked, check_end, check_learned
from vault.aio import run_db
from vault.errors import VaultError
from vault.profiles import Lease, profile_lease, profile_release
from vault.use import Use

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 2.0
CHECK_SECONDS = 60.0
REQUEST_SECONDS = 15.0
LEASE_SECONDS = CHECK_SECONDS + 10  # shorter than a login that is done waits for it
BROWSER_TURN = 12  # one check of so many is made by a browser even where requests would do
NO_BROWSER: tuple[type[Exception], ...] = (*DRIVER_ERRORS, BrowserLost, BrowserUnavailable)
Result = HealthCheck.Result
Way = HealthCheck.Way
Checker = Callable[[Browsers, BrowserSettings, ProfileState, AuthCheck], Awaitable[Examined]]


@dataclass(frozen=True, slots=True)
class Job:
    """What the engine needs, and the profile as it was then."""

    profile_id: str
    base: dict[str, Any]
    settings: BrowserSettings
    state: ProfileState
    auth_check: AuthCheck
    last_login_at: datetime | None

    @property
    def expected(self) -> Expected:
        return Expected.from_json(self.auth_check.request)

    @property
    def asks_plainly(self) -> bool:
        """Whether requests are made for this profile at all."""
        return not self.expected.never and not storage_holds_tokens(self.state, self.auth_check.url)


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a check: what is to be said, saved and remembered."""

    result: Result
    way: Way
    reason: str = ""
    left: ProfileState | None = None
    auth_check: AuthCheck | None = None
    picture: bytes | None = field(default=None, repr=False)


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
                found = await look(check_id, job, browsers, checker, confirm_seconds)
            if found.left is not None:
                await run_db(_save, lease, job, found.left)
            if found.auth_check not in (None, job.auth_check):
                await run_db(_remember, check_id, job, found)
        await _end(check_id, found.result, found.reason, way=found.way, picture=found.picture)
    except TimeoutError:
        await _end(check_id, Result.INDETERMINATE, "the site took too long")
    except NO_BROWSER:
        await _end(check_id, Result.INDETERMINATE, "no browser")
    except ProxyNotFound as error:
        await _end(check_id, Result.INDETERMINATE, error.message)
    except VaultError as error:
        log.warning("the vault refused a check: %s", error.code, extra={"check_id": check_id})
        await _end(check_id, Result.INDETERMINATE, f"the vault refused: {error.code}")


async def look(check_id: str, job: Job, browsers: Browsers, checker: Checker, confirm_seconds: float) -> Found:
    """By request if that is enough, else by browser."""
    if job.asks_plainly and job.expected.usable and crc32(check_id.encode()) % BROWSER_TURN:
        found, job = await by_request(job)
        if found is not None:
            return found
    return await _by_browser(job, browsers, checker, confirm_seconds)


async def by_request(job: Job) -> tuple[Found | None, Job]:
    """`ok` or nothing; what the request changed, in the profile or in what is known, goes on to the browser."""
    expected = job.expected
    visited = await _visit(job, [dict(cookie) for cookie in job.state.storage.get("cookies", ())], expected.user_agent)
    if visited is None:
        return None, job
    answer, state = visited
    verdict = judge_answer(answer, expected)
    if verdict == "ok":
        return Found(Result.OK, Way.REQUEST, left=state), job
    if verdict == "refused":
        never = replace(expected, never="the site turns plain requests away", lasting=True)
        job = replace(job, auth_check=replace(job.auth_check, request=never.to_json()))
    return None, replace(job, state=union(job.state, state))


async def _by_browser(job: Job, browsers: Browsers, checker: Checker, confirm_seconds: float) -> Found:
    seen = await checker(browsers, job.settings, job.state, job.auth_check)
    state = job.state
    if seen.result == "logged_out":
        # From where the first look ended, or a token that it used up would not be good any more.
        state = union(state, seen.left) if seen.left is not None else state
        await asyncio.sleep(confirm_seconds)
        seen = await checker(browsers, job.settings, state, job.auth_check)
    learned = seen.learned or job.auth_check
    if seen.result == "ok":
        after, learned = await _taught(replace(job, state=seen.left or state, auth_check=learned), seen)
        return Found(Result.OK, Way.BROWSER, left=after, auth_check=learned)
    # What the site renewed is kept even where nothing can be told; what it took away stays until that is certain.
    kept = union(state, seen.left) if seen.left is not None else state
    left = kept if seen.result == "indeterminate" else None
    return Found(Result(seen.result), Way.BROWSER, seen.reason, left, learned, seen.picture)


async def _taught(job: Job, seen: Examined) -> tuple[ProfileState, AuthCheck]:
    """Where it is not known yet whether requests would do: one with the cookies and one without, compared with what
    the browser has just seen."""
    expected = job.expected
    if not job.asks_plainly or expected.usable or seen.seen is None:
        return job.state, job.auth_check
    cookies = [dict(cookie) for cookie in job.state.storage.get("cookies", ())]
    inside = await _visit(job, cookies, seen.user_agent)
    outside = await _visit(job, [], seen.user_agent) if inside is not None else None
    if inside is None or outside is None:
        return job.state, job.auth_check
    expected = learn(expected, inside=inside[0], outside=outside[0], browser=seen.seen, user_agent=seen.user_agent)
    return inside[1], replace(job.auth_check, request=expected.to_json())


async def _visit(job: Job, cookies: list[Any], user_agent: str) -> tuple[Answer, ProfileState] | None:
    """One request to the page of the check, and the profile with the cookies that it left."""
    try:
        async with (
            asyncio.timeout(REQUEST_SECONDS),
            fetching(job.settings, ssrf_allow=django_settings.SSRF_ALLOW) as fetcher,
        ):
            return await _fetched(fetcher, job, cookies, user_agent)
    except (TimeoutError, ValueError):
        return None


async def _fetched(
    fetcher: Fetcher, job: Job, cookies: list[Any], user_agent: str
) -> tuple[Answer, ProfileState] | None:
    visited = await fetcher.fetch(job.auth_check.url, cookies, user_agent=user_agent)
    if visited is None:
        return None
    answer, left = visited
    return answer, replace(job.state, storage={**job.state.storage, "cookies": left})


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


def _remember(check_id: str, job: Job, found: Found) -> None:
    if found.auth_check is not None:
        check_learned(check_id, found.auth_check.to_json(), since=job.last_login_at)


async def _end(
    check_id: str, result: HealthCheck.Result, reason: str, *, way: str = "", picture: bytes | None = None
) -> None:
    ended = await run_db(check_end, check_id, result, now=timezone.now(), reason=reason, way=way, picture=picture)
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
    return Job(
        connection.profile_id,
        base,
        browser_settings(connection, use=use),
        state,
        AuthCheck.from_json(connection.auth_check or {}),
        connection.last_login_at,
    )
