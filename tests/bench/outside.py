"""Logs in to the real applications of `../shared/sites` with values that are only in an outside source.

    uv run python -m tests.bench.outside [--kinds totp] [--only allauth] [--json]

User name, password and one-time-code seed come from a 1Password Connect server and from a KV engine, each by path and
by the site's domain. The applications must be running (`../shared/sites/up.sh`). A row is right as in
`tests.bench.sites`, when nobody was asked anything, and when afterwards neither value is in the database, the broker,
the log or a credential.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from kernel import Kernel

from tests.bench.sites import Row as SiteRow
from tests.bench.sites import cases, run_case
from tests.service.driving import Account
from tests.service.places import database_rows, redis_dump
from tests.service.stack import Stack, running
from tests.vault.connect_server import TOKEN as CONNECT_TOKEN
from tests.vault.connect_server import connect_server
from tests.vault.kv_engine import MOUNT, kv_engine
from tests.vault.kv_engine import TOKEN as KV_TOKEN

CODE_SECONDS = 30


@dataclass
class Row:
    source: str
    by: str
    login: SiteRow
    traces: list[str]

    @property
    def right(self) -> bool:
        return self.login.right and not self.login.known_s and not self.traces


@contextmanager
def sources(client: Kernel, case: dict[str, Any]) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """(source, way, reference) of each way to the case's item."""
    values = {"username": case["username"], "password": case["password"]}
    if case.get("totp_secret"):
        values["totp"] = case["totp_secret"]
    with connect_server() as connect, kv_engine() as engine:
        connect.add("Elsewhere", urls=("https://elsewhere.example",), username="nobody", password="nothing")
        connect.add("Site", urls=(case["login_url"],), **values)
        engine.add("web/Site", urls=(case["login_url"],), **values)
        suffix = uuid.uuid4().hex[:6]
        first, second = f"connect-{suffix}", f"kv-{suffix}"
        client.credential_providers.create(
            name=first,
            token=CONNECT_TOKEN,
            provider_type="onepassword",
            extra_body={"server_url": connect.server.url},
        )
        body = {"name": second, "token": KV_TOKEN, "provider_type": "vault_kv", "server_url": engine.server.url}
        client.post("/org/credential_sources", cast_to=object, body=body | {"options": {"mount": MOUNT}})
        yield [
            ("1Password Connect", "path", {"provider": first, "path": "Team/Site"}),
            ("1Password Connect", "domain", {"provider": first, "auto": True}),
            ("KV engine", "path", {"provider": second, "path": f"{MOUNT}/web/Site"}),
            ("KV engine", "domain", {"provider": second, "auto": True}),
        ]


def traces(stack: Stack, client: Kernel, case: dict[str, Any]) -> list[str]:
    """Where a secret value of the case is found after the logins."""
    sought = [value for value in (case["password"], case.get("totp_secret")) if value]
    places = {
        "database": database_rows(stack.env, stack.data_dir),
        "broker": redis_dump(stack.env, stack.data_dir),
        "log": stack.log,
    }
    found = [place for place, text in places.items() if any(value in text for value in sought)]
    return found + [f"credential {item.name}" for item in client.credentials.list()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default="totp")
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with running() as stack:
        client = stack.client()
        for case in cases(options.kinds.split(","), options.only):
            with sources(client, case) as ways:
                for source, by, reference in ways:
                    if case.get("totp_secret"):
                        # Each source counts the codes it gave by itself; the site takes none a second time.
                        time.sleep(CODE_SECONDS - time.time() % CODE_SECONDS)
                    login = run_case(client, case, "stored", Account("", ""), outside=reference)
                    row = Row(source, by, login, traces(stack, client, case))
                    rows.append(row)
                    if not options.json:
                        print(_line(row), flush=True)
    if options.json:
        print(json.dumps([asdict(row) | {"right": row.right} for row in rows], indent=1))
    else:
        print(f"{sum(row.right for row in rows)} of {len(rows)} right")
    return 0 if rows and all(row.right for row in rows) else 1


def _line(row: Row) -> str:
    login, found = row.login, ", ".join(row.traces) or "no trace"
    return (
        f"{'ok ' if row.right else 'BAD'} {login.case:24} {row.source:18} by {row.by:7} {login.status:8} "
        f"{login.finish_s:6.2f} s  {found}  {login.error or ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
