"""`/auth/connections`: each operation parses, calls one service or selector, and renders."""

from functools import partial
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja import Router, Status

from flows.api.options import browser_options
from flows.api.schemas import (
    ConnectionCreate,
    ConnectionUpdate,
    ExchangeBody,
    Exchanged,
    LoginOptions,
    LoginStarted,
    ManagedAuth,
    SubmitAccepted,
    SubmitBody,
    TimelineEvent,
)
from flows.dispatch import check_dispatch, flow_dispatch, icon_dispatch
from flows.errors import ConnectionNotFound, NotAwaitingInput
from flows.links import handoff_code, hosted_url
from flows.live_links import LiveRight, live_url
from flows.models import Connection, Flow
from flows.selectors import connection_get, connection_state, connection_states, connections_list, flow_latest
from flows.services.checks import check_begin
from flows.services.connections import (
    ConnectionChanges,
    NewConnection,
    connection_create,
    connection_delete,
    connection_update,
)
from flows.services.exchange import code_exchange
from flows.services.flows import flow_cancel
from flows.services.icons import icon_wanted
from flows.services.logins import login_start
from flows.services.once import once
from flows.services.submissions import submission_accept
from flows.sse import flow_stream
from flows.submissions import Submission
from flows.timeline import EventType, timeline_events, timeline_rows
from flows.transitions import LIVE
from flows.wake import wake_sync
from vault.aio import run_db
from vault.api.paging import page
from vault.api.schemas import REFUSED, Refusal
from vault.principal import Principal

router = Router(tags=["auth connections"])


# Members of an update that are passed on as they came.
UNTOUCHED = (
    "login_url",
    "allowed_domains",
    "save_credentials",
    "health_checks",
    "health_check_interval",
    "auto_reauth",
    "record_session",
)
# What the npm package says of itself: up to its present version it has no `interaction_id` to read or to send.
SDK_WITHOUT_INTERACTIONS = "js"
WITHHELD = frozenset({"hosted_url", "live_view_url", "credential"})
READ, WRITE, LOGIN = "connections:read", "connections:write", "connections:login"


def _principal(request: HttpRequest, action: str, connection_id: str = "*") -> Principal:
    """The caller, once the key's policy allows it `action`."""
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the authentication
    principal.require(action, kind="connections", record_id=connection_id)
    return principal


def _participant(request: HttpRequest, action: str, connection_id: str) -> Principal:
    """The caller, who may also be the component that has this connection's login in hand."""
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the authentication
    if not principal.flow_id:
        return _principal(request, action, connection_id)
    if not Flow.objects.for_principal(principal).filter(pk=principal.flow_id, connection_id=connection_id).exists():
        raise ConnectionNotFound("No such connection")
    return principal


def _state(connection: Connection, live: LiveRight | None = None) -> dict[str, Any]:
    return connection_state(connection, flow_latest(connection), now=timezone.now(), live=live)


def _live_right(principal: Principal, connection_id: str) -> LiveRight:
    """Who may log in may act in the live view; who may read may look."""
    resource = f"projects/{principal.project_id}/connections/{connection_id}"
    return LiveRight.TYPE if principal.policy.allows(action=LOGIN, resource=resource) else LiveRight.LOOK


def _state_for(principal: Principal, connection: Connection) -> dict[str, Any]:
    """A component sees its own flow, without what leads elsewhere."""
    if not principal.flow_id:
        return _state(connection, _live_right(principal, connection.id))
    flow = Flow.objects.for_principal(principal).get(pk=principal.flow_id)
    state = connection_state(connection, flow, now=timezone.now())
    return {name: value for name, value in state.items() if name not in WITHHELD}


def _once_key(request: HttpRequest) -> str:
    return request.headers.get("Idempotency-Key", "")


@router.post("", response={201: ManagedAuth, REFUSED: Refusal}, exclude_unset=True, summary="Create a connection")
def create(request: HttpRequest, body: ConnectionCreate) -> Status[dict[str, Any]]:
    principal = _principal(request, WRITE)
    new = NewConnection(
        domain=body.domain,
        profile_name=body.profile_name,
        login_url=body.login_url or "",
        allowed_domains=body.allowed_domains,
        credential=body.credential.model_dump(exclude_unset=True) if body.credential else None,
        save_credentials=body.save_credentials,
        health_checks=body.health_checks,
        health_check_interval=body.health_check_interval,
        auto_reauth=body.auto_reauth,
        record_session=body.record_session,
        browser=browser_options(principal, body.browser, body.proxy) or {},
        telemetry=body.browser_telemetry,
    )
    now = timezone.now()
    connection, _ = once(
        principal,
        _once_key(request),
        scope="create",
        body=body.model_dump(),
        now=now,
        first=partial(connection_create, principal, new, ssrf_allow=settings.SSRF_ALLOW, now=now),
        name=attrgetter("id"),
        again=partial(connection_get, principal),
    )
    return Status(201, _state(connection))


@router.get("", response={200: list[ManagedAuth], REFUSED: Refusal}, exclude_unset=True, summary="List connections")
def list_connections(
    request: HttpRequest,
    response: HttpResponse,
    domain: str | None = None,
    profile_name: str | None = None,
    query: str | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[dict[str, Any]]:
    rows = connections_list(_principal(request, READ), domain=domain, profile_name=profile_name, query=query)
    found = page(request, response, rows, limit, offset, lambda row: row)
    return connection_states(found, now=timezone.now())


@router.get(
    "/{connection_id}",
    response={200: ManagedAuth, REFUSED: Refusal},
    exclude_unset=True,
    summary="Retrieve a connection",
)
def retrieve(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    principal = _participant(request, READ, connection_id)
    return _state_for(principal, connection_get(principal, connection_id))


@router.patch(
    "/{connection_id}", response={200: ManagedAuth, REFUSED: Refusal}, exclude_unset=True, summary="Change a connection"
)
def update(request: HttpRequest, connection_id: str, body: ConnectionUpdate) -> dict[str, Any]:
    """In effect from the next use of the connection on: login, re-authentication or health check."""
    principal = _principal(request, WRITE, connection_id)
    connection = connection_get(principal, connection_id)
    changes = ConnectionChanges(
        **body.model_dump(include=set(UNTOUCHED), exclude_unset=True),
        credential=body.credential.model_dump(exclude_unset=True) if body.credential else None,
        browser=browser_options(principal, body.browser, body.proxy),
        telemetry=body.browser_telemetry,
        telemetry_given="browser_telemetry" in body.model_fields_set,
    )
    return _state(connection_update(principal, connection, changes, ssrf_allow=settings.SSRF_ALLOW, now=timezone.now()))


@router.delete("/{connection_id}", response={204: None, REFUSED: Refusal}, summary="Delete a connection")
def delete(request: HttpRequest, connection_id: str) -> Status[None]:
    principal = _principal(request, WRITE, connection_id)
    stopped = connection_delete(principal, connection_get(principal, connection_id), now=timezone.now())
    for flow_id in stopped:
        wake_sync(flow_id)
    return Status(204, None)


@router.post(
    "/{connection_id}/login",
    response={200: LoginStarted, REFUSED: Refusal},
    exclude_unset=True,
    summary="Start or join a login",
)
def login(request: HttpRequest, connection_id: str, body: LoginOptions | None = None) -> dict[str, Any]:
    principal = _principal(request, LOGIN, connection_id)
    connection = connection_get(principal, connection_id)
    now = timezone.now()
    overrides = _overrides(principal, body)
    (flow, new), first = once(
        principal,
        _once_key(request),
        scope=f"login {connection.id}",
        body=overrides,
        now=now,
        first=partial(login_start, connection, overrides, now=now),
        name=lambda started: str(started[0].id),
        again=lambda flow_id: (Flow.objects.for_principal(principal).get(pk=flow_id), False),
    )
    if new and first:
        flow_dispatch(flow.id)
        if icon_wanted(connection, now=now):
            icon_dispatch(connection.id)
    live_view_url = live_url(flow, LiveRight.TYPE, now=now)
    return {
        "id": connection.id,
        "flow_expires_at": flow.expires_at,
        "flow_type": flow.type,
        "hosted_url": hosted_url(flow),
        "handoff_code": handoff_code(flow_id=flow.id, generation=flow.generation),
    } | ({"live_view_url": live_view_url} if live_view_url else {})


def _overrides(principal: Principal, body: LoginOptions | None) -> dict[str, Any]:
    """This login's own options; what is absent is the connection's."""
    if body is None:
        return {}
    given = body.model_dump(include={"browser_telemetry", "record_session", "skill_mode"}, exclude_unset=True)
    browser = browser_options(principal, body.browser, body.proxy)
    return {name: value for name, value in {**given, "browser": browser}.items() if value is not None}


@router.post(
    "/{connection_id}/submit", response={200: SubmitAccepted, REFUSED: Refusal}, summary="Submit values or a choice"
)
def submit(request: HttpRequest, connection_id: str, body: SubmitBody) -> dict[str, Any]:
    principal = _participant(request, LOGIN, connection_id)
    connection = connection_get(principal, connection_id)
    given = body.model_dump()
    now = timezone.now()
    flow, _ = once(
        principal,
        _once_key(request),
        scope=f"submit {connection.id}",
        body=given,
        now=now,
        first=partial(
            submission_accept,
            connection,
            Submission(**given),
            now=now,
            flow_id=principal.flow_id or None,
            interaction_required=request.headers.get("X-Stainless-Lang") != SDK_WITHOUT_INTERACTIONS,
        ),
        name=attrgetter("id"),
        again=lambda flow_id: Flow.objects.for_principal(principal).get(pk=flow_id),
    )
    wake_sync(flow.id)
    return {"accepted": True}


@router.post(
    "/{connection_id}/exchange",
    response={200: Exchanged, REFUSED: Refusal},
    auth=None,
    summary="Exchange a login's one-time code for a token",
)
def exchange(request: HttpRequest, connection_id: str, body: ExchangeBody) -> dict[str, Any]:
    """For embeddable components: the token is good for `GET` and `/submit` of this login, and ends with it. The code
    is spent, on the hosted page too."""
    return {"jwt": code_exchange(connection_id, body.code, address=request.META.get("REMOTE_ADDR", ""))}


@router.post(
    "/{connection_id}/cancel",
    response={200: ManagedAuth, REFUSED: Refusal},
    exclude_unset=True,
    summary="Cancel the login",
)
def cancel(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    connection = connection_get(_principal(request, LOGIN, connection_id), connection_id)
    flow = Flow.objects.filter(connection=connection, state__in=LIVE).first()
    if flow is None or not flow_cancel(flow.id, now=timezone.now()):
        raise NotAwaitingInput("No login is in progress", code="no_flow_in_progress")
    wake_sync(flow.id)
    return _state(connection)


@router.post(
    "/{connection_id}/health_check",
    response={202: ManagedAuth, REFUSED: Refusal},
    exclude_unset=True,
    summary="Check whether the profile is still signed in",
)
def health_check(request: HttpRequest, connection_id: str) -> Status[dict[str, Any]]:
    """The check runs in the background; its result is in the connection and in its timeline."""
    connection = connection_get(_principal(request, LOGIN, connection_id), connection_id)
    check, new = check_begin(connection, now=timezone.now())
    if new:
        check_dispatch(check.id)
    return Status(202, _state(connection))


@router.get(
    "/{connection_id}/timeline",
    response={200: list[TimelineEvent], REFUSED: Refusal},
    exclude_unset=True,
    summary="Logins, re-authentications and health checks, newest first",
)
def timeline(
    request: HttpRequest,
    response: HttpResponse,
    connection_id: str,
    type: EventType | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[dict[str, Any]]:
    connection = connection_get(_principal(request, READ, connection_id), connection_id)
    keys = page(request, response, timeline_rows(connection, type=type), limit, offset, dict)
    return timeline_events(keys)


@router.get(
    "/{connection_id}/events", summary="Follow the login (server-sent events)", response={200: None, REFUSED: Refusal}
)
async def events(request: HttpRequest, connection_id: str) -> StreamingHttpResponse:
    connection = await run_db(connection_get, _principal(request, READ, connection_id), connection_id)
    flow = await run_db(flow_latest, connection)
    if flow is None:
        raise NotAwaitingInput("No login was started: call login first", code="no_flow_in_progress")
    response = StreamingHttpResponse(
        flow_stream(flow.id, after=_last_event_id(request)), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _last_event_id(request: HttpRequest) -> int:
    value = request.headers.get("Last-Event-ID", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
