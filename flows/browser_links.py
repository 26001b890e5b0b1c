"""Addresses of browser sessions. The token in one is an HMAC over the session, so that it can be shown again while
nothing that opens it is stored; it lives as long as the session."""

import hashlib
import hmac

from django.conf import settings

from flows.models import BrowserSession

CDP_PATH = "browsers/cdp"


def session_token(session_id: str, *, purpose: str) -> str:
    """64 hexadecimal characters, different for each purpose."""
    key = hashlib.sha256(b"authsvc browser address\0" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{session_id}\0{purpose}".encode(), hashlib.sha256).hexdigest()


def cdp_url(session: BrowserSession) -> str:
    """Where CDP clients connect; empty for a session that is over."""
    if not session.active:
        return ""
    base = settings.BASE_URL.replace("http", "ws", 1)
    return f"{base}/{CDP_PATH}?token={session.id}.{session_token(session.id, purpose='cdp')}"


def cdp_session_id(token: str) -> str | None:
    """The session that a token opens, `None` for anything else."""
    session_id, _, given = token.partition(".")
    wanted = session_token(session_id, purpose="cdp")
    return session_id if hmac.compare_digest(wanted.encode(), given.encode()) else None


def relay_token(session_id: str) -> str:
    """What one of our processes shows a worker's relay to reach a session."""
    return session_token(session_id, purpose="relay")
