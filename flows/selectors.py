"""Reading connections and their state for the wire."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from flows.errors import ConnectionNotFound
from flows.links import hosted_url
from flows.models import Connection, Flow, FlowEvent, Interaction
from flows.readiness import connection_can_reauth
from flows.wire import flow_wire
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
    if flow is None or not flow.waiting:
        return None
    return Interaction.objects.filter(flow=flow, state=Interaction.State.OPEN).first()


def flow_state(flow: Flow, *, now: datetime) -> dict[str, Any]:
    """The flow's members of a connection or a state event, link included while it is live."""
    state = flow_wire(flow, flow_interaction(flow), now=now)
    return with_links(flow, state)


def with_links(flow: Flow, state: dict[str, Any]) -> dict[str, Any]:
    if state["flow_status"] == "IN_PROGRESS":
        return {**state, "hosted_url": hosted_url(flow)}
    return state


def events_after(flow: Flow, event_id: int) -> list[FlowEvent]:
    return list(FlowEvent.objects.filter(flow=flow, pk__gt=event_id).order_by("pk")[:200])


def event_last(flow: Flow) -> FlowEvent | None:
    return FlowEvent.objects.filter(flow=flow).order_by("-pk").first()


def connection_state(connection: Connection, flow: Flow | None, *, now: datetime) -> dict[str, Any]:
    """The wire's ManagedAuth; absent optional members are left out."""
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
        **reauth_state(connection),
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
        state |= flow_state(flow, now=now)
        if flow.status_at(now) == "IN_PROGRESS":
            state["flow_expires_at"] = flow.expires_at
            if flow.attempt:  # a worker took it, so there is a browser
                state["browser_session_id"] = flow.id
    return state


def credential_reference(connection: Connection) -> dict[str, Any] | None:
    if connection.credential is not None:
        return {"name": connection.credential.name}
    return connection.credential_source


def reauth_state(connection: Connection) -> dict[str, Any]:
    """Whether an unattended login may be tried, and why."""
    allowed, reason = connection_can_reauth(connection)
    return {"can_reauth": allowed, "can_reauth_reason": reason}
