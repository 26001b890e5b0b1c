"""A flow as its followers see it, without links and without any value: the payload of flow events."""

from datetime import datetime
from typing import Any

from flows.models import Flow, Interaction
from flows.pauses import choice_from_json, field_from_json, pause_wire
from flows.transitions import WAITING


def open_pause(interaction: Interaction) -> dict[str, Any]:
    """Both dialects of an interaction."""
    return pause_wire(
        interaction_id=interaction.id,
        fields=[field_from_json(data) for data in interaction.fields],
        choices=[choice_from_json(data) for data in interaction.choices],
        instruction=interaction.instruction,
    )


def flow_wire(flow: Flow, interaction: Interaction | None, *, now: datetime) -> dict[str, Any]:
    """`flow_status`, `flow_step`, `flow_type`, the open pause, messages and errors; absent members are left out."""
    status = flow.status_at(now)
    state: dict[str, Any] = {
        "flow_status": status,
        "flow_step": flow.step_at(now),
        "flow_type": flow.type,
    }
    if status == "IN_PROGRESS" and flow.state in WAITING and interaction is not None:
        state |= open_pause(interaction)
    optional = {
        "website_error": flow.website_error,
        "error_code": flow.error_code,
        "error_message": flow.error_message,
        "post_login_url": flow.post_login_url,
    }
    if status == "EXPIRED" and not flow.error_code:
        optional |= {"error_code": "flow_expired", "error_message": "The login took longer than its time."}
    return state | {name: value for name, value in optional.items() if value}
