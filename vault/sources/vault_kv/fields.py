"""What a secret of a KV engine means to a login."""

from collections.abc import Mapping
from typing import Any

from vault.sources.base import Item, ItemRef
from vault.sources.naming import TOTP_NAMES, name_known, seed_find, values_collect


def urls_read(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    custom = metadata.get("custom_metadata") or {}
    return tuple(f"{custom.get('url') or ''} {custom.get('urls') or ''}".replace(",", " ").split())


def item_read(answer: Mapping[str, Any], *, ref: ItemRef) -> Item:
    """Texts and numbers only: what is nested has no place in a form."""
    texts = [(str(name), str(value)) for name, value in answer["data"].items() if isinstance(value, str | int)]
    return Item(
        ref=ref,
        version=str(answer["metadata"]["version"]),
        values=values_collect((name_known(name), value) for name, value in texts if name.lower() not in TOTP_NAMES),
        totp=seed_find(value for name, value in texts if name.lower() in TOTP_NAMES),
    )
