"""Public identifiers: a prefix that says what it is, then 120 random bits."""

import base64
import secrets


def new_id(prefix: str) -> str:
    """For example `ma_m3fk2q…`, 24 characters after the prefix."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(15)).decode().lower()}"
