"""Where key-encryption keys live. They wrap data keys and never enter the database.

`LocalKeys` holds them in memory, `vault.transit.TransitKeys` asks a key management service that never shows them, and
`Keyring` puts sources together so that one can follow another.
"""

from dataclasses import dataclass, field
from typing import Protocol

from vault import crypto
from vault.crypto import Envelope, Place
from vault.errors import TamperedError


class KeySource(Protocol):
    """Wraps data keys. The first key id is primary; the others only unwrap what they wrapped before."""

    @property
    def primary_id(self) -> str: ...

    @property
    def ids(self) -> tuple[str, ...]: ...

    def owns(self, key_id: str) -> bool:
        """Whether what names this key is unwrapped here."""

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

    def owns(self, key_id: str) -> bool:
        return key_id in self.keys

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


@dataclass(frozen=True, slots=True)
class Keyring:
    """Several sources: the first one wraps, each unwraps its own."""

    sources: tuple[KeySource, ...]

    @property
    def primary_id(self) -> str:
        return self.sources[0].primary_id

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(key_id for source in self.sources for key_id in source.ids)

    def owns(self, key_id: str) -> bool:
        return any(source.owns(key_id) for source in self.sources)

    def wrap(self, *, key: bytes, place: Place) -> bytes:
        return self.sources[0].wrap(key=key, place=place)

    def unwrap(self, *, wrapped: bytes, place: Place) -> bytes:
        key_id = crypto.envelope_parse(wrapped).key_id
        for source in self.sources:
            if source.owns(key_id):
                return source.unwrap(wrapped=wrapped, place=place)
        raise TamperedError
