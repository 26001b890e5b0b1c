"""What a Connect server's items mean to a login."""

from collections.abc import Iterable
from typing import Any

from vault.sources.base import Folder, Item, ItemRef
from vault.sources.naming import name_known, seed_find, values_collect

USABLE = frozenset({"LOGIN", "PASSWORD", "API_CREDENTIAL", "SERVER", "EMAIL_ACCOUNT", "CUSTOM"})
PURPOSES = {"USERNAME": "username", "PASSWORD": "password"}


def folder_read(vault: Any) -> Folder:
    """Raises ValueError for an answer that names no vault: its id would go into the next request."""
    if not isinstance(vault.id, str) or not vault.id:
        raise ValueError("a vault without an id")
    return Folder(id=vault.id, name=str(vault.name or ""))


def ref_read(summary: Any, *, folder: Folder) -> ItemRef:
    urls = tuple(str(url.href) for url in summary.urls or () if url.href)
    return ItemRef(id=str(summary.id), title=str(summary.title or ""), folder=folder, urls=urls)


def item_read(item: Any, *, ref: ItemRef) -> Item:
    """Fields with a purpose come first, so that a custom field of the same label does not take their place."""
    fields = [field for field in item.fields or () if field.value]
    plain = [field for field in fields if field.type != "TOTP" and field.purpose != "NOTES"]
    return Item(
        ref=ref,
        version=str(item.version or ""),
        values=values_collect([*_purposes(plain), *((name_known(field.label or ""), field.value) for field in plain)]),
        totp=seed_find(field.value for field in fields if field.type == "TOTP"),
    )


def _purposes(fields: Iterable[Any]) -> list[tuple[str, str]]:
    return [(PURPOSES[field.purpose], field.value) for field in fields if field.purpose in PURPOSES]
