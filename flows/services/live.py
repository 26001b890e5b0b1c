"""Who may open the live view of a login, on record before the first frame (R35)."""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from flows.live_links import LiveRight, live_token_read
from flows.models import Flow
from flows.services.handoff import TOKEN, page_token_hash
from vault.audit import audit_append
from vault.rates import rate_take


@dataclass(frozen=True, slots=True)
class LiveOpen:
    """Where the view is and what its bearer may do."""

    flow_id: str
    address: str
    right: LiveRight


def live_open(
    flow_id: str, *, token: str, page_token: str, read_only: bool, source: str, now: datetime
) -> LiveOpen | None:
    """Judge a bearer by its `token`, or by the `page_token` of the browser that has the login's hosted page. `None`
    for everything that opens nothing, and nothing says why. Raises `RateLimited`."""
    rate_take(f"live:{flow_id}", limit=settings.LINK_TRIES, at=time.time())
    flow = Flow.objects.filter(pk=flow_id).first()
    if flow is None:
        return None
    right = _right(flow, token=token, page_token=page_token)
    open_now = bool(flow.address) and flow.status_at(now) == "IN_PROGRESS"
    if right is not None and read_only:
        right = LiveRight.LOOK
    _audit(flow, right=right, outcome="ok" if right and open_now else "denied", source=source, now=now)
    return LiveOpen(flow.id, flow.address, right) if right is not None and open_now else None


def _right(flow: Flow, *, token: str, page_token: str) -> LiveRight | None:
    if token:
        said = live_token_read(token)
        return said.right if said is not None and said.flow_id == flow.id else None
    if not TOKEN.fullmatch(page_token) or not flow.page_session_hash:
        return None
    owned = hmac.compare_digest(flow.page_session_hash, page_token_hash(page_token))
    return LiveRight.TYPE if owned else None


def _audit(flow: Flow, *, right: LiveRight | None, outcome: str, source: str, now: datetime) -> None:
    audit_append(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        actor=f"flow:{flow.id}",
        action="live.open",
        resource_type="flow",
        resource_id=flow.id,
        outcome=outcome,
        details={"connection": flow.connection_id, "right": right.value if right else "", "address": source},
        now=now,
    )
