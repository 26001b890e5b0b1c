"""Changing the key-encryption key: wrap every data key again, a row at a time, while the service runs."""

import base64
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.db.models import Count

from vault import crypto
from vault.key_sources import KeySource
from vault.models import DataKey, ProfileVersion
from vault.profiles import version_place
from vault.sealing import data_key_place


def keys_rewrap(source: KeySource) -> Iterator[str]:
    """Wrap under the primary key what another key wraps; yields the id of each row done.

    Every row is one conditional UPDATE, so it may be stopped anywhere, started again and run twice at once. Raises
    `TamperedError` for a row whose key is not in `source`.
    """
    yield from _data_keys_rewrap(source)
    yield from _versions_rewrap(source)


def keys_in_use() -> Counter[str]:
    """How many wrapped keys need each key-encryption key, by its id. What is not here can be retired."""
    used: Counter[str] = Counter()
    for model in (DataKey, ProfileVersion):
        for kek_id, count in model._default_manager.values_list("kek_id").annotate(Count("pk")):
            used[kek_id] += count
    return used


def key_file_add(path: Path, *, key_id: str) -> None:
    """Put a new random key first in the key file, replacing the file in one step; readable by its owner only."""
    line = f"{key_id}:{base64.b64encode(crypto.key_new()).decode()}\n"
    existing = path.read_text("ascii") if path.exists() else ""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(line + existing)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _data_keys_rewrap(source: KeySource) -> Iterator[str]:
    rows = DataKey.objects.exclude(kek_id=source.primary_id).order_by("id")
    for row_id, organization_id, kek_id, wrapped in rows.values_list("id", "organization_id", "kek_id", "wrapped"):
        place = data_key_place(organization_id, row_id)
        again = source.wrap(key=source.unwrap(wrapped=bytes(wrapped), place=place), place=place)
        same = DataKey.objects.filter(id=row_id, kek_id=kek_id)
        if same.update(wrapped=again, kek_id=crypto.envelope_parse(again).key_id):
            yield row_id


def _versions_rewrap(source: KeySource) -> Iterator[str]:
    rows = ProfileVersion.objects.exclude(kek_id=source.primary_id).order_by("id").defer("sealed")
    for version in rows.iterator(chunk_size=500):
        place = version_place(version, field="wrapped_key")
        again = source.wrap(key=source.unwrap(wrapped=bytes(version.wrapped_key), place=place), place=place)
        same = ProfileVersion.objects.filter(id=version.id, kek_id=version.kek_id)
        if same.update(wrapped_key=again, kek_id=crypto.envelope_parse(again).key_id):
            yield version.id
