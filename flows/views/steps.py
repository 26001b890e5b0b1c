"""What the page shows for a flow, as plain values: which step, which inputs and buttons, which words."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from flows.engine.contract import AskedChoice, AskedField, FieldReason
from flows.engine.reading.model import ChoiceKind, FieldRole
from flows.models import Flow, Interaction, Picture
from flows.pauses import choice_from_json, field_from_json, is_code
from flows.selectors import flow_interaction
from flows.transitions import FlowState
from flows.views.languages import isolated
from flows.views.marks import choice_icon, provider_initial, provider_mark

Text = str | Promise


class StepKind(StrEnum):
    """One template part each, `hosted/steps/<kind>.html`."""

    QUEUED = "queued"
    DISCOVERING = "discovering"
    FORM = "form"
    EXTERNAL = "external"
    SUBMITTING = "submitting"
    SUCCESS = "success"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


LIVE_KINDS = frozenset({StepKind.QUEUED, StepKind.DISCOVERING, StepKind.FORM, StepKind.EXTERNAL, StepKind.SUBMITTING})

# (type, autocomplete, inputmode); the page's own keyboard and e-mail type come before the ones here.
_CONTROL: Mapping[FieldRole, tuple[str, str, str]] = {
    FieldRole.IDENTIFIER: ("text", "username", ""),
    FieldRole.EMAIL: ("text", "username", "email"),
    FieldRole.PHONE: ("tel", "tel", "tel"),
    FieldRole.PASSWORD: ("password", "current-password", ""),
    FieldRole.NEW_PASSWORD: ("password", "new-password", ""),
    FieldRole.CODE: ("text", "one-time-code", ""),
    FieldRole.TOTP: ("text", "one-time-code", "numeric"),
    FieldRole.RECOVERY_CODE: ("text", "off", ""),
    FieldRole.TEXT: ("text", "off", ""),
    FieldRole.CHECKBOX: ("checkbox", "off", ""),
}
_LABEL: Mapping[FieldRole, Text] = {
    FieldRole.IDENTIFIER: _("User name"),
    FieldRole.EMAIL: _("E-mail address"),
    FieldRole.PHONE: _("Phone number"),
    FieldRole.PASSWORD: _("Password"),
    FieldRole.NEW_PASSWORD: _("New password"),
    FieldRole.CODE: _("Code"),
    FieldRole.TOTP: _("Code from your authenticator app"),
    FieldRole.RECOVERY_CODE: _("Recovery code"),
}
_TITLE: Mapping[StepKind, Text] = {
    StepKind.QUEUED: _("Starting a browser"),
    StepKind.DISCOVERING: _("Opening %(domain)s"),
    StepKind.FORM: _("Sign in to %(domain)s"),
    StepKind.EXTERNAL: _("Confirm it is you"),
    StepKind.SUBMITTING: _("Signing in to %(domain)s"),
    StepKind.SUCCESS: _("You are signed in"),
    StepKind.FAILED: _("The sign-in did not work"),
    StepKind.EXPIRED: _("Time is up"),
    StepKind.CANCELED: _("Canceled"),
}
_ENDED: Mapping[str, StepKind] = {
    FlowState.SUCCESS: StepKind.SUCCESS,
    FlowState.FAILED: StepKind.FAILED,
    FlowState.EXPIRED: StepKind.EXPIRED,
    FlowState.CANCELED: StepKind.CANCELED,
}
# What the engine says in words of its own where a page has none.
_ENGINE_SAYS = (
    gettext_noop("The site waits for something to be confirmed outside the browser."),
    gettext_noop("The site checks whether this is a bot. Complete its check, or wait until it lets the login go on."),
    gettext_noop("The site shows a captcha. The login goes on by itself once it is solved."),
)
_CAPTCHA = re.compile(r"^The site shows a captcha \([^()]*\)\.")
# A number to be picked on another device: it stands alone, and is neither a time nor the end of a masked number.
_UNITS = (
    r"%|s|sec\w*|min\w*|h|hours?|days?|digits?|times?|seg\w*|sek\w*|stunden?|tagen?|ziffern|stellig\w*|heures?|jours?|"
    r"d[ií]gitos|chiffres|cifre"
)
_NUMBER = re.compile(
    r"(?<![\w•*×.,:/+#-])(?<![•*×0-9]\s)(?<!ending in )(?<!ending with )([0-9]{1,3})"
    rf"(?![\w%]|[\s.,:/-][0-9]|\s*(?:{_UNITS})\b)",
    re.IGNORECASE,
)
_TYPES = frozenset({"email", "tel", "url", "number"})
_INPUT_MODES = frozenset({"text", "email", "tel", "numeric"})


@dataclass(frozen=True, slots=True)
class Input:
    """One control. It never carries a value."""

    id: str
    name: str
    label: Text
    type: str
    autocomplete: str
    input_mode: str
    hint: str
    placeholder: str
    required: bool
    refused: bool
    message: str  # the site's words, where they belong to this field


@dataclass(frozen=True, slots=True)
class Option:
    """One button."""

    id: str
    label: str
    detail: str
    icon: str  # of the kind of choice
    mark: str  # a provider's, as a static file; empty: its first letter stands for it
    initial: str  # empty where it would say nothing


@dataclass(frozen=True, slots=True)
class Step:
    """`key` changes exactly when the page must be drawn again. `host` is the address that asks, where it is not the
    connection's own."""

    kind: StepKind
    key: str
    title: Text
    domain: str
    shown: str  # the domain, safe inside a sentence of the other direction
    flow_status: str  # the wire's, for the page that embeds this one
    flow_step: str
    interaction_id: str = ""
    host: str = ""
    inputs: tuple[Input, ...] = ()
    sign_ins: tuple[Option, ...] = ()
    options: tuple[Option, ...] = ()
    instruction: str = ""
    number: str = ""  # to be picked on another device
    pictured: bool = False  # there is a picture of what is in the way
    message: str = ""  # the site's words, where no field is to blame
    refused: bool = False
    error_code: str = ""
    attempt: int = 0
    takeover: bool = False  # the person can go on in the page itself

    @property
    def live(self) -> bool:
        return self.kind in LIVE_KINDS

    @property
    def template(self) -> str:
        return f"hosted/steps/{self.kind.value}.html"

    @property
    def reloads(self) -> bool:
        """Whether a browser without JavaScript may reload by itself: never while somebody types."""
        return self.live and self.kind is not StepKind.FORM and not self.inputs

    @property
    def stage(self) -> int:
        """How far the login is: 1 the site opens, 2 the person signs in, 3 done."""
        if self.kind in (StepKind.QUEUED, StepKind.DISCOVERING):
            return 1
        return 3 if self.kind is StepKind.SUCCESS else 2


def step_of(flow: Flow, *, now: datetime) -> Step:
    """The present step of `flow`, which comes with its connection loaded."""
    kind = _kind(flow, now=now)
    interaction = flow_interaction(flow) if kind in (StepKind.FORM, StepKind.EXTERNAL) else None
    if interaction is None and kind in (StepKind.FORM, StepKind.EXTERNAL):
        kind = StepKind.SUBMITTING  # answered between two of our queries
    domain = flow.connection.domain
    shown = isolated(domain)
    common: dict[str, Any] = {
        "kind": kind,
        "key": _key(flow, kind, interaction),
        "title": _TITLE[kind] % {"domain": shown},
        "domain": domain,
        "shown": shown,
        "flow_status": flow.status_at(now),
        "flow_step": flow.step_at(now),
        "error_code": flow.error_code,
        "attempt": flow.attempt,
        "takeover": kind is StepKind.EXTERNAL and bool(flow.address),
    }
    if interaction is None:
        return Step(message=flow.website_error, **common)
    return _asking(interaction, common)


def _kind(flow: Flow, *, now: datetime) -> StepKind:
    if flow.status_at(now) == "EXPIRED":
        return StepKind.EXPIRED
    match flow.state:
        case FlowState.AWAITING_INPUT:
            return StepKind.FORM
        case FlowState.AWAITING_EXTERNAL_ACTION:
            return StepKind.EXTERNAL
        case FlowState.SUBMITTING:
            return StepKind.SUBMITTING
        case FlowState.DISCOVERING:
            return StepKind.DISCOVERING if flow.attempt else StepKind.QUEUED
    return _ENDED[flow.state]


def _key(flow: Flow, kind: StepKind, interaction: Interaction | None) -> str:
    asked = interaction.id if interaction is not None else f"{flow.attempt} {flow.error_code}"
    return hashlib.sha256(f"{flow.id} {kind} {asked}".encode()).hexdigest()[:16]


def _asking(interaction: Interaction, common: Mapping[str, Any]) -> Step:
    fields = [field_from_json(data) for data in interaction.fields]
    choices = [choice_from_json(data) for data in interaction.choices]
    blamed = next((field.id for field in fields if field.reason is FieldReason.REJECTED), None)
    message = interaction.website_error
    return Step(
        interaction_id=interaction.id,
        host=_other_host(interaction.url, common["domain"]),
        inputs=tuple(_input(field, message if field.id == blamed else "") for field in fields),
        sign_ins=tuple(map(_option, (item for item in choices if item.kind is ChoiceKind.SSO_PROVIDER))),
        options=tuple(map(_option, (item for item in choices if item.kind is not ChoiceKind.SSO_PROVIDER))),
        instruction=_instruction(interaction.instruction),
        number=number_in(interaction.instruction),
        pictured=Picture.objects.filter(interaction=interaction).exists(),
        message="" if blamed else message,
        refused=blamed is not None,
        **common,
    )


def _instruction(text: str) -> str:
    """The site's words as they are; ours in the person's language."""
    plain = _CAPTCHA.sub("The site shows a captcha.", text)
    return gettext(plain) if plain in _ENGINE_SAYS else text


def number_in(instruction: str) -> str:
    """The one number to match, where there is exactly one."""
    found = set(_NUMBER.findall(instruction))
    return found.pop() if len(found) == 1 else ""


def _other_host(url: str, domain: str) -> str:
    """The host that shows the form, when the person did not ask for it by name."""
    try:
        parts = urlsplit(url)
        host, place = parts.hostname or "", parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    own = domain.rpartition(":")[0] or domain
    return "" if host == own or host.endswith(f".{own}") else place


def _input(field: AskedField, message: str) -> Input:
    kind, autocomplete, input_mode = _CONTROL[field.role]
    if kind == "text" and field.html_type in _TYPES and not is_code(field):
        kind = field.html_type
    return Input(
        id=field.id,
        name=f"value.{field.id}",
        label=field.label or _LABEL.get(field.role) or field.name,
        type=kind,
        autocomplete=autocomplete,
        input_mode=field.input_mode if field.input_mode in _INPUT_MODES else input_mode,
        hint=field.hint,
        placeholder=field.placeholder if field.placeholder != field.label else "",
        required=field.required,
        refused=field.reason is FieldReason.REJECTED,
        message=message,
    )


def _option(choice: AskedChoice) -> Option:
    detail = " ".join(filter(None, (choice.masked_destination, choice.description)))
    provider = choice.provider or ""
    return Option(
        id=choice.id,
        label=choice.label,
        detail=detail,
        icon=choice_icon(choice.kind, choice.mfa_type),
        mark=provider_mark(provider),
        initial=provider_initial(provider, choice.label),
    )


def answer_values(form: Mapping[str, str], flow: Flow) -> dict[str, str]:
    """What was typed, by field id. Blanks that a paste brought along are cut from codes and around names; a password
    stays as it is."""
    interaction = flow_interaction(flow)
    asked = {} if interaction is None else {item.id: item for item in map(field_from_json, interaction.fields)}
    typed = {name.removeprefix("value."): value for name, value in form.items() if name.startswith("value.")}
    return {field_id: _cleaned(asked.get(field_id), value) for field_id, value in typed.items()}


def _cleaned(field: AskedField | None, value: str) -> str:
    if field is None or field.role in (FieldRole.PASSWORD, FieldRole.NEW_PASSWORD):
        return value
    if field.role in (FieldRole.CODE, FieldRole.TOTP):
        return "".join(value.split())
    return value.strip()
