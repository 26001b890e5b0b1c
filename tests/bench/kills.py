"""Processes killed at random moments of logins, and what became of each: `kill -9` of worker, web, Chromium, broker.

    uv run python -m tests.bench.kills [--runs 50] [--seed N] [--json]

Each run logs in to a site of its own, with answers through the API, a stored password, or a stored password that the
site refuses. One victim dies somewhere between the start and the end. A run is right when the flow never stood still
for longer than the lease and 30 seconds, nothing stored was lost or damaged, `AUTHENTICATED` is true in a browser that
knows only the profile, and no password was sent again after its refusal was known.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil
from kernel import APIConnectionError, APIStatusError, Kernel
from playwright.sync_api import Browser, sync_playwright

from flows.engine.chromium import chromium_path, headless_shell_path
from tests.bench.zoo import Answers, canonical, site
from tests.service.stack import Stack, running
from tests.sites.zoo.cases import CASES
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import PASSWORD, USER, Zoo

LEASE_SECONDS = 10
ALLOWED_SECONDS = LEASE_SECONDS + 30
LIMIT_SECONDS = 150
LONGEST_WAIT = 4.0
WRONG = "not the password"
ENDED = ("SUCCESS", "FAILED", "EXPIRED", "CANCELED")
KINDS = ("asked", "stored", "refused")
VICTIMS = {
    "worker": ("celery -A authsvc --quiet worker",),
    "web": ("uvicorn authsvc.asgi",),
    "broker": ("redis-server",),
    "chromium": (),
}
CASE = next(case for case in CASES if case.name == "one page")


@dataclass(slots=True)
class Result:
    number: int
    kind: str
    victim: str
    killed_after: float
    killed: int = 0
    status: str = ""
    error: str = ""
    flow: str = ""
    seconds: float = 0.0  # from the kill, or the last answer after it, to the end
    still: float = 0.0  # the longest time in which nothing changed
    faults: list[str] = field(default_factory=list)


def pids_of(stack: Stack, victim: str) -> list[int]:
    """Only processes below the service that this program started."""
    below = psutil.Process(stack.process.pid).children(recursive=True)
    if victim == "chromium":
        return [one.pid for one in below if "chrom" in one.name() or "headless" in one.name()]
    words = VICTIMS[victim]
    found = []
    for one in below:
        try:
            command = " ".join(one.cmdline())
        except psutil.Error:
            continue
        if any(word in command for word in words):
            found.append(one.pid)
    return found


def kill(stack: Stack, victim: str) -> int:
    count = 0
    for pid in pids_of(stack, victim):
        try:
            os.kill(pid, signal.SIGKILL)
            count += 1
        except ProcessLookupError:
            continue
    return count


class Patient:
    """The API for somebody who repeats what did not arrive."""

    def __init__(self, stack: Stack) -> None:
        self.client: Kernel = stack.client(max_retries=0)

    def ask(self, call: Any, *arguments: Any, **options: Any) -> Any:
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                return call(*arguments, **options)
            except APIConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)  # the web process is being started again


def prepared(patient: Patient, zoo: Zoo, kind: str) -> tuple[str, str, str]:
    """(connection, profile and credential name), one successful login done for a stored password."""
    client, name = patient.client, f"kill-{uuid.uuid4().hex[:8]}"
    options: dict[str, Any] = {"login_url": f"{zoo.url}/login", "browser": {"stealth": False}}
    if kind != "asked":
        values = {"username": USER, "password": PASSWORD if kind == "stored" else WRONG}
        patient.ask(client.credentials.create, name=name, domain=zoo.server.domain, values=values)
        options["credential"] = {"name": name}
    connection = patient.ask(
        client.auth.connections.create, domain=zoo.server.domain, profile_name=name, save_credentials=False, **options
    )
    return connection.id, name, name if kind != "asked" else ""


def one_run(stack: Stack, zoo: Zoo, browser: Browser, result: Result) -> None:
    patient = Patient(stack)
    client = patient.client
    connection_id, profile, credential = prepared(patient, zoo, result.kind)
    patient.ask(client.auth.connections.login, connection_id)
    began, refused_at = time.monotonic(), None
    last, answers, answered = began, Answers(CASE, "programmatic"), set[str]()
    looked, changed = None, began
    while time.monotonic() - began < LIMIT_SECONDS:
        if not result.killed and time.monotonic() - began >= result.killed_after:
            result.killed, last = kill(stack, result.victim), time.monotonic()
        try:
            state = client.auth.connections.retrieve(connection_id)
        except APIConnectionError:
            continue
        if (look := (state.flow_step, state.interaction_id, state.flow_status)) != looked:
            looked, changed = look, time.monotonic()
        result.still = max(result.still, round(time.monotonic() - changed, 1))
        if state.flow_status in ENDED and (result.killed or time.monotonic() - began >= result.killed_after):
            break
        if any(item.reason == "rejected" for item in state.fields or []):
            refused_at = refused_at if refused_at is not None else len(zoo.attempts)
        if state.interaction_id and state.interaction_id not in answered and state.flow_step == "AWAITING_INPUT":
            body = canonical(answers, state)
            try:
                if body is not None:
                    client.auth.connections.submit(connection_id, **body)
                    answered.add(state.interaction_id)
                    last = time.monotonic()
            except (APIConnectionError, APIStatusError):
                continue  # asked anew: the pause may have been withdrawn meanwhile
        time.sleep(0.05)  # a polling customer
    else:
        result.faults.append(f"still {state.flow_step}")
    result.seconds = round(time.monotonic() - last, 1)
    result.status, result.error, result.flow = state.flow_status or "", state.error_code or "", state.id
    judge(patient, zoo, browser, result, state=state, profile=profile, credential=credential, refused_at=refused_at)


def judge(
    patient: Patient,
    zoo: Zoo,
    browser: Browser,
    result: Result,
    *,
    state: Any,
    profile: str,
    credential: str,
    refused_at: int | None,
) -> None:
    if result.still > ALLOWED_SECONDS:
        result.faults.append(f"stood still for {result.still} s")
    if result.status != "SUCCESS":
        result.faults.append(f"{result.status} {result.error}")
    if state.status == "AUTHENTICATED":
        kept = json.loads(patient.ask(patient.client.profiles.download, profile).read())
        context = browser.new_context(storage_state={"cookies": kept["cookies"], "origins": kept["origins"]})
        page = context.new_page()
        page.goto(f"{zoo.url}/home")
        if "Signed in as" not in page.inner_text("body"):
            result.faults.append("AUTHENTICATED but not signed in")
        context.close()
    if credential and not patient.ask(patient.client.credentials.retrieve, credential).has_values:
        result.faults.append("the credential lost its values")
    wrong = [at for at, (_, password) in enumerate(zoo.attempts) if password == WRONG]
    if refused_at is not None and any(at >= refused_at for at in wrong):
        result.faults.append("a rejected password was sent again")
    if len(wrong) > 2:
        result.faults.append(f"a password of unknown outcome was sent {len(wrong)} times")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    chance, results = random.Random(seed), []
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    env = {
        "AUTHSVC_FLOW_LEASE_SECONDS": str(LEASE_SECONDS),
        "AUTHSVC_BEAT_SECONDS": "2",
        "AUTHSVC_DOMAIN_LOGINS": "6000",
    }
    with running(env=env) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=headless_shell_path() or chromium_path(), chromium_sandbox=False
        )
        for number in range(options.runs):
            result = Result(
                number=number,
                kind=chance.choice(KINDS),
                victim=list(VICTIMS)[number % len(VICTIMS)],
                killed_after=round(chance.uniform(0, LONGEST_WAIT), 2),
            )
            with site(loop, CASE, Variant.PLAIN) as zoo:
                try:
                    one_run(stack, zoo, browser, result)
                except Exception as error:  # whatever a run stumbles over is its result; the others go on
                    result.faults.append(f"{type(error).__name__}: {error}"[:200])
            results.append(result)
            if not options.json:
                print(_line(result), flush=True)
        browser.close()
    summary = {
        "seed": seed,
        "runs": len(results),
        "right": sum(not one.faults for one in results),
        "slowest_seconds": max(one.seconds for one in results),
        "still_seconds": max(one.still for one in results),
        "faults": dict(Counter(fault for one in results for fault in one.faults)),
    }
    print(json.dumps({**summary, "results": [asdict(one) for one in results]} if options.json else summary, indent=1))
    return 0 if summary["right"] == summary["runs"] else 1


def _line(one: Result) -> str:
    verdict = "BAD" if one.faults else "ok "
    return (
        f"{verdict} {one.number:3} {one.kind:8} {one.victim:9} after {one.killed_after:4.2f} s ({one.killed} killed): "
        f"{one.status} {one.seconds:5.1f} s (still {one.still:.1f})  {one.flow} {'; '.join(one.faults)}"
    )


if __name__ == "__main__":
    sys.exit(main())
