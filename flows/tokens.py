"""The token an embeddable component gets for a login's one-time code: good for that flow only, and no longer."""

from dataclasses import dataclass
from datetime import datetime

from flows.models import Flow
from flows.signed import Signer

SIGNER = Signer("flow", "flow token")


@dataclass(frozen=True, slots=True)
class FlowToken:
    """What a token says."""

    flow_id: str
    connection_id: str


def token_issue(flow: Flow, *, now: datetime) -> str:
    until = int(flow.expires_at.timestamp())
    return SIGNER.issue(flow.id, until=until, connection=flow.connection_id, iat=int(now.timestamp()))


def token_read(text: str) -> FlowToken | None:
    """`None` for anything but a token of ours whose flow's time is not over."""
    said = SIGNER.read(text)
    if said is None or "connection" not in said:
        return None
    return FlowToken(flow_id=str(said["sub"]), connection_id=str(said["connection"]))
