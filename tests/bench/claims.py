"""100,000 due connections, claimed by 4 beats and worked off by 8 workers at once, on the database of the settings.

    DATABASE_URL=postgres://… uv run python -m tests.bench.claims [--connections 100000] [--json]

Workers here end a check at once: it is the claiming that is measured. Wrong is a connection claimed twice or never.
"""

import argparse
import json
import multiprocessing
import os
import queue
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("AUTHSVC_DOMAIN_CHECKS", "0")
os.environ.setdefault("AUTHSVC_CHECKS_WAITING", "4000")
os.environ.setdefault("AUTHSVC_LOG_LEVEL", "ERROR")
django.setup()

from django.db import connection as database  # noqa: E402 - after the settings
from django.db import connections  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from flows.models import Connection, ConnectionStatus, HealthCheck  # noqa: E402
from flows.services.checks import check_end  # noqa: E402
from flows.services.claims import checks_claim  # noqa: E402
from tests.flows.factories import make_principal  # noqa: E402
from vault.models import Profile  # noqa: E402

BEATS, WORKERS, DOMAINS = 4, 8, 500


def fill(number: int) -> None:
    """Connections that have been due for up to two hours."""
    principal, now = make_principal(), timezone.now()
    tenant = {"organization_id": principal.organization_id, "project_id": principal.project_id}
    for start in range(0, number, 5000):
        places = range(start, min(start + 5000, number))
        profiles = Profile.objects.bulk_create(Profile(**tenant, name=f"p{n}", created_at=now) for n in places)
        Connection.objects.bulk_create(
            Connection(
                **tenant,
                profile=profile,
                domain=f"site{n % DOMAINS}.example",
                status=ConnectionStatus.AUTHENTICATED,
                auth_check={"url": "https://example.com/"},
                check_due_at=now - timedelta(seconds=n % 7200),
                created_at=now,
            )
            for n, profile in zip(places, profiles, strict=True)
        )


def beat(name: str, tasks: Any, stop: Any) -> None:
    database.settings_dict["NAME"] = name
    while not stop.is_set():
        claimed = checks_claim(now=timezone.now())
        for check in claimed:
            tasks.put((check.pk, check.connection_id))
        if not claimed:
            time.sleep(0.2)


def work(name: str, tasks: Any, done: Any, stop: Any) -> None:
    database.settings_dict["NAME"] = name
    while True:
        try:
            check_id, connection_id = tasks.get(timeout=1)
        except queue.Empty:
            if stop.is_set():
                return
            continue
        check_end(check_id, HealthCheck.Result.OK, now=timezone.now(), way="request")
        done.put(connection_id)


def run(number: int) -> dict[str, Any]:
    fill(number)
    name = database.settings_dict["NAME"]
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    tasks, done, stop = context.Queue(), context.Queue(), context.Event()
    begun = time.monotonic()
    beats = [context.Process(target=beat, args=(name, tasks, stop)) for _ in range(BEATS)]
    workers = [context.Process(target=work, args=(name, tasks, done, stop)) for _ in range(WORKERS)]
    for process in (*beats, *workers):
        process.start()
    seen: Counter[str] = Counter()
    while sum(seen.values()) < number and time.monotonic() - begun < 3000:
        try:
            seen[done.get(timeout=300)] += 1
        except queue.Empty:
            break
    seconds = time.monotonic() - begun
    stop.set()
    for process in (*workers, *beats):
        process.join(30)
    return {
        "connections": number,
        "database": database.vendor,
        "seconds": round(seconds, 1),
        "per_second": round(sum(seen.values()) / seconds),
        "twice": sum(count > 1 for count in seen.values()),
        "never": number - len(seen),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        found = run(given.connections)
    finally:
        connections.close_all()
        teardown_databases(made, verbosity=0)
    print(json.dumps(found) if given.json else ", ".join(f"{name} {value}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
