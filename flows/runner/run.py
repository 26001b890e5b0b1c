"""One flow from claim to end: claims it, lets the engine log in, stores what came out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from flows.engine.browsers import Browsers
from flows.engine.contract import (
    AuthCheck,
    ErrorCode,
    Failed,
    FlowStopped,
    Host,
    LoggedIn,
    LoginRequest,
    Outcome,
    ProfileState,
)
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.login import login
from flows.errors import ProxyNotFound
from flows.models import Connection, ConnectionStatus, Flow
from flows.runner.check import Job as Look
from flows.runner.healthy import signed_in_still
from flows.runner.host import FlowHost
from flows.runner.live import LiveViews
from flows.runner.profiles import lease_take, state_for_engine, state_load, state_store
from flows.runner.screens import recorded
from flows.runner.settings import browser_settings
from flows.services.flows import (
    Claim,
    connection_authenticated,
    flow_claim,
    flow_end,
    flow_move,
    flow_release,
    flow_renew,
)
from flows.services.plans import check_of, plan_doubt, plan_of, plan_store
from flows.services.reauth import flow_requirements
from flows.services.replays import replay_start_of_login
from flows.services.values import use_of, values_save, values_usable
from flows.transitions import FlowInput
from flows.wake import listening, wake
from vault.aio import run_db
from vault.errors import VaultError
from vault.profiles import Lease, profile_release

log = logging.getLogger(__name__)

PROFILE_WAIT_SECONDS = 75  # for another writer of the same profile, a health check at most, to finish
BROWSER_TRIES = 2


@dataclass(frozen=True, slots=True)
class Job:
    """What the engine is asked, and the profile as it was then."""

    request: LoginRequest
    profile_id: str
    base: dict[str, Any]
    look: Look | None = None  # to be had before any login
    landed: str = ""


Looker = Callable[[Browsers, Look, str], Awaitable[LoggedIn | ProfileState]]
Engine = Callable[[Browsers, LoginRequest, Host], Awaitable[Outcome]]


async def flow_run(
    flow_id: str,
    *,
    browsers: Browsers,
    holder: str,
    engine: Engine = login,
    looker: Looker = signed_in_still,
    views: LiveViews | None = None,
) -> None:
    """Carry the flow to its end. Returns at once when another worker holds it. In `views` it can be looked at."""
    views = views or LiveViews()
    claim = await run_db(flow_claim, flow_id, holder=holder, address=views.address, now=timezone.now())
    await wake(flow_id)
    if claim is None:
        return
    try:
        async with listening(flow_id) as listener, _lease_kept(claim) as hold:
            replay = await run_db(replay_start_of_login, flow_id, now=timezone.now())
            with views.shown(flow_id) as live:
                host = FlowHost(claim, listener=listener, live=live)
                async with recorded(live, replay):
                    await _carry(claim, partial(engine, browsers), host, partial(looker, browsers), hold)
    except asyncio.CancelledError:
        # This worker stops, or the flow ended or moved on; then there is nothing to let go of.
        await run_db(flow_release, claim, now=timezone.now())
        raise
    finally:
        await wake(flow_id)


@dataclass(slots=True)
class _Hold:
    """`ending`: all that is left is to write down how it ended, which makes the flow nobody's."""

    ending: bool = False


@asynccontextmanager
async def _lease_kept(claim: Claim) -> AsyncIterator[_Hold]:
    """Renew the hold while the block runs; cancel the block when the flow is no longer ours."""
    carrying = asyncio.current_task()
    hold = _Hold()

    async def keep() -> None:
        while True:
            await asyncio.sleep(settings.FLOW_LEASE_SECONDS / 3)
            if not await run_db(flow_renew, claim, now=timezone.now()):
                if carrying is not None and not hold.ending:
                    carrying.cancel("the flow ended or moved to another worker")
                return

    keeper = asyncio.create_task(keep(), name=f"lease {claim.flow_id}")
    try:
        yield hold
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


LookOnce = Callable[[Look, str], Awaitable[LoggedIn | ProfileState]]
Attempt = Callable[[LoginRequest, Host], Awaitable[Outcome]]


async def _carry(claim: Claim, attempt: Attempt, host: FlowHost, look: LookOnce, hold: _Hold) -> None:
    try:
        job = await run_db(_job, claim.flow_id)
        left = (job.request.deadline - timezone.now()).total_seconds() if job.request.deadline else None
        async with asyncio.timeout(left):
            try:
                job, signed_in = await _looked(job, look)
                outcome = signed_in or await _login(job, attempt, host)
            finally:
                hold.ending = True
            await _finish(claim, job, outcome)
    except FlowStopped as stop:
        await _end_stopped(claim, stop.code)
    except TimeoutError:
        await _end_stopped(claim, ErrorCode.FLOW_EXPIRED)
    except VaultError as error:
        log.warning("the vault refused: %s", error.code, extra={"flow_id": claim.flow_id})
        await _fail(claim, Failed(ErrorCode.INTERNAL_ERROR, f"The vault refused: {error.code}"))
    except ProxyNotFound as error:
        await _fail(claim, Failed(ErrorCode.SITE_UNREACHABLE, error.message))
    except BrowserUnavailable as error:
        log.error("no browser: %s", error, extra={"flow_id": claim.flow_id})
        await _fail(claim, Failed(ErrorCode.INTERNAL_ERROR, "No browser could be started on this installation."))
    except Exception as error:  # the last line: a flow never hangs because of our mistake
        # The message of an unknown exception may quote the page or a value: only its type is logged.
        log.error("flow ended by %s", where(error), extra={"flow_id": claim.flow_id})
        await _fail(claim, Failed(ErrorCode.INTERNAL_ERROR, "The login failed because of an internal error."))


def where(error: BaseException) -> str:
    """Type and innermost line of an exception, without its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {place}"


async def _looked(job: Job, look: LookOnce) -> tuple[Job, LoggedIn | None]:
    """Whether the profile is signed in still; the login goes on from where the look left it."""
    if job.look is None:
        return job, None
    found = await look(job.look, job.landed)
    if isinstance(found, LoggedIn):
        return job, found
    return replace(job, request=replace(job.request, state=found)), None


async def _login(job: Job, attempt: Attempt, host: FlowHost) -> Outcome:
    """A browser that dies is replaced once; what was typed counts as sent."""
    for last in range(1, BROWSER_TRIES + 1):
        try:
            return await attempt(job.request, host)
        except BrowserLost:
            log.warning("browser lost", extra={"flow_id": host.claim.flow_id})
            if last == BROWSER_TRIES:
                break
            job = await run_db(_job, host.claim.flow_id)
    return Failed(ErrorCode.INTERNAL_ERROR, "The browser stopped working twice.")


def _job(flow_id: str) -> Job:
    flow = Flow.objects.select_related("connection__credential").get(pk=flow_id)
    connection = flow.connection
    base = state_load(connection.profile_id, use=use_of(flow))
    usable = values_usable(flow)
    request = LoginRequest(
        domain=connection.domain,
        login_url=connection.login_url or None,
        settings=browser_settings(connection, flow.overrides.get("browser"), use=use_of(flow)),
        allowed_domains=tuple(connection.allowed_domains),
        consented_origins=tuple(connection.consented_origins),
        known=usable.known,
        rejected=usable.rejected,
        sso_provider=(connection.credential.sso_provider or None) if connection.credential else None,
        state=state_for_engine(base),
        verify=settings.VERIFY_LOGINS,
        deadline=flow.expires_at,
        plan=plan_of(flow),
        check=check_of(flow),
    )
    return Job(
        request=request,
        profile_id=connection.profile_id,
        base=base,
        look=_look(connection, request, base) if flow.attempt == 1 else None,
        landed=connection.post_login_url,
    )


def _look(connection: Connection, request: LoginRequest, base: dict[str, Any]) -> Look | None:
    """How to see that a connection which counts as signed in is so."""
    if connection.status != ConnectionStatus.AUTHENTICATED or not connection.auth_check or request.state is None:
        return None
    return Look(
        profile_id=connection.profile_id,
        base=base,
        settings=request.settings,
        state=request.state,
        auth_check=AuthCheck.from_json(connection.auth_check),
        last_login_at=connection.last_login_at,
    )


async def _finish(claim: Claim, job: Job, outcome: Outcome) -> None:
    if isinstance(outcome, Failed):
        await _fail(claim, outcome)
        return
    lease = await _profile_lease(job.profile_id, holder=claim.flow_id)
    if lease is None:
        await _fail(claim, Failed(ErrorCode.INTERNAL_ERROR, "The profile is being written by another session."))
        return
    try:
        await run_db(_store, claim, job, outcome, lease, now=timezone.now())
    finally:
        await run_db(profile_release, lease)


async def _profile_lease(profile_id: str, *, holder: str) -> Lease | None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PROFILE_WAIT_SECONDS):
            while True:
                lease = await run_db(lease_take, profile_id, holder=holder, now=timezone.now())
                if lease is not None:
                    return lease
                await asyncio.sleep(0.2)
    return None


def _store(claim: Claim, job: Job, outcome: LoggedIn, lease: Lease, *, now: datetime) -> None:
    """Profile, credential, connection and flow change together or not at all."""
    with transaction.atomic():
        flow = Flow.objects.select_related("connection__credential", "connection__profile").get(pk=claim.flow_id)
        values_save(flow, given=outcome.given, name=f"{flow.connection.domain} {flow.connection_id}")
        moved = flow_move(
            claim.flow_id,
            FlowInput.SUCCEED,
            now=now,
            attempt=claim.attempt,
            post_login_url=outcome.post_login_url[:4096],
            website_error="",
        )
        if not moved:
            transaction.set_rollback(True)
            return
        state_store(lease, base=job.base, captured=outcome.state, now=now)
        plan_store(flow, outcome.plan)
        check = outcome.check
        connection_authenticated(
            flow,
            now=now,
            post_login_url=outcome.post_login_url,
            auth_check=check.to_json() if check is not None else None,
            requirements=(
                flow_requirements(flow, used=outcome.stored | outcome.given, passkey=outcome.passkey).to_json()
                if outcome.stored or outcome.given or outcome.passkey
                else None
            ),
        )


async def _fail(claim: Claim, failed: Failed) -> None:
    await run_db(plan_doubt, claim.flow_id, failed.code)
    await run_db(
        flow_end,
        claim.flow_id,
        FlowInput.FAIL,
        now=timezone.now(),
        attempt=claim.attempt,
        code=failed.code,
        message=failed.message,
        website_error=failed.website_error,
        picture=failed.picture,
    )


async def _end_stopped(claim: Claim, code: ErrorCode) -> None:
    """An interaction or the flow ran out of time; a canceled or lost flow was already ended by somebody else."""
    if code is ErrorCode.FLOW_EXPIRED:
        await run_db(
            flow_end,
            claim.flow_id,
            FlowInput.EXPIRE,
            now=timezone.now(),
            attempt=claim.attempt,
            code=code,
        )
