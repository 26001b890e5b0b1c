"""A reading in words: for people who ask what the reader sees on a page, and why."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from flows.engine.reading.model import Choice, Control, Field, Reading, SubmitBy

CONTROLS = ("openers", "accept", "decline", "dismiss", "resend", "login_links", "account_openers", "sign_out")


def as_dict(reading: Reading) -> dict[str, Any]:
    """The reading as plain JSON values; what is empty is left out."""
    found = _plain(reading)
    assert isinstance(found, dict)  # noqa: S101 - a dataclass always becomes one
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = ((item.name, getattr(value, item.name)) for item in dataclasses.fields(value))
        return {name: _plain(content) for name, content in items if content not in (None, "", (), False)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(content) for content in value]
    return value


def pretty(reading: Reading) -> str:
    """Some lines for a terminal: what the page is, what can be done on it, each with its reasons."""
    return "\n".join(_lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    yield f"{reading.kind}  {reading.score:.2f}  {reading.url[:120]}"
    if reading.title:
        yield f"  title       {reading.title[:100]}"
    if reading.reasons:
        yield f"  because     {'; '.join(reading.reasons)}"
    for field in reading.fields:
        yield from _field_lines(field)
    if reading.submit is not None:
        if reading.submit.control is not None:
            yield _control_line("submit", reading.submit.control)
        else:
            yield "  submit      " + (
                "press Enter" if reading.submit.by is SubmitBy.ENTER else "the page submits by itself"
            )
    for choice in reading.choices:
        yield from _choice_lines(choice)
    if reading.message is not None:
        kind = "locked out" if reading.message.locked_out else "error" if reading.message.is_error else "message"
        yield f"  {kind:<11} {reading.message.text!r}  ({'; '.join(reading.message.reasons)})"
    if reading.instruction:
        yield f"  instruction {reading.instruction!r}"
    for name in CONTROLS:
        value = getattr(reading, name)
        for control in value if isinstance(value, tuple) else [value] if value else []:
            yield _control_line(name.replace("_", " "), control)
    if reading.captcha:
        yield f"  captcha     {reading.captcha}"
    yield f"  signed in   {reading.signed_in_score:.2f}" + ("   still loading" if reading.loading else "")


def _field_lines(field: Field) -> Iterator[str]:
    boxes = f" in {len(field.boxes)} boxes" if len(field.boxes) > 1 else ""
    marks = f"{field.checkbox} " if field.checkbox else "" if field.required else "optional "
    yield f"  {field.role:<11} {field.label!r} {marks}name={field.name}{boxes}  {field.score:.2f}"
    yield f"              {field.selector}"
    if field.reasons:
        yield f"              because {'; '.join(field.reasons)}"


def _choice_lines(choice: Choice) -> Iterator[str]:
    told = [choice.kind.value, choice.provider or "", choice.mfa_type or "", choice.masked_destination or ""]
    yield f"  choice      {choice.label!r}  {' '.join(part for part in told if part)}"
    yield f"              {choice.selector}" + (f"  because {'; '.join(choice.reasons)}" if choice.reasons else "")


def _control_line(name: str, control: Control) -> str:
    because = f"  because {'; '.join(control.reasons)}" if control.reasons else ""
    return f"  {name:<11} {control.label[:60]!r}  {control.selector}{because}"
