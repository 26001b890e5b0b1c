"""A pause as it is stored and as it goes over the wire: canonical (`fields`, `choices`) and the legacy shapes
(`discovered_fields`, `mfa_options`, `pending_sso_buttons`, `sign_in_options`) from the same data. Pure."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flows.engine.contract import AskedChoice, AskedField, FieldReason
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType

_CANONICAL_TYPE = {
    FieldRole.IDENTIFIER: "identifier",
    FieldRole.EMAIL: "identifier",
    FieldRole.PHONE: "identifier",
    FieldRole.PASSWORD: "password",
    FieldRole.NEW_PASSWORD: "password",
    FieldRole.CODE: "code",
    FieldRole.RECOVERY_CODE: "code",
    FieldRole.TOTP: "totp_code",
}
_LEGACY_TYPE = {
    FieldRole.EMAIL: "email",
    FieldRole.PHONE: "tel",
    FieldRole.PASSWORD: "password",
    FieldRole.NEW_PASSWORD: "password",
    FieldRole.CODE: "code",
    FieldRole.RECOVERY_CODE: "code",
    FieldRole.TOTP: "totp",
}
_LEGACY_HTML_TYPES = frozenset({"email", "tel", "number", "url"})
_LEGACY_MFA = frozenset({"sms", "call", "email", "totp", "push", "password", "switch"})
_CODE_ROLES = frozenset({FieldRole.CODE, FieldRole.TOTP, FieldRole.RECOVERY_CODE})

Json = dict[str, Any]


def field_to_json(field: AskedField) -> Json:
    return asdict(field)


def field_from_json(data: Json) -> AskedField:
    return AskedField(**{**data, "role": FieldRole(data["role"]), "reason": FieldReason(data["reason"])})


def choice_to_json(choice: AskedChoice) -> Json:
    return asdict(choice)


def choice_from_json(data: Json) -> AskedChoice:
    mfa_type = MfaType(data["mfa_type"]) if data["mfa_type"] else None
    return AskedChoice(**{**data, "kind": ChoiceKind(data["kind"]), "mfa_type": mfa_type})


def is_code(field: AskedField) -> bool:
    """Whether the value is good for one use only, so that it is never kept."""
    return field.role in _CODE_ROLES


def _present(**values: object) -> Json:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _input_mode(field: AskedField) -> str:
    if field.input_mode in ("text", "email", "tel", "numeric"):
        return field.input_mode
    if field.role is FieldRole.EMAIL or field.html_type == "email":
        return "email"
    if field.role is FieldRole.PHONE or field.html_type == "tel":
        return "tel"
    return "numeric" if field.role is FieldRole.TOTP else ""


def field_canonical(field: AskedField) -> Json:
    return _present(
        id=field.id,
        ref=field.ref,
        type=_CANONICAL_TYPE.get(field.role, "text"),
        reason=field.reason.value,
        label=field.label,
        hint=field.hint,
        input_mode=_input_mode(field),
        observed_selector=field.selector,
        required=field.required,
    )


def field_legacy(field: AskedField) -> Json:
    html_type = field.html_type if field.html_type in _LEGACY_HTML_TYPES else "text"
    return {
        "name": field.name,
        "label": field.label or field.name,
        "selector": field.selector,
        "type": _LEGACY_TYPE.get(field.role, html_type),
        **_present(hint=field.hint, placeholder=field.placeholder, required=field.required),
    }


def choice_canonical(choice: AskedChoice) -> Json:
    return {
        "id": choice.id,
        "label": choice.label,
        "type": choice.kind.value,
        **_present(
            mfa_type=choice.mfa_type.value if choice.mfa_type else None,
            masked_destination=choice.masked_destination,
            description=choice.description,
            observed_selector=choice.selector,
            display_text=choice.label,
        ),
    }


_CSS_STEP = re.compile(r"^(?P<tag>[a-z][a-z0-9-]*)(?::nth-of-type\((?P<nth>\d+)\))?$")


def xpath_of(selector: str) -> str:
    """`xpath=…` for a selector of element steps; any other selector stays CSS (`css=…`). The legacy dialect only
    ever hands it back to us, so what counts is that it is unambiguous."""
    steps = [_CSS_STEP.match(step) for step in selector.split(" > ")]
    if selector and all(steps):
        return "xpath=/" + "/".join(f"{step['tag']}[{step['nth'] or 1}]" for step in steps if step)
    return f"css={selector}"


def legacy_choices(choices: Sequence[AskedChoice]) -> Json:
    """`mfa_options`, `pending_sso_buttons` and `sign_in_options`, which also has what the other two cannot say."""
    mfa = [
        choice
        for choice in choices
        if choice.kind is ChoiceKind.MFA_METHOD and choice.mfa_type and choice.mfa_type.value in _LEGACY_MFA
    ]
    sso = [choice for choice in choices if choice.kind is ChoiceKind.SSO_PROVIDER]
    other = [choice for choice in choices if choice not in mfa and choice not in sso]
    return {
        "mfa_options": [
            {
                "type": choice.mfa_type,
                "label": choice.label,
                **_present(target=choice.masked_destination, description=choice.description),
            }
            for choice in mfa
        ],
        "pending_sso_buttons": [
            {
                "provider": choice.provider or "unknown",
                "label": choice.label,
                "selector": xpath_of(choice.selector),
            }
            for choice in sso
        ],
        "sign_in_options": [
            {"id": choice.id, "label": choice.label, **_present(description=choice.description)} for choice in other
        ],
    }


def pause_wire(
    *, interaction_id: str, fields: Sequence[AskedField], choices: Sequence[AskedChoice], instruction: str
) -> Json:
    """Both dialects of one open pause; empty lists are left out."""
    legacy = legacy_choices(choices)
    return _present(interaction_id=interaction_id, external_action_message=instruction) | {
        name: value
        for name, value in {
            "fields": [field_canonical(field) for field in fields],
            "choices": [choice_canonical(choice) for choice in choices],
            "discovered_fields": [field_legacy(field) for field in fields],
            **legacy,
        }.items()
        if value
    }
