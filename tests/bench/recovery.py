"""Sessions that end at a real application: found, signed in again by itself, told by signed webhooks.

    uv run python -m tests.bench.recovery [--only site-plain] [--json]

Runs on the django-allauth of `../shared/sites`, which must be up and is stopped and started meanwhile. Its session rows
are deleted; then the site is stopped. Every webhook is verified by the `standardwebhooks` library, the first one is
answered with an error, and the secret is rotated on the way.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kernel import Kernel
from kernel.types.auth import ManagedAuth
from standardwebhooks import Webhook

from tests.bench.sites import SITES, cases
from tests.service.driving import Account, drive
from tests.service.opening import page_text, profile_state
from tests.service.stack import running
from tests.vault.standin import Asked, serve

APPLICATION = "allauth"
SECONDS = 90
SPEED = 60  # an interval of 300 s is one of 5


@dataclass
class Hooks:
    """A receiver that fails once."""

    secrets: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    signed_by: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        message = asked.headers["webhook-id"]
        self.tries[message] += 1
        if len(self.tries) == 1 and self.tries[message] == 1:
            return 500, {}
        for number, secret in enumerate(self.secrets):
            Webhook(secret).verify(asked.body, asked.headers)  # raises where it is not signed with it
            self.signed_by[f"secret {number + 1}"] += 1
        self.seen[json.loads(asked.body)["type"]] += 1
        return 204, {}


@dataclass
class Found:
    case: str
    lost_after_s: float = 0.0
    back_after_s: float = 0.0
    signed_in: bool = False
    while_down: str = ""
    status_kept: bool = False
    ok_again: bool = False
    webhooks: dict[str, int] = field(default_factory=dict)
    signatures: dict[str, int] = field(default_factory=dict)
    retried: int = 0


def sessions_delete() -> None:
    """As an administrator of the site would: every visitor is a stranger from now on."""
    root = Path(os.environ.get("SITES_ROOT") or Path(tempfile.gettempdir()) / "sites")  # where they are installed
    folder = root / APPLICATION
    with closing(sqlite3.connect(folder / "rp.sqlite3", timeout=10)) as database, database:
        database.execute("DELETE FROM django_session")


def site(what: str) -> None:
    subprocess.run([SITES / APPLICATION / what], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def event(client: Kernel, connection: ManagedAuth, since: float, wanted: Callable[[Any], bool]) -> Any:
    """The first event after `since` that is wanted."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for found in client.auth.connections.timeline(connection.id):
            if found.timestamp.timestamp() >= since and wanted(found):
                return found
        time.sleep(0.2)
    raise TimeoutError("it is not in the timeline")


def recover(client: Kernel, case: dict[str, Any], hooks: Hooks, endpoint: dict[str, Any]) -> Found:
    name = f"p-{uuid.uuid4().hex[:8]}"
    client.credentials.create(
        name=name,
        domain=case["domain"],
        values={"username": case["username"], "password": case["password"]},
        totp_secret=case.get("totp_secret"),  # type: ignore[arg-type]  # none is none
    )
    connection = client.auth.connections.create(
        domain=case["domain"],
        profile_name=name,
        login_url=case["login_url"],
        credential={"name": name},
        health_check_interval=300,
        browser={"stealth": False},
    )
    run = drive(client, connection, Account("", ""), mode="stored")
    if run.status != "SUCCESS":
        raise RuntimeError(f"the first login ended {run.status} {run.error_code}")
    found, probe = Found(case["id"]), case["success_probe"]

    def is_check(status: str, code: str | None = None) -> Callable[[Any], bool]:
        return lambda item: (item.type, item.status, item.error_code) == ("health_check", status, code)

    event(client, connection, 0, is_check("AUTHENTICATED"))
    deleted = time.time()
    sessions_delete()
    event(client, connection, deleted, is_check("NEEDS_AUTH"))
    found.lost_after_s = round(time.time() - deleted, 1)
    event(client, connection, deleted, lambda item: (item.type, item.status) == ("reauth", "SUCCESS"))
    found.back_after_s = round(time.time() - deleted, 1)
    found.signed_in = probe["text"] in page_text(probe["url"], profile_state(client, name))
    rotated = client.post(f"/webhooks/{endpoint['id']}/rotate", body={"grace_seconds": 3600}, cast_to=object)
    hooks.secrets.append(dict(rotated)["secret"])  # type: ignore[call-overload]  # JSON
    stopped = time.time()
    site("down.sh")
    try:
        down = event(client, connection, stopped, is_check("AUTHENTICATED", "indeterminate"))
        found.while_down = str(down.error_message)
        found.status_kept = client.auth.connections.retrieve(connection.id).status == "AUTHENTICATED"
    finally:
        site("up.sh")
    started = time.time()
    event(client, connection, started, is_check("AUTHENTICATED"))
    found.ok_again = True
    sessions_delete()
    event(client, connection, started, lambda item: (item.type, item.status) == ("reauth", "SUCCESS"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    wanted = [case for case in cases(["plain", "totp"], APPLICATION) if given.only in case["id"]]
    env = {"AUTHSVC_CHECK_SPEED": str(SPEED), "AUTHSVC_BEAT_SECONDS": "1", "AUTHSVC_DOMAIN_CHECKS": "0"}
    hooks, rows = Hooks(), []
    with running(env=env) as service, serve(hooks.answer) as receiver:
        client = service.client()
        made = client.post("/webhooks", body={"url": f"{receiver.url}/hook"}, cast_to=object)
        endpoint = dict(made)  # type: ignore[call-overload]  # JSON
        hooks.secrets.append(endpoint["secret"])
        for case in wanted:
            rows.append(recover(client, case, hooks, endpoint))
            time.sleep(8)  # the second try of the first message, and the last ones
            hooks.secrets[:] = hooks.secrets[-1:]
    for row in rows:
        row.webhooks, row.signatures = dict(hooks.seen), dict(hooks.signed_by)
        row.retried = sum(tries > 1 for tries in hooks.tries.values())
        print(json.dumps(asdict(row)) if given.json else "\n  ".join(f"{k}: {v}" for k, v in asdict(row).items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
