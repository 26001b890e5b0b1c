"""Authenticated encryption and the form of everything that is stored encrypted.

A sealed value is `version (1 byte) | length of the key id (1 byte) | key id (ASCII) | body`, where the body of version
1 is `nonce (12 bytes) | AES-256-GCM ciphertext and tag`. Associated data binds the version, the key and the place the
value belongs to, so a value moved to another row, field or tenant does not open.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import TamperedError

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs."""

    organization_id: str
    table: str
    record_id: str
    field: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed value taken apart, not yet opened."""

    version: int
    key_id: str
    body: bytes

    def to_bytes(self) -> bytes:
        key_id = self.key_id.encode("ascii")
        return bytes((self.version, len(key_id))) + key_id + self.body


def envelope_parse(sealed: bytes) -> Envelope:
    """Raises `TamperedError` when the bytes cannot be a sealed value."""
    if len(sealed) < 2 or sealed[0] != VERSION or len(sealed) < 2 + sealed[1]:
        raise TamperedError
    try:
        key_id = sealed[2 : 2 + sealed[1]].decode("ascii")
    except UnicodeDecodeError:
        raise TamperedError from None
    return Envelope(version=sealed[0], key_id=key_id, body=sealed[2 + sealed[1] :])


def associated_data(*, key_id: str, place: Place) -> bytes:
    """Every part with its length before it, so that no two places give the same bytes."""
    parts = (key_id, place.organization_id, place.table, place.record_id, place.field)
    encoded = [part.encode() for part in parts]
    return bytes((VERSION,)) + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def key_new() -> bytes:
    return os.urandom(KEY_BYTES)


def encrypt(*, key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """The body of a version 1 envelope, under a fresh random nonce."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(*, key: bytes, body: bytes, associated: bytes) -> bytes:
    """Raises `TamperedError`, the same for every cause."""
    if len(body) < NONCE_BYTES + TAG_BYTES:
        raise TamperedError
    try:
        return AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], associated)
    except InvalidTag:
        raise TamperedError from None
