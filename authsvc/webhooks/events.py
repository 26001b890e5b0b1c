"""What a webhook says: names and states, never a value or a word of the site."""

import json
from datetime import datetime
from typing import Any

from authsvc.webhooks.models import EventType
from flows.models import Connection, Flow
from flows.transitions import WAITING, FlowState

_ENDS = {FlowState.SUCCESS: EventType.SUCCEEDED}


def connection_event(connection: Connection) -> EventType:
    return EventType.AUTHENTICATED if connection.status == "AUTHENTICATED" else EventType.NEEDS_AUTH


def flow_event(flow: Flow) -> EventType | None:
    """What the flow's state is to a receiver; None for steps on the way."""
    if flow.state in WAITING:
        return EventType.AWAITING_INPUT
    if flow.live:
        return None
    return _ENDS.get(FlowState(flow.state), EventType.FAILED)


def connection_data(connection: Connection) -> dict[str, Any]:
    return {
        "connection_id": connection.id,
        "domain": connection.domain,
        "profile_name": connection.profile.name or connection.profile_id,
        "status": connection.status,
    }


def flow_data(flow: Flow, *, now: datetime) -> dict[str, Any]:
    told = {
        "flow_id": flow.id,
        "flow_type": flow.type,
        "flow_status": flow.status_at(now),
        "flow_step": flow.step_at(now),
        "error_code": flow.error_code,
    }
    return connection_data(flow.connection) | {name: value for name, value in told.items() if value}


def message(event: EventType, data: dict[str, Any], *, now: datetime) -> str:
    """The body as it is signed and sent: JSON of `type`, `timestamp` and `data`."""
    return json.dumps({"type": event.value, "timestamp": now.isoformat(), "data": data}, separators=(",", ":"))
