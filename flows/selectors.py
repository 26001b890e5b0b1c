"""Reading connections and their state for the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from flows.errors import ConnectionNotFound
from flows.links import hosted_url
from flows.live_links import LiveRight, live_url
from flows.models import Connection, Flow, FlowEvent, Interaction
from flows.readiness import connection_can_reauth, connection_names
from flows.transitions import FlowState
from flows.wire import flow_wire
from vault.credentials import credentials_names
from vault.principal import Principal


def connection_get(principal: Principal, connection_id: str) -> Connection:
    """Raises `ConnectionNotFound`, also for another tenant's."""
    rows = Connection.objects.for_principal(principal).select_related("profile", "credential")
    connection: Connection | None = rows.filter(pk=connection_id).first()
    if connection is None:
        raise ConnectionNotFound("No such connection")
    return connection


def connections_list(
    principal: Principal, *, domain: str | None, profile_name: str | None, query: str | None
) -> QuerySet[Any]:
    rows = Connection.objects.for_principal(principal).select_related("profile", "credential")
    if domain:
        rows = rows.filter(domain=domain.lower())
    if profile_name:
        rows = rows.filter(profile__name=profile_name)
    if query:
        rows = rows.filter(Q(pk=query) | Q(domain__icontains=query) | Q(profile__name__icontains=query))
    return rows.order_by("-created_at", "pk")


def flow_latest(connection: Connection) -> Flow | None:
    return Flow.objects.filter(connection=connection).order_by("-created_at", "-pk").first()


def flow_interaction(flow: Flow | None) -> Interaction | None:
    """What the flow asks now. A flow that moved on between the two looks is read again, so that nobody is told that it
    waits for nothing."""
    while flow is not None and flow.waiting:
        asked = Interaction.objects.filter(flow=flow, state=Interaction.State.OPEN).first()
        read_at = flow.updated_at
        if asked is not None:
            return asked
        flow.refresh_from_db()
        if flow.updated_at == read_at:
            break
    return None


def flow_state(flow: Flow, *, now: datetime, live: LiveRight | None = None) -> dict[str, Any]:
    """The flow's members of a connection or a state event, links included while it is live."""
    state = flow_wire(flow, flow_interaction(flow), now=now)
    return with_links(flow, state, now=now, live=live)


def with_links(flow: Flow, state: dict[str, Any], *, now: datetime, live: LiveRight | None = None) -> dict[str, Any]:
    """`live` is the right that the live view's address gives; without one there is no address."""
    if state["flow_status"] != "IN_PROGRESS":
        return state
    live_view_url = live_url(flow, live, now=now) if live is not None else ""
    return {**state, "hosted_url": hosted_url(flow)} | ({"live_view_url": live_view_url} if live_view_url else {})


def events_after(flow: Flow, event_id: int) -> list[FlowEvent]:
    return list(FlowEvent.objects.filter(flow=flow, pk__gt=event_id).order_by("pk")[:200])


def event_last(flow: Flow) -> FlowEvent | None:
    return FlowEvent.objects.filter(flow=flow).order_by("-pk").first()


def connection_state(
    connection: Connection, flow: Flow | None, *, now: datetime, live: LiveRight | None = None
) -> dict[str, Any]:
    """The wire's ManagedAuth; absent optional members are left out."""
    return _state(connection, flow, flow_interaction(flow), connection_names(connection), now=now, live=live)


def connection_states(connections: Sequence[Connection], *, now: datetime) -> list[dict[str, Any]]:
    """As `connection_state` of each with its latest flow, in a few queries however many there are."""
    latest = Flow.objects.filter(connection=OuterRef("pk")).order_by("-created_at", "-pk").values("pk")[:1]
    ids = Connection.objects.filter(pk__in=[connection.pk for connection in connections])
    flows = Flow.objects.filter(pk__in=ids.annotate(latest=Subquery(latest)).values("latest"))
    by_connection = {flow.connection_id: flow for flow in flows}
    waiting = [flow.pk for flow in by_connection.values() if flow.waiting]
    pauses = Interaction.objects.filter(flow__in=waiting, state=Interaction.State.OPEN) if waiting else ()
    by_flow = {pause.flow_id: pause for pause in pauses}
    names = credentials_names([item.credential for item in connections if item.credential is not None])
    states = []
    for connection in connections:
        flow = by_connection.get(connection.pk)
        pause = (by_flow.get(flow.pk) or flow_interaction(flow)) if flow is not None else None
        states.append(_state(connection, flow, pause, names.get(connection.credential_id or ""), now=now))
    return states


def _state(
    connection: Connection,
    flow: Flow | None,
    interaction: Interaction | None,
    names: frozenset[str] | None,
    *,
    now: datetime,
    live: LiveRight | None = None,
) -> dict[str, Any]:
    """`names` are what the connection's credential holds, nothing without one."""
    _catch_up(connection, flow)
    state: dict[str, Any] = {
        "id": connection.id,
        "domain": connection.domain,
        "profile_name": connection.profile.name or connection.profile_id,
        "record_session": connection.record_session,
        "save_credentials": connection.save_credentials,
        "status": connection.status,
        "allowed_domains": connection.allowed_domains,
        "auto_reauth": connection.auto_reauth,
        "health_check_interval": connection.health_check_interval,
        "health_checks": connection.health_checks,
        "browser": {"stealth": True, **connection.browser},
        **reauth_state(connection, names),
    }
    optional = {
        "login_url": connection.login_url,
        "post_login_url": connection.post_login_url,
        "browser_telemetry": connection.telemetry,
        "proxy_id": connection.browser.get("proxy", {}).get("id"),
        "sso_provider": connection.credential.sso_provider if connection.credential else "",
        "credential": credential_reference(connection),
        "last_auth_at": connection.last_auth_check_at,
        "last_auth_check_at": connection.last_auth_check_at,
    }
    if connection.last_login_at and connection.health_checks and not connection.auth_check:
        optional["health_check_unavailable_reason"] = "no_auth_check_url"
    state |= {name: value for name, value in optional.items() if value not in (None, "")}
    if flow is not None:
        state |= with_links(flow, flow_wire(flow, interaction, now=now), now=now, live=live)
        if flow.status_at(now) == "IN_PROGRESS":
            state["flow_expires_at"] = flow.expires_at
            if flow.attempt:  # a worker took it, so there is a browser
                state["browser_session_id"] = flow.id
    return state


def _catch_up(connection: Connection, flow: Flow | None) -> None:
    """The connection was read first: nobody is told that a login succeeded and that it is still needed."""
    if flow is not None and flow.state == FlowState.SUCCESS and flow.ended_at and connection.updated_at < flow.ended_at:
        connection.refresh_from_db()


def credential_reference(connection: Connection) -> dict[str, Any] | None:
    if connection.credential is not None:
        return {"name": connection.credential.name}
    return connection.credential_source


def reauth_state(connection: Connection, names: frozenset[str] | None) -> dict[str, Any]:
    """Whether an unattended login may be tried, and why."""
    allowed, reason = connection_can_reauth(connection, names)
    return {"can_reauth": allowed, "can_reauth_reason": reason}
