"""What a page asks for, in the contract's words: ids, fields, choices, the site's own message."""

import hashlib

from flows.engine.contract import AskedChoice, AskedField, FieldReason, Pause
from flows.engine.matching import CODE_ROLES, IDENTIFIER_ROLES, PASSWORD_ROLES
from flows.engine.reading.model import Choice, ChoiceKind, Field, FieldRole, Reading


def choice_ids(choices: tuple[Choice, ...]) -> dict[str, Choice]:
    """Stable ids: kind and label name a choice, a number tells equals apart."""
    found: dict[str, Choice] = {}
    for choice in choices:
        said = "|".join((choice.kind, choice.label, choice.masked_destination or ""))
        base = f"{choice.kind.value}_{hashlib.sha256(said.encode()).hexdigest()[:10]}"
        number, key = 2, base
        while key in found:
            key, number = f"{base}_{number}", number + 1
        found[key] = choice
    return found


def fillable(reading: Reading) -> tuple[Field, ...]:
    return tuple(field for field in reading.fields if field.role is not FieldRole.CHECKBOX)


def is_essential(field: Field) -> bool:
    return field.required or field.role in IDENTIFIER_ROLES | PASSWORD_ROLES | CODE_ROLES


def asked_field(field: Field, ref: str, reason: FieldReason) -> AskedField:
    return AskedField(
        id=ref,
        ref=ref,
        role=field.role,
        name=field.name,
        label=field.label,
        reason=reason,
        required=is_essential(field),
        placeholder=field.placeholder,
        hint=field.hint,
        input_mode=field.input_mode,
        html_type=field.html_type,
        selector=field.selector,
    )


def offered(reading: Reading) -> tuple[Choice, ...]:
    """Every choice of the page, and to have the code or the link sent again where it offers that."""
    again = reading.resend
    if again is None or any(choice.ref == again.ref for choice in reading.choices):
        return reading.choices
    return (*reading.choices, Choice(again.ref, ChoiceKind.OTHER, again.label, again.selector, score=again.score))


def asked_choices(reading: Reading) -> tuple[AskedChoice, ...]:
    return tuple(
        AskedChoice(
            id=key,
            kind=choice.kind,
            label=choice.label,
            selector=choice.selector,
            mfa_type=choice.mfa_type,
            provider=choice.provider,
            masked_destination=choice.masked_destination,
            description=choice.description,
        )
        for key, choice in choice_ids(offered(reading)).items()
    )


def website_error(reading: Reading) -> str | None:
    return reading.message.text if reading.message is not None and reading.message.is_error else None


def pause_for(reading: Reading, *, fields: tuple[AskedField, ...] = (), instruction: str | None = None) -> Pause:
    """The question that this page puts, with every choice it offers."""
    return Pause(
        url=reading.url,
        title=reading.title,
        fields=fields,
        choices=asked_choices(reading),
        instruction=instruction,
        website_error=website_error(reading),
    )
