"""How much of the time a profile is truly signed in, at sites whose sessions last 18 seconds, checked every 3.

    uv run python -m tests.bench.soak [--minutes 15] [--json]

At 100 : 1 that is 30 minutes, 5 minutes and 25 hours. One site ends every session after its 18 seconds, the other 18
seconds after the last visit. The sites know the truth; the timeline says what the service believed.
"""

import argparse
import json
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from kernel import Kernel

from tests.service.driving import Account, drive
from tests.service.stack import running
from tests.sites.endings import PASSWORD, USER, App, EndingSite
from tests.sites.server import Request, serving

SESSION_SECONDS = 18
SPEED = 100
SAMPLE_SECONDS = 0.1


@dataclass(slots=True)
class AgeingSite(EndingSite):
    """`rolling` sessions end so long after the last visit, others after the login."""

    rolling: bool = False

    def _signed_in(self, request: Request) -> bool:
        session, now = request.session, time.monotonic()
        if "user" not in session or now >= session.setdefault("until", now + SESSION_SECONDS):
            session.clear()
            return False
        if self.rolling:
            session["until"] = now + SESSION_SECONDS
        return True

    def alive(self) -> bool:
        now = time.monotonic()
        kept = list(self.server.sessions.values())
        return any("user" in session and now < session.get("until", now + 1) for session in kept)


def connected(client: Kernel, site: EndingSite) -> str:
    name = f"p-{uuid.uuid4().hex[:8]}"
    client.credentials.create(name=name, domain=site.server.domain, values={"username": USER, "password": PASSWORD})
    connection = client.auth.connections.create(
        domain=site.server.domain,
        profile_name=name,
        login_url=site.login_url,
        credential={"name": name},
        health_check_interval=300,
        browser={"stealth": False},
    )
    run = drive(client, connection, Account("", ""), mode="stored")
    if run.status != "SUCCESS":
        raise RuntimeError(f"the first login ended {run.status} {run.error_code}")
    return connection.id


@dataclass(frozen=True, slots=True)
class Row:
    site: str
    minutes: float
    signed_in: float  # share of the time
    checks: dict[str, int]
    false_alarms: int
    reauths: dict[str, int]
    requests: int


def soak(*, minutes: float) -> list[Row]:
    env = {"AUTHSVC_CHECK_SPEED": str(SPEED), "AUTHSVC_BEAT_SECONDS": "1", "AUTHSVC_DOMAIN_CHECKS": "0"}
    rows = []
    with ExitStack() as stack:
        service = stack.enter_context(running(arguments=(), env=env))
        client = service.client()
        sites = {
            kind: AgeingSite(stack.enter_context(serving()), App.PAGES, rolling=kind == "rolling")
            for kind in ("fixed", "rolling")
        }
        ids = {kind: connected(client, site) for kind, site in sites.items()}
        begun = {kind: len(site.server.seen) for kind, site in sites.items()}
        alive: Counter[str] = Counter()
        history: dict[str, list[tuple[float, bool]]] = {kind: [] for kind in sites}
        samples, started = 0, time.monotonic()
        while time.monotonic() - started < minutes * 60:
            samples += 1
            for kind, site in sites.items():
                truth = site.alive()
                alive[kind] += truth
                history[kind].append((time.time(), truth))
            time.sleep(SAMPLE_SECONDS)
        for kind, site in sites.items():
            events = list(client.auth.connections.timeline(ids[kind], limit=100))
            checks = Counter(event.error_code or event.status for event in events if event.type == "health_check")
            lost = [
                event.timestamp.timestamp()
                for event in events
                if event.type == "health_check" and (event.status, event.error_code) == ("NEEDS_AUTH", None)
            ]
            reauths: Counter[str] = Counter(event.status for event in events if event.type == "reauth")
            rows.append(
                Row(
                    kind,
                    minutes,
                    round(alive[kind] / samples, 4),
                    dict(checks),
                    sum(_was_alive(history[kind], at) for at in lost),
                    dict(reauths),
                    len(site.server.seen) - begun[kind],
                )
            )
    return rows


def _was_alive(history: list[tuple[float, bool]], at: float) -> bool:
    """Whether the session lived during the seconds before a check said that it does not."""
    before = [truth for when, truth in history if at - 1.0 <= when <= at]
    return bool(before) and all(before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = soak(minutes=given.minutes)
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return 0
    for row in rows:
        print(
            f"{row.site:8} signed in {100 * row.signed_in:.1f} % of {row.minutes:g} min; checks {row.checks}, "
            f"false alarms {row.false_alarms}, re-authentications {row.reauths}, requests {row.requests}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
