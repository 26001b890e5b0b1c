"""Codes that come only when asked for, and fields that nothing but their shape or their name tells to be for a code."""

from typing import Any

import pytest

from flows.engine.reading import read
from flows.engine.reading.model import FieldRole, PageKind
from tests.reading.pages import button, field, form, heading, link, snapshot, text


@pytest.mark.parametrize(
    ("words", "where", "label"),
    [
        ("Get a verification email", "Send a verification email to a***a@example.com.", "Send me an email"),
        ("Two-step verification", "We will send a code to (•••) •••-1234.", "Text me a code"),
        ("Verify your identity", "Phone number ending in 12", "Send code"),
        ("Verify it's you", "We'll text a verification code to ••• ••• ••34.", "Send"),
        ("Security check", "Your code goes to •••• 12", "Continue"),
        ("Bestätigen Sie Ihre Identität", "Wir senden einen Code an a•••@example.com", "Code senden"),
        ("Vérification", "Nous allons envoyer un code au 06 •• •• •• 12", "Envoyer le code"),
        ("安全验证", "手机号 138****1234", "获取验证码"),
    ],
)
def test_without_a_field_the_button_has_the_code_sent(words: str, where: str, label: str) -> None:
    found = read(
        snapshot(heading(words), text(where), button(label, y="button"), link("Try another way"), button("Cancel"))
    )
    assert found.kind is PageKind.CODE
    assert found.fields == ()
    assert [control.label for control in found.openers] == [label]


def test_one_radio_and_a_button_are_a_choice() -> None:
    row = {"e": "input", "y": "radio", "lb": "Text ***-***-1234", "b": [0, 0, 15, 15], "v": "sms"}
    found = read(snapshot(heading("How do you want to receive your code?"), form(row, button("Send"))))
    assert found.kind is PageKind.METHOD_CHOICE
    assert [choice.masked_destination for choice in found.choices] == ["***-***-1234"]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Send"


@pytest.mark.parametrize(("label", "name", "ask"), [("SMS code", "sms", "Send code"), ("Verification code", "vcode", "Get code"), ("请输入验证码", "c", "获取验证码")])  # fmt: skip
def test_beside_the_field_too(label: str, name: str, ask: str) -> None:
    found = read(snapshot(form(field(label, name=name), button(ask, y="button"), button("OK"))))
    assert found.kind is PageKind.CODE
    assert [control.label for control in found.openers] == [ask]
    assert [one.role for one in found.fields] == [FieldRole.CODE]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "OK"


@pytest.mark.parametrize(
    "nodes",
    [
        [heading("Your orders"), text("Card ending in 1234"), button("Send"), link("Log out", "https://site.test/logout")],
        [heading("Check your email"), text("We sent a link to a***@example.com"), button("Resend email")],
        [heading("Contact us"), text("Call 555 1234"), button("Send message")],
        [heading("Welcome"), button("Continue")],
    ],
)  # fmt: skip
def test_no_code_is_requested_elsewhere(nodes: list[dict[str, Any]]) -> None:
    assert read(snapshot(*nodes)).openers == ()


@pytest.mark.parametrize(
    "input_",
    [
        field("", name="otp"),
        field("", name="user[otp_attempt]"),
        field("", name="x", ac="one-time-code"),
        field("Zorp", name="totp", im="numeric", ml=6),
        field("Qwxk", name="mfa_code"),
    ],
)
def test_a_code_s_field_is_known_in_any_language(input_: dict[str, Any]) -> None:
    found = read(snapshot(heading("Fnord"), text("Zorp blik wexk"), form(input_, button("Fnord"))))
    assert found.kind is PageKind.CODE
    assert len(found.fields) == 1


@pytest.mark.parametrize("holder", ["000000", "123456", "------", "XXX-XXX", "● ● ● ●".replace("●", "•")])
def test_a_placeholder_may_draw_the_digits(holder: str) -> None:
    page = form(field("", kind="tel", ph=holder), button("Submit"))
    assert read(snapshot(text("We texted a 6 digit code to +1 ••••12"), page)).kind is PageKind.CODE
    assert read(snapshot(text("Where can we reach you?"), page)).kind is not PageKind.CODE


def test_a_puzzle_is_no_code() -> None:
    page = form(field("Verification code", name="captcha"), button("Continue"))
    assert read(snapshot(heading("Type the characters you see"), page)).kind is not PageKind.CODE


def test_a_card_s_code_is_no_code() -> None:
    page = form(field("CVV security code", name="cvv", ml=3), button("Pay"))
    assert read(snapshot(heading("Payment"), page)).kind is not PageKind.CODE


def test_a_form_that_has_a_code_sent_to_whom_it_asks_for_is_a_login() -> None:
    found = read(
        snapshot(heading("Get a login code"), form(field("Email", kind="email", name="e"), button("Send code")))
    )
    assert found.kind is PageKind.LOGIN
    assert [one.role for one in found.fields] == [FieldRole.EMAIL]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Send code"
    assert found.openers == ()


@pytest.mark.parametrize(
    ("words", "number", "code", "ask", "enter"),
    [
        ("手机号登录", "请输入手机号", "请输入验证码", "获取验证码", "登录"),
        ("Log in", "Mobile number", "Verification code", "Get code", "Log in"),
        ("Anmelden", "Handynummer", "Bestätigungscode", "Code anfordern", "Anmelden"),
    ],
)
@pytest.mark.parametrize("off", [0, 1])
def test_number_and_code_on_one_form(words: str, number: str, code: str, ask: str, enter: str, off: int) -> None:
    found = read(
        snapshot(
            heading(words),
            form(
                text("+86", b=[0, 5, 30, 20]),
                field("", kind="tel", name="mobile", ph=number, b=[40, 0, 200, 30]),
                field("", name="smsCode", ph=code, ml=6, b=[40, 60, 120, 30]),
                button(ask, y="button", di=off),
                button(enter),
            ),
        )
    )
    assert found.kind is PageKind.LOGIN
    assert [(one.role, one.label) for one in found.fields] == [(FieldRole.PHONE, number), (FieldRole.CODE, code)]
    assert [control.label for control in found.openers] == [ask]
    assert found.choices == ()
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == enter
