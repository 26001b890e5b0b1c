"""What sealing costs: a profile saved and opened, a value opened, and a rotation of the key-encryption key.

    uv run python -m tests.bench.vault [--rounds 50] [--keys 10000] [--json]

In a database of its own that is thrown away: SQLite in a temporary directory, or `DATABASE_URL` as the suite uses it.
A rotation wraps data keys, one per organization and one per profile version; the credentials under them stay as they
are. `--keys` is how many there are, so 10,000 stands for that many organizations or profile versions.
"""

import argparse
import base64
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
MEGABYTE = 1024 * 1024
AAA, BBB = (f"{name}:{base64.b64encode(name.encode() * 32).decode()}" for name in "ab")


def state(size: int) -> bytes:
    """Browser state of about `size` bytes that compresses as tokens do: hardly."""
    cookies: list[dict[str, object]] = []
    while len(cookies) * 1100 < size:
        token = base64.b64encode(os.urandom(768)).decode()
        cookies.append({"name": f"c{len(cookies)}", "value": token, "domain": "example.com", "path": "/"})
    return json.dumps({"cookies": cookies, "origins": []}).encode()


def timed(rounds: int, work: Callable[[], object]) -> dict[str, float]:
    """Milliseconds: median and 95th percentile."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return {"median_ms": round(statistics.median(took), 2), "p95_ms": round(sorted(took)[int(rounds * 0.95)], 2)}


def profiles_measure(rounds: int) -> dict[str, Any]:
    from django.utils import timezone

    from vault.principal import Principal
    from vault.profiles import profile_create, profile_lease, profile_save, profile_state
    from vault.sealing import open_sealed, seal
    from vault.tenancy import organization_create

    organization, project = organization_create("bench")
    principal = Principal(organization.id, project.id, "key", "key")
    profile = profile_create(principal)
    lease = profile_lease(profile.id, holder="bench", seconds=3600, now=timezone.now())
    if lease is None:
        raise RuntimeError("a new profile has no other writer")
    content = state(MEGABYTE)
    where = {"organization_id": organization.id, "table": "t", "record_id": "r", "field": "f"}
    sealed = seal(plaintext=b"x" * 32, **where)
    big = seal(plaintext=content, **where)
    return {
        "profile_bytes": len(content),
        "profile_save": timed(rounds, lambda: profile_save(lease, content, now=timezone.now())),
        "profile_open": timed(rounds, lambda: profile_state(profile.id)),
        "seal_1mb": timed(rounds, lambda: seal(plaintext=content, **where)),
        "open_1mb": timed(rounds, lambda: open_sealed(sealed=big, **where)),
        "open_value": timed(rounds * 10, lambda: open_sealed(sealed=sealed, **where)),
    }


def rotation_measure(keys: int) -> dict[str, Any]:
    from django.conf import settings

    from vault import crypto
    from vault.ids import new_id
    from vault.keyring import keyring
    from vault.models import DataKey, Organization
    from vault.rotation import keys_rewrap
    from vault.sealing import data_key_place

    organizations = Organization.objects.bulk_create([Organization(name=str(number)) for number in range(keys)])
    source, rows = keyring(), []
    for organization in organizations:
        key_id = new_id("dk")
        wrapped = source.wrap(key=crypto.key_new(), place=data_key_place(organization.id, key_id))
        rows.append(DataKey(id=key_id, organization=organization, wrapped=wrapped, kek_id=source.primary_id))
    DataKey.objects.bulk_create(rows)
    settings.KEK = f"{BBB},{AAA}"
    start = time.perf_counter()
    done = sum(1 for _ in keys_rewrap(keyring()))
    took = time.perf_counter() - start
    return {"rewrapped": done, "seconds": round(took, 2), "per_second": round(done / took)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["AUTHSVC_KEK"] = AAA
    django.setup()
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        found = profiles_measure(options.rounds) | {"rotation": rotation_measure(options.keys)}
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    found["database"] = connection.vendor
    if options.json:
        print(json.dumps(found))
        return
    for measured, figure in found.items():
        print(f"{measured:<14} {figure}")


if __name__ == "__main__":
    main()
