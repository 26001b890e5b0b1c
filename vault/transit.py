"""Key-encryption keys in the transit engine of HashiCorp Vault or OpenBao: they never leave it.

A key's id here is `transit:<name>:v<version>`, so that rotating it there and then `rotate_keys` here rewraps
everything. The place of a data key goes along as associated data (Vault 1.9 and later, every OpenBao). The token's
policy needs `update` on `<mount>/encrypt/<name>` and `<mount>/decrypt/<name>` and `read` on `<mount>/keys/<name>`.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import hvac
from django.core.exceptions import ImproperlyConfigured
from hvac.exceptions import InvalidRequest
from hvac.exceptions import VaultError as ServerError
from requests import RequestException

from vault import crypto
from vault.crypto import Envelope, Place
from vault.errors import Sealed, TamperedError

SECONDS = 5.0
PART = re.compile(r"[A-Za-z0-9._-]{1,40}")
CIPHERTEXT = re.compile(r"vault:v([0-9]{1,9}):[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class TransitKeys:
    """One named key of the engine, in all its versions. Trouble with the engine is `Sealed`: no key, no secret."""

    address: str
    mount: str
    name: str
    token: str = field(repr=False)

    @property
    def primary_id(self) -> str:
        return self.ids[0]

    @property
    def ids(self) -> tuple[str, ...]:
        with self._engine() as engine:
            described = engine.read_key(name=self.name, mount_point=self.mount)
            versions = sorted((int(version) for version in described["data"]["keys"]), reverse=True)
            return tuple(self._key_id(version) for version in versions)

    def owns(self, key_id: str) -> bool:
        return key_id.startswith(f"transit:{self.name}:v")

    def wrap(self, *, key: bytes, place: Place) -> bytes:
        with self._engine() as engine:
            answer = engine.encrypt_data(
                name=self.name,
                plaintext=base64.b64encode(key).decode(),
                associated_data=self._associated(place),
                mount_point=self.mount,
            )
            ciphertext = str(answer["data"]["ciphertext"])
        match = CIPHERTEXT.fullmatch(ciphertext)
        if match is None:
            raise Sealed("The key service gave an unexpected answer")
        body = ciphertext.encode("ascii")
        return Envelope(version=crypto.VERSION, key_id=self._key_id(int(match[1])), body=body).to_bytes()

    def unwrap(self, *, wrapped: bytes, place: Place) -> bytes:
        envelope = crypto.envelope_parse(wrapped)
        match = CIPHERTEXT.fullmatch(envelope.body.decode("ascii", "replace"))
        if match is None or envelope.key_id != self._key_id(int(match[1])):
            raise TamperedError
        with self._engine() as engine:
            try:
                answer = engine.decrypt_data(
                    name=self.name,
                    ciphertext=envelope.body.decode("ascii"),
                    associated_data=self._associated(place),
                    mount_point=self.mount,
                )
            except InvalidRequest:  # it answers, and says that this does not open
                raise TamperedError from None
            return self._key(answer["data"]["plaintext"])

    def _key(self, plaintext: str) -> bytes:
        try:
            key = base64.b64decode(plaintext, validate=True)
        except binascii.Error:
            raise TamperedError from None
        if len(key) != crypto.KEY_BYTES:
            raise TamperedError
        return key

    def _key_id(self, version: int) -> str:
        return f"transit:{self.name}:v{version}"

    def _associated(self, place: Place) -> str:
        associated = crypto.associated_data(key_id=f"transit:{self.name}", place=place)
        return base64.b64encode(associated).decode()

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        """The engine's calls. The server's words stay out of the error: they may quote what was sent."""
        client = hvac.Client(url=self.address, token=self.token, timeout=SECONDS, allow_redirects=False)
        try:
            yield client.secrets.transit
        except (ServerError, RequestException, KeyError, TypeError, ValueError) as error:
            raise Sealed(f"The key service cannot be used ({type(error).__name__})") from None
        finally:
            client.adapter.close()


def transit_parse(text: str, *, token: str) -> TransitKeys:
    """From `https://host:8200/<mount>/<key name>`. Raises `ImproperlyConfigured`."""
    parts = urlsplit(text)
    mount, _, name = parts.path.strip("/").rpartition("/")
    usable = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.username
    if not usable or not PART.fullmatch(name) or not all(PART.fullmatch(part) for part in mount.split("/")):
        raise ImproperlyConfigured("AUTHSVC_KEK_TRANSIT must look like https://host:8200/transit/name")
    return TransitKeys(address=f"{parts.scheme}://{parts.netloc}", mount=mount, name=name, token=token)
