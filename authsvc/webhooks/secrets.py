"""The secrets that sign: made here, sealed, shown once."""

import base64
import secrets
from datetime import datetime

from authsvc.webhooks.models import Endpoint
from vault.sealing import open_sealed, seal
from vault.secret import Secret

TABLE = "webhooks_endpoint"
CURRENT, PREVIOUS = "sealed_secret", "sealed_previous"
PREFIX = "whsec_"
BYTES = 32


def secret_new() -> Secret:
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode())


def secret_seal(endpoint: Endpoint, secret: Secret, *, column: str = CURRENT) -> bytes:
    return seal(
        organization_id=endpoint.organization_id,
        table=TABLE,
        record_id=endpoint.id,
        field=column,
        plaintext=secret.reveal().encode(),
    )


def endpoint_secrets(endpoint: Endpoint, *, now: datetime) -> list[Secret]:
    """The newest first; the one before it while the rotation lasts. Raises the vault's `Sealed`, `TamperedError`."""
    found = [_open(endpoint, CURRENT, bytes(endpoint.sealed_secret))]
    until = endpoint.previous_until
    if endpoint.sealed_previous is not None and until is not None and until > now:
        found.append(_open(endpoint, PREVIOUS, bytes(endpoint.sealed_previous)))
    return found


def _open(endpoint: Endpoint, column: str, sealed: bytes) -> Secret:
    plain = open_sealed(
        organization_id=endpoint.organization_id, table=TABLE, record_id=endpoint.id, field=column, sealed=sealed
    )
    return Secret(plain.decode())
