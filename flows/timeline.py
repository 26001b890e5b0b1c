"""A connection's history for the wire: logins, re-authentications and health checks, newest first."""

from typing import Any, Literal

from django.db.models import CharField, F, QuerySet, Value

from flows.models import Connection, Flow, FlowType, HealthCheck, Replay
from flows.transitions import FlowState

EventType = Literal["login", "reauth", "health_check"]
_FLOW_TYPES = {"login": FlowType.LOGIN, "reauth": FlowType.REAUTH}


def timeline_rows(connection: Connection, *, type: EventType | None) -> QuerySet[Any, Any]:
    """`{"at", "pk", "kind"}` of each event. A check that still runs has seen nothing and is left out."""
    flows = Flow.objects.filter(connection=connection)
    checks = HealthCheck.objects.filter(connection=connection).exclude(ended_at=None)
    rows: QuerySet[Any, Any]
    if type in _FLOW_TYPES:
        rows = _keys(flows.filter(type=_FLOW_TYPES[type]), "flow")
    elif type == "health_check":
        rows = _keys(checks, "check")
    else:
        rows = _keys(flows, "flow").union(_keys(checks, "check"), all=True)
    return rows.order_by("-at", "-key")


def _keys(rows: QuerySet[Any], kind: str) -> QuerySet[Any, Any]:
    keyed: QuerySet[Any, Any] = rows.annotate(
        at=F("created_at"), key=F("pk"), kind=Value(kind, CharField(max_length=5))
    ).values("at", "key", "kind")
    return keyed


def timeline_events(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The wire's events for these rows, in their order."""
    wanted = {kind: [item["key"] for item in keys if item["kind"] == kind] for kind in ("flow", "check")}
    flows = Flow.objects.filter(pk__in=wanted["flow"])
    checks = HealthCheck.objects.filter(pk__in=wanted["check"])
    replays = Replay.objects.filter(flow__in=wanted["flow"]).exclude(state=Replay.State.FAILED).order_by("started_at")
    recorded = dict(replays.values_list("flow_id", "pk"))
    found = {row.pk: _flow_event(row, recorded.get(row.pk)) for row in flows} | {
        row.pk: _check_event(row) for row in checks
    }
    return [found[item["key"]] for item in keys if item["key"] in found]


def _flow_event(flow: Flow, replay_id: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": flow.id,
        "type": "reauth" if flow.type == FlowType.REAUTH else "login",
        "status": "IN_PROGRESS" if flow.live else flow.state,
        "timestamp": flow.created_at,
        "updated_at": flow.updated_at,
        "step": _step(flow),
        "telemetry_captured": False,
    }
    optional = {
        "completed_at": flow.ended_at,
        "browser_session_id": flow.id if flow.attempt else None,
        "replay_id": replay_id,
        "error_code": flow.error_code,
        "error_message": flow.error_message,
        "website_error": flow.website_error,
    }
    return event | {name: value for name, value in optional.items() if value}


def _step(flow: Flow) -> str:
    """How far the flow came: its last live step unless it succeeded."""
    if flow.state == FlowState.SUCCESS:
        return "COMPLETED"
    return flow.reached if flow.attempt else "INITIALIZED"


def _check_event(check: HealthCheck) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": check.id,
        "type": "health_check",
        "status": check.status,
        "timestamp": check.ended_at,
        "previous_status": check.previous_status,
    }
    if check.result == HealthCheck.Result.INDETERMINATE:
        event |= {"error_code": "indeterminate", "error_message": f"The check could not tell: {check.reason}"}
    return event
