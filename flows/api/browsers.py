"""`/browsers`: each operation parses, calls services, waits for the worker where it must, and renders."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status

from flows.api.browser_options import (
    allowlist_change,
    new_session,
    profile_choice,
    proxy_option,
    start_url,
    telemetry_kept,
    update_check,
)
from flows.api.browser_schemas import BrowserCreate, BrowserOut, BrowserUpdate, Region
from flows.browser_wire import flow_browser_wire, session_wire
from flows.dispatch import browser_dispatch
from flows.errors import SessionConflict, SessionNotFound
from flows.live_links import LiveRight
from flows.models import BrowserSession, Flow
from flows.relay import relay_control
from flows.services.flows import flow_cancel
from flows.services.sessions import (
    BUSY_SECONDS,
    KIND,
    START_SECONDS,
    USE,
    Ending,
    State,
    session_change,
    session_create,
    session_end,
    session_get,
    session_list,
    session_profile_drop,
    session_profile_set,
    session_stop_request,
    session_unsaved,
    session_use_record,
)
from flows.wake import listening, wake
from vault.aio import run_db
from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.errors import RateLimited
from vault.principal import Principal

router = Router(tags=["browsers"])
STOP_SECONDS = 30.0
NOT_KEPT = "changes_not_saved"
_TAG = re.compile(r"tags\[(.*)\]")
_SHOWN: Any = {"exclude_none": True}


@router.post("", response={200: BrowserOut, REFUSED: Refusal}, summary="Start a browser", **_SHOWN)
async def create(request: HttpRequest, body: BrowserCreate) -> dict[str, Any]:
    """Answers when the browser runs and its profile is loaded."""
    principal = _allowed(request)
    session = await run_db(_create, principal, body, now=timezone.now())
    await run_db(browser_dispatch, session.id)
    found = await _wait(session.id, lambda row: row.state != State.STARTING, seconds=START_SECONDS)
    if found.state == State.STARTING:
        await run_db(session_end, session.id, Ending.FAILED, now=timezone.now(), problem="no worker had room")
        raise RateLimited("No worker had room for another browser in time", retry_after=BUSY_SECONDS)
    if not found.active:
        raise SessionConflict(f"The browser did not start: {found.problem}", code="browser_not_started")
    return session_wire(found, now=timezone.now())


@router.get("", response={200: list[BrowserOut], REFUSED: Refusal}, summary="List browsers", **_SHOWN)
def list_browsers(
    request: HttpRequest,
    response: HttpResponse,
    status: Literal["active", "deleted", "all"] | None = None,
    include_deleted: bool = False,
    query: str | None = None,
    region: Region | None = None,
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """`tags[key]=value` may be given any number of times; all must fit."""
    principal = _allowed(request)
    chosen = status or ("all" if include_deleted else "active")
    rows = session_list(principal, status=chosen, query=query, tags=_tags(request), region=region)
    now = timezone.now()
    return page(request, response, rows, limit, offset, lambda row: _shown(principal, row, now=now))


@router.get("/{id_or_name}", response={200: BrowserOut, REFUSED: Refusal}, summary="Retrieve a browser", **_SHOWN)
def retrieve(
    request: HttpRequest,
    id_or_name: str,
    include_deleted: bool = False,
    readOnly: bool = False,  # noqa: N803 - as in the addresses of live views
) -> dict[str, Any]:
    """The id of a running login (a connection's `browser_session_id`) is known here too. With `readOnly=true` the
    live view's address can be handed to somebody who is only to look."""
    principal = caller(request)
    now = timezone.now()
    flow = _flow(principal, id_or_name, now=now)
    if flow is not None:
        stealth = {**flow.connection.browser, **(flow.overrides.get("browser") or {})}.get("stealth") is not False
        return flow_browser_wire(flow, stealth=stealth, now=now)
    found = _find(principal, id_or_name, include_deleted=include_deleted)
    return _shown(principal, found, now=now, live=LiveRight.LOOK if readOnly else LiveRight.TYPE)


@router.patch("/{id_or_name}", response={200: BrowserOut, REFUSED: Refusal}, summary="Change a browser", **_SHOWN)
async def update(request: HttpRequest, id_or_name: str, body: BrowserUpdate) -> dict[str, Any]:
    """A profile can be loaded once; viewport, proxy, allowed hosts and page change at once."""
    principal = caller(request)
    session = await run_db(_running, principal, id_or_name)
    update_check(body)
    given = body.model_dump(exclude_unset=True)
    options: dict[str, Any] = {}
    proxy = await run_db(_proxy, principal, body)
    url = start_url(body.start_url)
    if proxy is not None:
        options["proxy"] = None if proxy.get("mode") else proxy
    if body.viewport is not None:
        options["viewport"] = body.viewport.model_dump(exclude_none=True, exclude={"force"})
    if url is not None:
        options["start_url"] = url
    if body.telemetry:
        options["telemetry"] = telemetry_kept(body.telemetry)
    profile = profile_choice(body.profile)
    allowlist = allowlist_change(body)
    named = (body.name or "") if "name" in given else None
    changed = await run_db(
        session_change, principal, session, name=named, tags=body.tags, options=options, allowlist=allowlist
    )
    if profile is not None:
        changed = await run_db(session_profile_set, principal, changed, profile, now=timezone.now())
    command: dict[str, Any] = {name: value for name, value in options.items() if name in ("viewport", "start_url")}
    if proxy is not None:
        command["proxy"] = proxy
    if allowlist is not None:
        command["network"] = True
    if profile is not None:
        command["profile"] = True
    if command:
        try:
            await relay_control(changed, command)
        except SessionConflict:
            if profile is not None:
                await run_db(session_profile_drop, changed)
            raise
    return await run_db(_shown_id, principal, session.id)


@router.delete("/{id_or_name}", response={204: None, REFUSED: Refusal}, summary="End a browser")
async def delete(request: HttpRequest, id_or_name: str) -> Status[None]:
    """Answers when the browser is gone and its changes are saved, if they were to be. When they could not be saved,
    the browser is gone all the same and the answer is a 409 (`changes_not_saved`). A running login is canceled."""
    principal = caller(request)
    now = timezone.now()
    flow = await run_db(_flow, principal, id_or_name, now=now)
    if flow is not None:
        await run_db(flow_cancel, flow.id, now=now)
        await wake(flow.id)
        return Status(204, None)
    session = await run_db(_find, principal, id_or_name)
    await run_db(session_stop_request, session, now=now)
    await wake(session.id)
    ended = await _wait(session.id, lambda row: not row.active, seconds=STOP_SECONDS)
    if ended.active:
        await run_db(session_end, session.id, Ending.LOST, now=timezone.now(), problem="its worker did not answer")
        ended = await run_db(BrowserSession.objects.get, pk=session.id)
    if session_unsaved(ended):
        raise SessionConflict(f"The browser is gone, but its changes were not saved: {ended.problem}", code=NOT_KEPT)
    return Status(204, None)


def _allowed(request: HttpRequest) -> Principal:
    principal = caller(request)
    principal.require(USE, kind=KIND)
    return principal


def _find(principal: Principal, id_or_name: str, *, include_deleted: bool = False) -> BrowserSession:
    session = session_get(principal, id_or_name, include_deleted=include_deleted)
    principal.require(USE, kind=KIND, record_id=session.id)
    return session


def _create(principal: Principal, body: BrowserCreate, *, now: datetime) -> BrowserSession:
    return session_create(principal, new_session(principal, body), now=now)


def _running(principal: Principal, id_or_name: str) -> BrowserSession:
    session = _find(principal, id_or_name)
    if session.state != State.RUNNING:
        raise SessionConflict("The browser is not running yet", code="browser_gone")
    return session


def _proxy(principal: Principal, body: BrowserUpdate) -> dict[str, Any] | None:
    """The proxy to change to; a mode means none, since this installation has no proxies of its own."""
    if body.disable_default_proxy is not None and body.proxy is None and body.proxy_id is None:
        return {"mode": "direct" if body.disable_default_proxy else "default"}
    return proxy_option(principal, body.proxy, body.proxy_id)


def _shown(
    principal: Principal, session: BrowserSession, *, now: datetime, live: LiveRight = LiveRight.TYPE
) -> dict[str, Any]:
    if session.active:
        session_use_record(session, actor=principal.actor, action="browser.address")
    return session_wire(session, now=now, live=live)


def _shown_id(principal: Principal, session_id: str) -> dict[str, Any]:
    return _shown(principal, session_get(principal, session_id, include_deleted=True), now=timezone.now())


def _flow(principal: Principal, flow_id: str, *, now: datetime) -> Flow | None:
    """A login that has a browser now."""
    rows = Flow.objects.for_principal(principal).select_related("connection__profile")
    flow: Flow | None = rows.filter(pk=flow_id, attempt__gt=0).first() if flow_id.startswith("flow_") else None
    if flow is None or flow.status_at(now) != "IN_PROGRESS":
        return None
    principal.require(USE, kind=KIND, record_id=flow.id)
    return flow


def _tags(request: HttpRequest) -> dict[str, str]:
    found = ((_TAG.fullmatch(name), value) for name, value in request.GET.items())
    return {match[1]: str(value) for match, value in found if match}


async def _wait(session_id: str, done: Callable[[BrowserSession], bool], *, seconds: float) -> BrowserSession:
    """The row once it is `done`, or as it is after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    async with listening(session_id) as listener:
        while True:
            session: BrowserSession | None = await run_db(_row, session_id)
            if session is None:
                raise SessionNotFound("No such browser")
            left = deadline - asyncio.get_running_loop().time()
            if done(session) or left <= 0:
                return session
            await listener.wait(min(1.0, left))


def _row(session_id: str) -> BrowserSession | None:
    return BrowserSession.objects.select_related("profile").filter(pk=session_id).first()
