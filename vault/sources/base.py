"""What a credential source is: a place outside that lists items and gives one item's values when asked.

    SourceError
    ├── SourceUnavailable   source_unavailable  it did not answer, or not in time, or not sensibly
    ├── SourceDenied        source_denied       it does not accept the token, or not for this
    ├── ItemNotFound        item_not_found      it has no such item, or none for the domain
    └── ItemAmbiguous       item_ambiguous      several items have this path

Messages name the source and the path, never a value and never what the source itself said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from vault.errors import VaultError
from vault.secret import Secret
from vault.totp import TotpSeed


class SourceError(VaultError):
    """Something outside went wrong. A login that meets it asks the person instead."""


class SourceUnavailable(SourceError):
    code = "source_unavailable"
    default_message = "The credential source does not answer"


class SourceDenied(SourceError):
    code = "source_denied"
    default_message = "The credential source refuses the token"


class ItemNotFound(SourceError):
    code = "item_not_found"
    default_message = "The credential source has no such item"


class ItemAmbiguous(SourceError):
    code = "item_ambiguous"
    default_message = "The credential source has several items of this path"


@dataclass(frozen=True, slots=True)
class Folder:
    """A vault of the source."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ItemRef:
    """An item without its values. `path` is `Vault/Item`."""

    id: str
    title: str
    folder: Folder
    urls: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"{self.folder.name}/{self.title}"


@dataclass(frozen=True, slots=True)
class Item:
    """An item's values by the names a login knows (`username`, `password`) or the item's own. `version` changes when
    the item does."""

    ref: ItemRef
    version: str
    values: Mapping[str, Secret] = field(repr=False)
    totp: TotpSeed | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """How to reach a source. `options` are the kind's own, checked by it."""

    token: Secret
    server_url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """Blocking calls; whoever calls keeps the deadline. Every one raises a `SourceError`."""

    def folders(self) -> list[Folder]:
        """What the token may see."""

    def items(self) -> list[ItemRef]:
        """Every item a login could use, in the source's own order."""

    def item(self, ref: ItemRef) -> Item:
        """One item with its values, as it is now."""


class SourceKind(Protocol):
    """One folder in `vault/sources` has one, named `KIND`."""

    name: ClassVar[str]
    needs_server: ClassVar[bool]
    options: ClassVar[frozenset[str]]

    def open(self, config: SourceConfig) -> Source:
        """Opens no connection yet."""
