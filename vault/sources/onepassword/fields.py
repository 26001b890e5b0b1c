"""What the items of 1Password's own SDK mean to a login."""

from typing import Any

from onepassword.types import ItemCategory, ItemFieldType

from vault.sources.base import Folder, Item, ItemRef
from vault.sources.naming import name_known, seed_find, values_collect

USABLE = frozenset(
    {
        ItemCategory.LOGIN,
        ItemCategory.PASSWORD,
        ItemCategory.APICREDENTIALS,
        ItemCategory.SERVER,
    }
)
BUILT_IN = ("username", "password")  # ids of the fields that every login item has


def ref_read(overview: Any, *, folder: Folder) -> ItemRef:
    urls = tuple(str(website.url) for website in overview.websites if website.url)
    return ItemRef(id=overview.id, title=overview.title, folder=folder, urls=urls)


def item_read(item: Any, *, ref: ItemRef) -> Item:
    plain = [field for field in item.fields if field.field_type is not ItemFieldType.TOTP]
    built_in = [(field.id, field.value) for field in plain if field.id in BUILT_IN]
    return Item(
        ref=ref,
        version=str(item.version),
        values=values_collect([*built_in, *((name_known(field.title), field.value) for field in plain)]),
        totp=seed_find(field.value for field in item.fields if field.field_type is ItemFieldType.TOTP),
    )
