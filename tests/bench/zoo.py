"""Every kind of login through the real service with the unmodified SDK: behaviour × way of driving it.

    uv run python -m tests.bench.zoo [--only NAME] [--variant plain|spa|component] [--modes stored,legacy] [--json]

A cell is the outcome of one run in a real browser, with the flow's id, or a reason of `REASONS` why there is none.
Hosted runs answer on the hosted page as a browser without JavaScript does; its look and its scripts have their own
tests.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from kernel import Kernel

from flows.engine.contract import ErrorCode
from tests.service.stack import running
from tests.sites.hosted_person import HostedPerson
from tests.sites.zoo.cases import CASES, Case
from tests.sites.zoo.driving import opened
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import Zoo

Mode = Literal["programmatic", "legacy", "hosted", "stored"]
MODES: tuple[Mode, ...] = get_args(Mode)
ENDED = ("SUCCESS", "FAILED", "EXPIRED", "CANCELED")
LIMIT_SECONDS = 90
REASONS = {
    "stored": "no stored value can finish this",
    "handed": "the person on the hosted page is asked to go on by hand; tests/hosted/test_takeover.py shows it",
    "silence": "it ends only when nobody does anything for ten minutes; tests/engine/test_zoo.py shows it",
}
SILENT = (ErrorCode.CAPTCHA_BLOCKED, ErrorCode.BOT_DETECTED, ErrorCode.WRONG_ORIGIN)


@dataclass(slots=True)
class Cell:
    case: str
    mode: str
    right: bool
    status: str
    flow: str = ""
    error: str = ""
    seconds: float = 0.0
    asked: int = 0


class Answers:
    """What a person answers, one value after the other; the last one stays."""

    def __init__(self, case: Case, mode: Mode) -> None:
        given = case.helped if mode == "stored" else case.person
        self._values = {ref: list(values) for ref, values in given.items()}
        self._picks = list(case.picks)

    def value(self, ref: str) -> str | None:
        left = self._values.get(ref, [])
        return left.pop(0) if len(left) > 1 else (left[0] if left else None)

    def pick(self, labels: list[str]) -> int | None:
        """The index of the next choice to take, if it is offered."""
        for at, label in enumerate(labels):
            if self._picks and self._picks[0].lower() in label.lower():
                self._picks.pop(0)
                return at
        return None


def canonical(answers: Answers, state: Any) -> dict[str, Any] | None:
    choices = state.choices or []
    picked = answers.pick([choice.label for choice in choices])
    if picked is not None:
        return {"interaction_id": state.interaction_id, "selected_choice_id": choices[picked].id}
    values = {field.id: value for field in state.fields or [] if (value := answers.value(field.ref or field.id))}
    return {"interaction_id": state.interaction_id, "field_values": values} if values else None


def legacy(answers: Answers, state: Any) -> dict[str, Any] | None:
    """The older dialect: each kind of choice has a list and a parameter of its own."""
    sso, mfa, ways = state.pending_sso_buttons or [], state.mfa_options or [], state.sign_in_options or []
    if (at := answers.pick([button.label for button in sso])) is not None:
        return {"sso_button_selector": sso[at].selector}
    if (at := answers.pick([f"{option.label} {option.target or ''}" for option in mfa])) is not None:
        return {"mfa_option_id": _mfa_id(state, mfa[at])}
    if (at := answers.pick([way.label for way in ways])) is not None:
        return {"sign_in_option_id": ways[at].id}
    refs = {field.id: field.ref or field.id for field in state.fields or []}
    named = {field.name: field for field in state.discovered_fields or []}
    values = {}
    for name, ref in zip(named, refs.values(), strict=False):
        if value := answers.value(ref):
            values[name] = value
    return {"fields": values} if values else None


def _mfa_id(state: Any, option: Any) -> str:
    return str(next((choice.id for choice in state.choices or [] if choice.label == option.label), option.type))


def submitted(client: Kernel, connection_id: str, answers: Answers, state: Any, mode: Mode) -> bool:
    body = legacy(answers, state) if mode == "legacy" else canonical(answers, state)
    if body is not None:
        client.auth.connections.submit(connection_id, **body)
    return body is not None


def on_the_page(answers: Answers, state: Any, person: HostedPerson) -> bool:
    """The same by hand: the first choice wanted that a button offers, else every field there is a value for."""
    forms = person.forms()
    buttons = [(form, button) for form in forms for button in form.buttons if button[0] == "choice"]
    if (at := answers.pick([button[2] for _, button in buttons])) is not None:
        person.press(*buttons[at])
        return True
    refs = {f"value.{field.id}": field.ref or field.id for field in state.fields or []}
    for form in forms:
        values = {name: value for name in form.inputs if (value := answers.value(refs.get(name, "")))}
        if values:
            person.fill(form, values)
            return True
    return False


def drive(client: Kernel, connection_id: str, case: Case, zoo: Zoo, mode: Mode) -> tuple[Any, str, int]:
    """(the final state, the flow's id, how often somebody was asked)."""
    begun = client.auth.connections.login(connection_id)
    person: HostedPerson | None = None
    answers, answered, deadline = Answers(case, mode), set[str](), time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        state = client.auth.connections.retrieve(connection_id)
        if state.flow_status in ENDED:
            return state, urlsplit(begun.hosted_url).path.rpartition("/")[2], len(answered)
        if state.flow_step == "AWAITING_EXTERNAL_ACTION" and case.elsewhere:
            zoo.confirmed.set()
        elif state.interaction_id and state.interaction_id not in answered:
            if mode == "hosted":  # a login that ends at once closes its link before anybody has opened it
                person = person or HostedPerson(begun.hosted_url)
                done = on_the_page(answers, state, person)
            else:
                done = submitted(client, connection_id, answers, state, mode)
            if done:
                answered.add(state.interaction_id)
            elif state.flow_step == "AWAITING_INPUT":
                raise LookupError(f"nothing to answer: {[f.ref for f in state.fields or []]}, {state.choices}")
        time.sleep(0.1)  # a polling customer
    raise TimeoutError(f"still {state.flow_step}")


def connect(client: Kernel, case: Case, zoo: Zoo, mode: Mode) -> str:
    name = f"zoo-{uuid.uuid4().hex[:8]}"
    options: dict[str, Any] = {"allowed_domains": [zoo.partner.server.domain]} if zoo.partner and case.allowed else {}
    if not case.from_start:
        options["login_url"] = f"{zoo.url}/login"
    if mode == "stored":
        extra: dict[str, Any] = {"totp_secret": case.seed} if case.seed else {}
        extra |= {"sso_provider": case.sso} if case.sso else {}
        client.credentials.create(name=name, domain=zoo.server.domain, values=dict(case.stored or {}), **extra)
        options["credential"] = {"name": name}
    connection = client.auth.connections.create(
        domain=zoo.server.domain, profile_name=name, save_credentials=False, **options
    )
    return str(connection.id)


def cell(client: Kernel, loop: asyncio.AbstractEventLoop, case: Case, variant: Variant, mode: Mode) -> Cell:
    """One run of one behaviour."""
    began = time.monotonic()
    with site(loop, case, variant) as zoo:
        try:
            connection_id = connect(client, case, zoo, mode)
            final, flow_id, asked = drive(client, connection_id, case, zoo, mode)
            if case.again:
                final, flow_id, asked = drive(client, connection_id, case, zoo, mode)
        except Exception as error:  # whatever a run stumbles over is its result; the table goes on
            return Cell(case.name, mode, False, "BROKEN", error=f"{type(error).__name__}: {error}"[:200])
    wanted = case.stored_ends if mode == "stored" else case.ends
    right = final.error_code == wanted if wanted else final.flow_status == "SUCCESS"
    right = right and (case.attempts is None or len(zoo.attempts) == case.attempts)
    right = right and not (case.again and asked)
    right = right and (case.codes is None or len(zoo.codes) == case.codes)
    return Cell(
        case=case.name,
        mode=mode,
        right=right,
        status=final.flow_status,
        flow=flow_id,
        error=final.error_code or "",
        seconds=round(time.monotonic() - began, 1),
        asked=asked,
    )


@contextmanager
def site(loop: asyncio.AbstractEventLoop, case: Case, variant: Variant) -> Iterator[Zoo]:
    """The case's site, served by the loop of another thread."""
    context = opened(case, variant)
    zoo = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
    try:
        yield zoo
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()


def reason(case: Case, mode: Mode) -> str | None:
    """Why this cell is not run."""
    if mode == "stored" and case.stored is None:
        return "stored"
    if mode == "hosted" and case.ends is ErrorCode.UNSUPPORTED_AUTH_METHOD and case.handed:
        return "handed"
    return "silence" if (case.stored_ends if mode == "stored" else case.ends) in SILENT else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--variant", default="plain", choices=[variant.value for variant in Variant])
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    variant, cells = Variant(options.variant), []
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    with running() as stack, ThreadPoolExecutor(3) as pool:
        client = stack.client()
        wanted = [case for case in CASES if options.only in case.name and variant in case.variants]
        todo = [(case, mode) for case in wanted for mode in MODES if mode in options.modes.split(",")]
        ran = [job for job in todo if reason(*job) is None]
        for one in pool.map(lambda job: cell(client, loop, job[0], variant, job[1]), ran):
            cells.append(one)
            if not options.json:
                print(_line(one), flush=True)
    skipped = [(case.name, mode, REASONS[why]) for case, mode in todo if (why := reason(case, mode))]
    if options.json:
        print(json.dumps({"cells": [asdict(one) for one in cells], "skipped": skipped}, indent=1))
    else:
        print(f"{sum(one.right for one in cells)} of {len(cells)} right, {len(skipped)} not run:")
        for why in sorted({why for *_, why in skipped}):
            print(f"  {sum(why == other for *_, other in skipped):3} {why}")
    return 0 if cells and all(one.right for one in cells) else 1


def _line(one: Cell) -> str:
    verdict = "ok " if one.right else "BAD"
    return (
        f"{verdict} {one.case:34} {one.mode:13} {one.status:8} {one.seconds:5.1f} s  asked {one.asked}  "
        f"{one.flow} {one.error}"
    )


if __name__ == "__main__":
    sys.exit(main())
