"""The key-encryption keys that the settings name."""

import base64
import binascii
import re
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vault import crypto
from vault.key_sources import Keyring, KeySource, LocalKeys
from vault.transit import TransitKeys, transit_parse

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


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
    """The configured keys, read anew each time: keys rotate without a restart, and none stays in memory.

    With a transit engine configured it wraps, and `AUTHSVC_KEK` or its file only unwraps what it wrapped before.
    Raises `ImproperlyConfigured` when there is no key: there is no default one.
    """
    local = _local()
    if settings.KEK_TRANSIT:
        return Keyring((_transit(), *([local] if local else [])))
    if local is None:
        raise ImproperlyConfigured(
            "No key-encryption key: set AUTHSVC_KEK (id:base64 of 32 random bytes), AUTHSVC_KEK_FILE or "
            "AUTHSVC_KEK_TRANSIT"
        )
    return local


def _local() -> LocalKeys | None:
    if settings.KEK and settings.KEK_FILE:
        raise ImproperlyConfigured("Set AUTHSVC_KEK or AUTHSVC_KEK_FILE, not both")
    if settings.KEK:
        return LocalKeys(keys=keys_parse(settings.KEK, name="AUTHSVC_KEK"))
    return _from_file(Path(settings.KEK_FILE)) if settings.KEK_FILE else None


def _from_file(path: Path) -> LocalKeys:
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise ImproperlyConfigured(f"AUTHSVC_KEK_FILE cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured("AUTHSVC_KEK_FILE holds something else than keys") from None
    return LocalKeys(keys=keys_parse(text, name="AUTHSVC_KEK_FILE"))


def _transit() -> TransitKeys:
    token = settings.KEK_TRANSIT_TOKEN
    if settings.KEK_TRANSIT_TOKEN_FILE:
        try:
            token = Path(settings.KEK_TRANSIT_TOKEN_FILE).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured("AUTHSVC_KEK_TRANSIT_TOKEN_FILE cannot be read") from None
    if not token:
        raise ImproperlyConfigured("AUTHSVC_KEK_TRANSIT needs AUTHSVC_KEK_TRANSIT_TOKEN or its file")
    return transit_parse(settings.KEK_TRANSIT, token=token)
