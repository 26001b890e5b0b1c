"""Handing a login to the browser of the person who opens its link.

Looking at a link changes nothing, so a mail scanner cannot spend it. Exchanging it is one conditional UPDATE: of any
number of browsers one wins, and only the hash of that browser's token is kept. A link raised to a new generation
leaves the session of the old one alone until somebody exchanges the new link.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from flows.links import code_matches
from flows.models import Flow
from flows.transitions import LIVE
from vault.audit import audit_append

CODE = re.compile(r"[0-9a-f]{64}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class LinkRefusal(StrEnum):
    """Why a link opens nothing."""

    UNKNOWN = "unknown"  # no such login
    STALE = "stale"  # not the present link of the login, or no link at all
    USED = "used"
    OVER = "over"  # the login ended, or its time is up


@dataclass(frozen=True, slots=True)
class LinkOpen:
    """A link that would be exchanged now."""

    flow: Flow


def page_token() -> str:
    """What one browser will prove itself with: 256 random bits."""
    return secrets.token_urlsafe(32)


def page_token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def page_flow(flow_id: str) -> Flow | None:
    """The flow with everything its page shows about who asks."""
    rows = Flow.objects.select_related("connection__profile", "organization", "project__branding")
    return rows.filter(pk=flow_id).first()


def link_look(flow_id: str, code: str, *, now: datetime) -> LinkOpen | LinkRefusal:
    """Judge a link without spending it."""
    flow = page_flow(flow_id)
    if flow is None:
        return LinkRefusal.UNKNOWN
    if not CODE.fullmatch(code) or not code_matches(flow, code):
        return LinkRefusal.STALE
    if flow.used_generation >= flow.generation:
        return LinkRefusal.USED
    if flow.status_at(now) != "IN_PROGRESS":
        return LinkRefusal.OVER
    return LinkOpen(flow)


def link_exchange(
    flow_id: str,
    code: str,
    *,
    token: str,
    address: str,
    now: datetime,
    page_options: Mapping[str, str] | None = None,
) -> LinkOpen | LinkRefusal:
    """Spend the link for the browser that holds `token`. A refusal is on record; the same browser may repeat itself
    (a double click), which is no second exchange."""
    seen = link_look(flow_id, code, now=now)
    if isinstance(seen, LinkOpen):
        with transaction.atomic():
            if _spend(seen.flow, token=token, page_options=page_options or {}):
                _audit(seen.flow, outcome="ok", address=address, reason="", now=now)
                return seen
        seen = link_look(flow_id, code, now=now)
    if seen is LinkRefusal.USED and (flow := session_flow(flow_id, token)) is not None:
        return LinkOpen(flow)
    refusal = seen if isinstance(seen, LinkRefusal) else LinkRefusal.STALE
    known = page_flow(flow_id)
    if known is not None:
        _audit(known, outcome="denied", address=address, reason=refusal.value, now=now)
    return refusal


def _spend(flow: Flow, *, token: str, page_options: Mapping[str, str]) -> bool:
    unspent = Flow.objects.filter(
        pk=flow.pk,
        generation=flow.generation,
        used_generation__lt=flow.generation,
        state__in=LIVE,
    )
    return bool(
        unspent.update(
            used_generation=flow.generation,
            page_session_hash=page_token_hash(token),
            page_options=dict(page_options),
        )
    )


def session_flow(flow_id: str, token: str) -> Flow | None:
    """The flow whose page this browser may see, whatever state it is in."""
    if not TOKEN.fullmatch(token):
        return None
    flow = page_flow(flow_id)
    if flow is None or not hmac.compare_digest(flow.page_session_hash, page_token_hash(token)):
        return None
    return flow


def _audit(flow: Flow, *, outcome: str, address: str, reason: str, now: datetime) -> None:
    details = {"connection": flow.connection_id, "generation": flow.generation, "address": address}
    audit_append(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        actor=f"flow:{flow.id}",
        action="hosted.exchange",
        resource_type="flow",
        resource_id=flow.id,
        outcome=outcome,
        details=details | ({"reason": reason} if reason else {}),
        now=now,
    )
