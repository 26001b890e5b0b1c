"""The kinds of credential sources, one folder each with the same files: `source.py` talks, `fields.py` translates."""

from collections.abc import Iterable

from vault.errors import Invalid
from vault.sources.base import SourceKind
from vault.sources.onepassword.source import OnePasswordKind
from vault.sources.onepassword_connect.source import ConnectKind
from vault.sources.vault_kv.source import VaultKvKind


def registry_build(kinds: Iterable[SourceKind]) -> dict[str, SourceKind]:
    """By name. Raises `ValueError` for a name given twice."""
    found: dict[str, SourceKind] = {}
    for kind in kinds:
        if kind.name in found:
            raise ValueError(f"two credential sources are named {kind.name}")
        found[kind.name] = kind
    return found


KINDS = registry_build([OnePasswordKind(), ConnectKind(), VaultKvKind()])


def kind_get(name: str) -> SourceKind:
    """Raises `Invalid`."""
    if name not in KINDS:
        raise Invalid(f"provider_type must be one of {', '.join(KINDS)}")
    return KINDS[name]
