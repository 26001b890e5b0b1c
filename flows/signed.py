"""Tokens that say something and are signed, so that nothing of them is stored (JSON Web Tokens, HS256)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings

ISSUER = "authsvc"
ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Of one audience, with a key of its own."""

    audience: str
    purpose: str

    def issue(self, subject: str, *, until: int, **claims: Any) -> str:
        """`until` in seconds since the epoch."""
        said = {"iss": ISSUER, "aud": self.audience, "sub": subject, "exp": until, **claims}
        return jwt.encode(said, self._key(), algorithm=ALGORITHM)

    def read(self, text: str) -> Mapping[str, Any] | None:
        """The claims; `None` for anything but a token of ours whose time is not over."""
        try:
            said: dict[str, Any] = jwt.decode(
                text,
                self._key(),
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "aud", "iss"]},
            )
        except jwt.InvalidTokenError:
            return None
        return said

    def _key(self) -> bytes:
        return hashlib.sha256(f"authsvc {self.purpose}\0{settings.SECRET_KEY}".encode()).digest()
