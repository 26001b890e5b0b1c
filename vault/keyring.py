"""Key-encryption keys: they wrap data keys and never enter the database.

A `KeySource` is where they live. The one here reads them from the settings or from a file; one that asks a key
management service wraps and unwraps there and is a sibling of `LocalKeys`.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vault import crypto
from vault.crypto import Envelope, Place
from vault.errors import TamperedError

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


class KeySource(Protocol):
    """Wraps data keys. The first key id is primary; the others only unwrap what they wrapped before."""

    @property
    def primary_id(self) -> str: ...

    @property
    def ids(self) -> tuple[str, ...]: ...

    def wrap(self, *, key: bytes, place: Place) -> bytes:
        """A sealed value under the primary key, bound to `place`."""

    def unwrap(self, *, wrapped: bytes, place: Place) -> bytes:
        """The data key again. Raises `TamperedError` when it does not open, for whatever reason."""


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """Keys held in memory, by id, primary first."""

    keys: dict[str, bytes] = field(repr=False)

    @property
    def primary_id(self) -> str:
        return next(iter(self.keys))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.keys)

    def wrap(self, *, key: bytes, place: Place) -> bytes:
        associated = crypto.associated_data(key_id=self.primary_id, place=place)
        body = crypto.encrypt(key=self.keys[self.primary_id], plaintext=key, associated=associated)
        return Envelope(version=crypto.VERSION, key_id=self.primary_id, body=body).to_bytes()

    def unwrap(self, *, wrapped: bytes, place: Place) -> bytes:
        envelope = crypto.envelope_parse(wrapped)
        if envelope.key_id not in self.keys:
            raise TamperedError
        associated = crypto.associated_data(key_id=envelope.key_id, place=place)
        return crypto.decrypt(key=self.keys[envelope.key_id], body=envelope.body, associated=associated)


def keys_parse(text: str, *, name: str) -> dict[str, bytes]:
    """Keys of `id:base64` entries, separated by commas or lines; lines beginning with `#` are comments.

    Raises `ImproperlyConfigured`, naming the setting `name` and the entry's number but never what it holds.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(entries, start=1):
        key_id, _, encoded = entry.partition(":")
        key = _key_decode(encoded)
        if not KEY_ID.fullmatch(key_id) or key is None:
            raise ImproperlyConfigured(f"{name}: entry {number} is not an id, a colon and 32 bytes in base64")
        if key_id in keys:
            raise ImproperlyConfigured(f"{name}: entry {number} repeats the id {key_id!r}")
        keys[key_id] = key
    if not keys:
        raise ImproperlyConfigured(f"{name} holds no key")
    return keys


def _key_decode(encoded: str) -> bytes | None:
    """32 bytes from either base64 alphabet, else nothing."""
    try:
        key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == crypto.KEY_BYTES else None


def keyring() -> KeySource:
    """The configured keys. A key file that changed is read again, so keys rotate without a restart.

    Raises `ImproperlyConfigured` when there are none: there is no default key.
    """
    if settings.KEK and settings.KEK_FILE:
        raise ImproperlyConfigured("Set AUTHSVC_KEK or AUTHSVC_KEK_FILE, not both")
    if settings.KEK:
        return _from_text(settings.KEK)
    if settings.KEK_FILE:
        path = Path(settings.KEK_FILE)
        try:
            stat = path.stat()
        except OSError as error:
            raise ImproperlyConfigured(f"AUTHSVC_KEK_FILE cannot be read: {error.strerror}") from None
        return _from_file(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
    raise ImproperlyConfigured(
        "No key-encryption key: set AUTHSVC_KEK (id:base64 of 32 random bytes) or AUTHSVC_KEK_FILE"
    )


@lru_cache(maxsize=1)
def _from_text(text: str) -> LocalKeys:
    return LocalKeys(keys=keys_parse(text, name="AUTHSVC_KEK"))


@lru_cache(maxsize=1)
def _from_file(path: Path, _changed: int, _size: int, _inode: int) -> LocalKeys:
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise ImproperlyConfigured(f"AUTHSVC_KEK_FILE cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured("AUTHSVC_KEK_FILE holds something else than keys") from None
    return LocalKeys(keys=keys_parse(text, name="AUTHSVC_KEK_FILE"))
