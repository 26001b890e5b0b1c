"""One pause on the wire, judged by the SDK's own models."""

from kernel.types.auth.connection_follow_response import ManagedAuthStateEvent

from flows.engine.contract import AskedChoice, AskedField, FieldReason
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType
from flows.pauses import (
    choice_from_json,
    choice_to_json,
    field_from_json,
    field_to_json,
    pause_wire,
)

FIELDS = [
    AskedField(
        id=f"f-{role}",
        ref=str(role),
        role=role,
        name=f"n_{role}",
        label="",
        reason=FieldReason.REJECTED,
        html_type="month",
        input_mode="decimal",
    )
    for role in FieldRole
    if role is not FieldRole.CHECKBOX
]
CHOICES = [
    AskedChoice(id=f"c-{mfa}", kind=ChoiceKind.MFA_METHOD, label=f"By {mfa}", mfa_type=mfa) for mfa in MfaType
] + [
    AskedChoice(id=f"k-{kind}", kind=kind, label=f"A {kind}")
    for kind in ChoiceKind
    if kind is not ChoiceKind.MFA_METHOD
]


def wire() -> dict[str, object]:
    return pause_wire(interaction_id="int_1", fields=FIELDS, choices=CHOICES, instruction="Tap yes")


def test_every_role_and_choice_parses_strictly_in_the_sdk() -> None:
    state = {
        "event": "managed_auth_state",
        "timestamp": "2026-01-01T00:00:00Z",
        "flow_status": "IN_PROGRESS",
        "flow_step": "AWAITING_INPUT",
        **wire(),
    }
    event = ManagedAuthStateEvent.model_validate(state, strict=False)
    assert event.fields is not None
    assert [field.type for field in event.fields] == [
        "identifier",
        "identifier",
        "identifier",
        "password",
        "password",
        "code",
        "totp_code",
        "code",
        "text",
    ]
    assert {field.reason for field in event.fields} == {"rejected"}
    assert event.choices is not None
    assert len(event.choices) == len(CHOICES)


def test_what_the_old_options_cannot_say_is_among_the_ways_to_sign_in() -> None:
    state = wire()
    assert [option["type"] for option in state["mfa_options"]] == [  # type: ignore[attr-defined]  # JSON
        "sms",
        "call",
        "email",
        "totp",
        "push",
        "password",
        "switch",
    ]
    assert [option["id"] for option in state["sign_in_options"]] == [  # type: ignore[attr-defined]  # JSON
        "c-passkey",
        "c-other",
        "k-sign_in_method",
        "k-auth_method",
        "k-identifier_method",
        "k-account",
        "k-other",
    ]


def test_stored_form_is_lossless() -> None:
    assert [field_from_json(field_to_json(field)) for field in FIELDS] == FIELDS
    assert [choice_from_json(choice_to_json(choice)) for choice in CHOICES] == CHOICES


def test_empty_lists_are_left_out() -> None:
    assert pause_wire(interaction_id="int_1", fields=[], choices=[], instruction="") == {"interaction_id": "int_1"}
