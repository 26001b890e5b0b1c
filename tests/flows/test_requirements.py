"""What a login took, and whether it can be repeated without a person."""

import pytest

from flows.engine.contract import AskedChoice, AskedField
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType
from flows.requirements import Asked, Requirements, can_reauth, requirements_of

NAMES = frozenset({"username", "password"})
WORDS = Requirements(refs=("password", "username"))


def asked(role: FieldRole, ref: str, hint: str = "") -> Asked:
    return Asked(fields=(AskedField(id="f", ref=ref, role=role, name=ref, label=ref, hint=hint),))


def picked(kind: ChoiceKind, mfa_type: MfaType | None = None) -> Asked:
    return Asked(picked=AskedChoice(id="c", kind=kind, label="x", mfa_type=mfa_type))


@pytest.mark.parametrize(
    ("used", "questions", "expected"),
    [
        (NAMES, [], WORDS),
        (NAMES | {"totp_code"}, [], Requirements(("password", "username"), totp=True)),
        (
            NAMES | {"totp_code"},
            [asked(FieldRole.TOTP, "totp_code")],
            Requirements(("password", "username"), totp=True),
        ),
        (
            NAMES | {"code"},
            [asked(FieldRole.CODE, "code", "Sent to a•••@example.com")],
            Requirements(("password", "username"), codes=("email",)),
        ),
        (
            NAMES | {"code"},
            [picked(ChoiceKind.MFA_METHOD, MfaType.CALL), asked(FieldRole.CODE, "code")],
            Requirements(("password", "username"), codes=("sms",)),
        ),
        (NAMES | {"code"}, [asked(FieldRole.CODE, "code")], Requirements(("password", "username"), codes=("other",))),
        (NAMES, [Asked(external=True)], Requirements(("password", "username"), external=True)),
        (NAMES, [picked(ChoiceKind.ACCOUNT)], Requirements(("password", "username"), choice=True)),
        (NAMES, [picked(ChoiceKind.SSO_PROVIDER)], WORDS),
    ],
)
def test_what_a_login_took(used: frozenset[str], questions: list[Asked], expected: Requirements) -> None:
    found = requirements_of(used, questions)
    assert found == expected
    assert Requirements.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"names": None}, (False, "no_credential")),
        ({"signed_in_before": False}, (False, "no_prior_successful_login")),
        ({"names": None, "outside": True}, (True, "external_credential")),
        ({"needed": None}, (True, "has_credential")),
        ({"needed": None, "planned": True}, (True, "viable_plans_found")),
        ({"needed": Requirements()}, (True, "no_requirements_recorded")),
        ({}, (True, "requirements_satisfiable")),
        ({"names": frozenset({"username"})}, (False, "requires_customer_input")),
        ({"needed": Requirements(totp=True), "names": frozenset({"totp_code"})}, (True, "totp_reauth_allowed")),
        ({"needed": Requirements(("username",), totp=True)}, (True, "optimistic_totp_attempt")),
        (
            {"needed": Requirements(("username",), totp=True), "failures": 1},
            (False, "requires_totp_without_secret"),
        ),
        ({"needed": Requirements(codes=("sms",))}, (False, "requires_sms_code")),
        ({"needed": Requirements(codes=("email",))}, (False, "requires_email_code")),
        ({"needed": Requirements(codes=("other",))}, (False, "requires_customer_input")),
        ({"needed": Requirements(choice=True)}, (False, "requires_customer_input")),
        ({"needed": Requirements(external=True)}, (False, "requires_external_action")),
        ({"needed": Requirements(passkey=True), "names": None}, (True, "requirements_satisfiable")),
        ({"needed": Requirements(passkey=True), "names": frozenset()}, (True, "requirements_satisfiable")),
        ({"needed": Requirements(("password",), passkey=True), "names": None}, (False, "no_credential")),
        ({"needed": Requirements(passkey=True, codes=("sms",)), "names": None}, (False, "requires_sms_code")),
        (
            {"needed": Requirements(external=True), "names": None, "outside": True},
            (False, "requires_external_action"),
        ),
    ],
)
def test_whether_it_can_be_repeated(changes: dict[str, object], expected: tuple[bool, str]) -> None:
    given = {"needed": WORDS, "names": NAMES, "outside": False, "signed_in_before": True, "failures": 0, **changes}
    assert can_reauth(**given) == expected  # type: ignore[arg-type]  # one helper for members of several types
