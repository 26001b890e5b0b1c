"""Who may open the live view of a login or a browser, on record before the first frame (R35)."""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from flows.live_links import LiveRight, live_token_read
from flows.models import BrowserSession, Flow
from flows.services.handoff import TOKEN, page_token_hash
from vault.audit import audit_append
from vault.rates import rate_take


@dataclass(frozen=True, slots=True)
class LiveOpen:
    """Where the view is and what its bearer may do."""

    shown_id: str
    address: str
    right: LiveRight


def live_open(
    shown_id: str, *, token: str, page_token: str, read_only: bool, source: str, now: datetime
) -> LiveOpen | None:
    """Judge a bearer by its `token`, or by the `page_token` of the browser that has the login's hosted page. `None`
    for everything that opens nothing, and nothing says why. Raises `RateLimited`."""
    rate_take(f"live:{shown_id}", limit=settings.LINK_TRIES, at=time.time())
    shown = live_shown(shown_id)
    if shown is None:
        return None
    if isinstance(shown, Flow):
        address = shown.address if shown.status_at(now) == "IN_PROGRESS" else ""
    else:
        address = shown.live_address if shown.state == BrowserSession.State.RUNNING else ""
    right = _right(shown, token=token, page_token=page_token)
    if right is not None and read_only:
        right = LiveRight.LOOK
    _audit(shown, right=right, outcome="ok" if right and address else "denied", source=source, now=now)
    return LiveOpen(shown.id, address, right) if right is not None and address else None


def live_shown(shown_id: str) -> Flow | BrowserSession | None:
    """What an address of a live view names."""
    return Flow.objects.filter(pk=shown_id).first() or BrowserSession.objects.filter(pk=shown_id).first()


def _right(shown: Flow | BrowserSession, *, token: str, page_token: str) -> LiveRight | None:
    if token:
        said = live_token_read(token)
        return said.right if said is not None and said.shown_id == shown.id else None
    if not isinstance(shown, Flow) or not TOKEN.fullmatch(page_token) or not shown.page_session_hash:
        return None
    owned = hmac.compare_digest(shown.page_session_hash, page_token_hash(page_token))
    return LiveRight.TYPE if owned else None


def _audit(shown: Flow | BrowserSession, *, right: LiveRight | None, outcome: str, source: str, now: datetime) -> None:
    kind, of = ("flow", {"connection": shown.connection_id}) if isinstance(shown, Flow) else ("browser", {})
    audit_append(
        organization_id=shown.organization_id,
        project_id=shown.project_id,
        actor=f"{kind}:{shown.id}",
        action="live.open",
        resource_type=kind,
        resource_id=shown.id,
        outcome=outcome,
        details={**of, "right": right.value if right else "", "address": source},
        now=now,
    )
