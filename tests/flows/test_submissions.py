"""Both dialects against one open pause: what is accepted, and what each refusal says."""

import pytest

from flows.engine.contract import AskedChoice, AskedField
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType
from flows.errors import SubmissionRefused
from flows.pauses import xpath_of
from flows.submissions import Chosen, Given, Submission, submission_judge

ASKED = (
    AskedField(id="f1", ref="username", role=FieldRole.IDENTIFIER, name="login", label="Login"),
    AskedField(id="f2", ref="password", role=FieldRole.PASSWORD, name="pw", label="Password"),
    AskedField(id="f3", ref="note", role=FieldRole.TEXT, name="note", label="Note", required=False),
)
CHOICES = (
    AskedChoice(id="c1", kind=ChoiceKind.MFA_METHOD, label="Text me", mfa_type=MfaType.SMS),
    AskedChoice(id="c2", kind=ChoiceKind.MFA_METHOD, label="Use a passkey", mfa_type=MfaType.PASSKEY),
    AskedChoice(
        id="c3",
        kind=ChoiceKind.SSO_PROVIDER,
        label="Continue with Google",
        provider="google",
        selector="html > body > div:nth-of-type(2) > button",
    ),
    AskedChoice(id="c4", kind=ChoiceKind.ACCOUNT, label="Work account"),
)
BOTH = {"login": "ada", "pw": "canary-secret"}


def judge(**body: object) -> Given | Chosen:
    return submission_judge(Submission(**body), interaction_id="int_1", asked=ASKED, choices=CHOICES)  # type: ignore[arg-type]  # wrong shapes are part of the point


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (
            {"interaction_id": "int_1", "field_values": {"f1": "ada", "f2": "pw"}},
            Given({"f1": "ada", "f2": "pw"}),
        ),
        ({"fields": BOTH}, Given({"f1": "ada", "f2": "canary-secret"})),
        ({"fields": {"username": "ada", "password": "canary-secret"}}, Given({"f1": "ada", "f2": "canary-secret"})),
        ({"fields": {**BOTH, "note": ""}}, Given({"f1": "ada", "f2": "canary-secret"})),
        ({"interaction_id": "int_1", "selected_choice_id": "c2"}, Chosen("c2")),
        ({"mfa_option_id": "sms"}, Chosen("c1")),
        ({"mfa_option_id": "sms", "fields": {}}, Chosen("c1")),
        ({"sso_provider": "Google"}, Chosen("c3")),
        ({"sso_button_selector": "xpath=/html[1]/body[1]/div[2]/button[1]", "fields": {}}, Chosen("c3")),
        ({"sign_in_option_id": "c4"}, Chosen("c4")),
    ],
)
def test_accepted(body: dict[str, object], meaning: Given | Chosen) -> None:
    assert judge(**body) == meaning


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "invalid_submission", "none"),
        ({"fields": BOTH, "mfa_option_id": "sms"}, "invalid_submission", "mfa_option_id, fields"),
        ({"sso_provider": "google", "sso_button_selector": "x"}, "invalid_submission", "sso_button_selector"),
        ({"field_values": {"f1": "a", "f2": "b"}}, "invalid_submission", "interaction_id"),
        ({"selected_choice_id": "c1"}, "invalid_submission", "interaction_id"),
        ({"interaction_id": "int_0", "field_values": {"f1": "a", "f2": "b"}}, "interaction_stale", "moved on"),
        ({"interaction_id": "int_1", "field_values": {"f9": "a"}}, "unknown_field", "f9"),
        ({"fields": {**BOTH, "otp": "1"}}, "unknown_field", "otp"),
        ({"fields": {"login": "ada"}}, "field_required", "pw"),
        ({"fields": {}}, "field_required", "pw"),
        ({"fields": {**BOTH, "note": "x" * 5000}}, "invalid_submission", "note"),
        ({"mfa_option_id": "totp"}, "unknown_choice", "mfa_option_id"),
        ({"sso_provider": "github"}, "unknown_choice", "sso_provider"),
        ({"interaction_id": "int_1", "selected_choice_id": "c9"}, "unknown_choice", "selected_choice_id"),
    ],
)
def test_refused(body: dict[str, object], code: str, words: str) -> None:
    with pytest.raises(SubmissionRefused) as refused:
        judge(**body)
    assert refused.value.code == code
    assert words in refused.value.message


def test_a_field_is_not_given_under_two_names() -> None:
    with pytest.raises(SubmissionRefused) as refusal:
        judge(fields={**BOTH, "password": "other"})
    assert refusal.value.code == "unknown_field"


def test_an_sdk_without_interactions_may_leave_them_out_and_others_may_not() -> None:
    given = Submission(field_values={"f1": "ada", "f2": "pw"})
    answered = {"interaction_id": "int_1", "asked": ASKED, "choices": CHOICES}
    assert submission_judge(given, **answered, interaction_required=False) == Given({"f1": "ada", "f2": "pw"})  # type: ignore[arg-type]  # several types
    with pytest.raises(SubmissionRefused, match="interaction_id"):
        submission_judge(given, **answered)  # type: ignore[arg-type]  # likewise


def test_r09_no_refusal_repeats_a_value() -> None:
    for body in (
        {"fields": {**BOTH, "otp": "canary-secret"}},
        {"fields": {"pw": "canary-secret"}},
        {"fields": BOTH, "sso_provider": "canary-secret"},
        {"mfa_option_id": "canary-secret"},
    ):
        with pytest.raises(SubmissionRefused) as refused:
            judge(**body)
        assert "canary-secret" not in refused.value.message
    assert "canary-secret" not in repr(Submission(fields=BOTH, field_values=BOTH))
    assert "canary-secret" not in repr(Given(BOTH))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("html > body > div:nth-of-type(3) > my-button", "xpath=/html[1]/body[1]/div[3]/my-button[1]"),
        ("#login", "css=#login"),
        ("", "css="),
    ],
)
def test_legacy_selectors(selector: str, expected: str) -> None:
    assert xpath_of(selector) == expected
