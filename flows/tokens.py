"""The token an embeddable component gets for a login's one-time code: good for that flow only, and no longer."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings

from flows.models import Flow

ISSUER, AUDIENCE = "authsvc", "flow"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class FlowToken:
    """What a token says."""

    flow_id: str
    connection_id: str


def token_issue(flow: Flow, *, now: datetime) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": flow.id,
        "connection": flow.connection_id,
        "iat": int(now.timestamp()),
        "exp": int(flow.expires_at.timestamp()),
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def token_read(text: str) -> FlowToken | None:
    """`None` for anything but a token of ours whose flow's time is not over."""
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            _key(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "sub", "aud", "iss"]},
        )
        return FlowToken(flow_id=str(claims["sub"]), connection_id=str(claims["connection"]))
    except (jwt.InvalidTokenError, KeyError, ValueError):
        return None


def _key() -> bytes:
    return hashlib.sha256(b"authsvc flow token\0" + settings.SECRET_KEY.encode()).digest()
