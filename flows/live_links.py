"""Addresses of live views. The token in one says which login or browser it shows, whether its bearer may type, and when
it stops opening anything, a few minutes later; it is signed, so nothing of it is stored. It stands behind the `#`,
which browsers send to nobody: no log, no proxy and no Referer ever holds it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.urls import reverse

from flows.models import BrowserSession, Flow
from flows.signed import Signer

SIGNER = Signer("live", "live view")
STEP_SECONDS = 300  # an address stays the same so long, and opens something at least as long again


class LiveRight(StrEnum):
    """What a bearer may do."""

    LOOK = "look"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class LiveToken:
    """What a token says."""

    shown_id: str
    right: LiveRight


def live_url(flow: Flow, right: LiveRight, *, now: datetime) -> str:
    """Absolute, from configuration; empty while no worker has a browser to show."""
    if not flow.address or flow.status_at(now) != "IN_PROGRESS":
        return ""
    return _url(flow.id, right, now=now)


def browser_live_url(session: BrowserSession, right: LiveRight, *, now: datetime) -> str:
    """Absolute; empty for a browser that has no window, or does not run."""
    if not session.live_address or session.state != BrowserSession.State.RUNNING or session.options.get("headless"):
        return ""
    return _url(session.id, right, now=now)


def _url(shown_id: str, right: LiveRight, *, now: datetime) -> str:
    return f"{settings.BASE_URL}{reverse('live:view', args=[shown_id])}#{live_token(shown_id, right, now=now)}"


def live_token(shown_id: str, right: LiveRight, *, now: datetime) -> str:
    until = (int(now.timestamp()) // STEP_SECONDS + 2) * STEP_SECONDS
    return SIGNER.issue(shown_id, until=until, right=right.value)


def live_token_read(text: str) -> LiveToken | None:
    """`None` for anything but a token of ours whose time is not over."""
    said = SIGNER.read(text)
    if said is None or said.get("right") not in list(LiveRight):
        return None
    return LiveToken(shown_id=str(said["sub"]), right=LiveRight(said["right"]))


def link_secret() -> bytes:
    """What web and worker know to reach each other (`flows.link`)."""
    return hashlib.sha256(b"authsvc worker line\0" + settings.SECRET_KEY.encode()).digest()
