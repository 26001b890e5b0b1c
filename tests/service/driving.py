"""A customer's program: drives one login through the SDK, in either dialect, answering what it is asked."""

import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyotp
from kernel import Kernel
from kernel.types.auth import ManagedAuth

from tests.sites.hosted_person import HostedPerson

Mode = Literal["programmatic", "legacy", "hosted", "stored"]
ENDED = ("SUCCESS", "FAILED", "EXPIRED", "CANCELED")
LIMIT_SECONDS = 120


@dataclass
class Account:
    """What a person knows."""

    username: str
    password: str
    totp_secret: str = ""
    mail_dir: str = ""
    sso: str = ""
    used_codes: set[str] = field(default_factory=set)

    def value(self, kind: str, label: str, *, since: float) -> str:
        if kind in ("identifier", "email", "text", "tel"):
            return self.username
        if kind == "password":
            return self.password
        if self.mail_dir and not self.totp_secret:
            return mailed_code(Path(self.mail_dir), since=since)
        return self.code()

    def code(self) -> str:
        """A code nobody used yet, with time left to type it."""
        totp = pyotp.TOTP(self.totp_secret)
        while True:
            code, left = totp.now(), totp.interval - time.time() % totp.interval
            if code not in self.used_codes and left > 3:
                self.used_codes.add(code)
                return code
            time.sleep(min(left, 0.5))  # the clock is what is waited for


def mailed_code(directory: Path, *, since: float) -> str:
    """The code in the newest mail, once it is newer than `since`."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        mails = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime)
        if mails and mails[-1].stat().st_mtime >= since:
            found = re.findall(r"^\s*([A-Z0-9]{3,6}-?[A-Z0-9]{3,6})\s*$", mails[-1].read_text(), re.MULTILINE)
            if found:
                return str(found[-1])
        time.sleep(0.1)  # a file system offers no event without another dependency
    raise TimeoutError("no mail with a code came")


@dataclass
class Run:
    """How one login went. Times are seconds since `login` was called."""

    connection_id: str
    status: str = ""
    error_code: str | None = None
    website_error: str | None = None
    asked: list[list[str]] = field(default_factory=list)
    fields_known: float = 0.0
    submitted: float = 0.0
    ended: float = 0.0
    final: Any = None


Answerer = Callable[[Any], dict[str, Any]]


def canonical_answer(account: Account, state: Any, *, since: float) -> dict[str, Any]:
    if account.sso and state.choices:
        for choice in state.choices:
            if choice.type == "sso_provider" and account.sso.lower() in choice.label.lower():
                return {"interaction_id": state.interaction_id, "selected_choice_id": choice.id}
    if state.fields:
        values = {
            item.id: account.value(item.type, item.label or "", since=since) for item in state.fields if item.required
        }
        return {"interaction_id": state.interaction_id, "field_values": values}
    return {"interaction_id": state.interaction_id, "selected_choice_id": state.choices[0].id}


def legacy_answer(account: Account, state: Any, *, since: float) -> dict[str, Any]:
    if account.sso and state.pending_sso_buttons:
        for button in state.pending_sso_buttons:
            if account.sso.lower() in button.label.lower():
                return {"sso_button_selector": button.selector}
    if state.discovered_fields:
        fields = state.discovered_fields
        return {
            "fields": {
                item.name: account.value(item.type, item.label, since=since)
                for item in fields
                if item.required is not False
            }
        }
    return {"sign_in_option_id": state.sign_in_options[0].id}


def drive(client: Kernel, connection: ManagedAuth, account: Account, *, mode: Mode, on_ask: Any = None) -> Run:
    """Log in: `programmatic` follows the stream and answers canonically, `legacy` polls, `hosted` answers on the hosted
    page, `stored` only watches."""
    since, start = time.time(), time.monotonic()
    begun = client.auth.connections.login(connection.id)
    run = Run(connection_id=connection.id)
    person = HostedPerson(begun.hosted_url) if mode == "hosted" else None
    states = _polled(client, connection.id) if mode in ("legacy", "hosted") else _followed(client, connection.id)
    answered: set[Any] = set()
    with closing(states):
        for state in states:
            now = time.monotonic() - start
            if now > LIMIT_SECONDS:
                raise TimeoutError(f"{connection.domain}: still {state.flow_step}")
            if state.flow_status in ENDED:
                run.status, run.error_code, run.ended = state.flow_status, state.error_code, now
                run.website_error, run.final = state.website_error, state
                return run
            if state.flow_step != "AWAITING_INPUT" or mode == "stored" or state.interaction_id in answered:
                continue
            answered.add(state.interaction_id)
            run.fields_known = run.fields_known or now
            run.asked.append([item.type for item in state.fields or []])
            answer = legacy_answer if mode == "legacy" else canonical_answer
            body = on_ask(state) if on_ask else answer(account, state, since=since)
            run.submitted = time.monotonic() - start
            if person is not None:
                on_the_page(person, body)
            else:
                client.auth.connections.submit(connection.id, **body)
    raise RuntimeError("the stream ended before the flow did")


def on_the_page(person: HostedPerson, body: dict[str, Any]) -> None:
    """Give a canonical answer by hand: press the choice's button, or fill the fields and send them."""
    if chosen := body.get("selected_choice_id"):
        forms = person.forms()
        person.press(*next((form, button) for form in forms for button in form.buttons if button[1] == chosen))
        return
    values = {f"value.{field_id}": value for field_id, value in body["field_values"].items()}
    person.fill(next(form for form in person.forms() if values.keys() <= set(form.inputs)), values)


def _followed(client: Kernel, connection_id: str) -> Any:
    # Closed here and not by the garbage collector, which may run while the client holds its own lock.
    with client.auth.connections.follow(connection_id) as events:
        for event in events:
            if event.event == "managed_auth_state":
                yield event


def _polled(client: Kernel, connection_id: str) -> Any:
    while True:
        yield client.auth.connections.retrieve(connection_id)
        time.sleep(0.1)  # a polling customer
