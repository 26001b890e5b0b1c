"""Decisions, without a browser: a reading and a memory in, an action out."""

from dataclasses import replace

import pytest

from flows.engine.actions import Ask, FillAndSubmit, Finish, GiveUp, Memory, Pick, Press, Visit, Wait, Why
from flows.engine.contract import ErrorCode
from flows.engine.decide import decide
from flows.engine.decide.asking import choice_ids, offered
from flows.engine.matching import refs_of, stored_name
from flows.engine.reading.model import (
    CheckboxMeaning,
    Choice,
    ChoiceKind,
    Control,
    Field,
    FieldRole,
    MfaType,
    PageKind,
    Reading,
    Submit,
    SubmitBy,
)

BUTTON = Control("0:9", "Log in", "button")
SUBMIT = Submit(SubmitBy.CLICK, BUTTON)
KNOWN = frozenset({"username", "password"})


def field(role: FieldRole, name: str, ref: str, **changes: object) -> Field:
    made = Field(ref, (ref,), role, name, name.title(), f"#{name}")
    return replace(made, **changes)  # type: ignore[arg-type] # one helper for fields of several types


USER = field(FieldRole.IDENTIFIER, "login", "0:1")
WORD = field(FieldRole.PASSWORD, "pw", "0:2")
TOTP = field(FieldRole.TOTP, "otp", "0:3")
CODE = field(FieldRole.CODE, "code", "0:4")
REMEMBER = field(FieldRole.CHECKBOX, "stay", "0:5", checkbox=CheckboxMeaning.REMEMBER, required=False)
TERMS = field(FieldRole.CHECKBOX, "news", "0:6", checkbox=CheckboxMeaning.OTHER, required=False)
GOOGLE = Choice("0:7", ChoiceKind.SSO_PROVIDER, "Continue with Google", "#g", provider="google")


def page(kind: PageKind = PageKind.LOGIN, *fields: Field, **changes: object) -> Reading:
    made = Reading(kind, 1.0, "https://a.example/login", "Log in", fields=fields, submit=SUBMIT)
    return replace(made, **changes)  # type: ignore[arg-type] # one helper for fields of several types


LOGIN = page(PageKind.LOGIN, USER, WORD, REMEMBER, TERMS)


def test_known_values_are_filled_and_the_box_ticked() -> None:
    action = decide(LOGIN, Memory(known=KNOWN))
    assert isinstance(action, FillAndSubmit)
    assert [(fill.ref, fill.stored) for fill in action.fills] == [("username", "username"), ("password", "password")]
    assert action.ticks == (REMEMBER,)
    assert action.submit == SUBMIT


def test_only_what_is_missing_is_asked_with_the_choices_beside_it() -> None:
    action = decide(replace(LOGIN, choices=(GOOGLE,)), Memory(known=frozenset({"username"})))
    assert isinstance(action, Ask)
    assert [asked.ref for asked in action.pause.fields] == ["password"]
    assert [choice.provider for choice in action.pause.choices] == ["google"]


def test_what_was_given_is_used_beside_what_is_stored() -> None:
    action = decide(LOGIN, Memory(known=frozenset({"username"}), given=frozenset({"password"})))
    assert isinstance(action, FillAndSubmit)
    assert [(fill.stored, fill.given) for fill in action.fills] == [("username", None), (None, "password")]


def test_optional_fields_without_a_value_are_left_empty() -> None:
    tenant = field(FieldRole.TEXT, "tenant", "0:8", required=False)
    action = decide(page(PageKind.LOGIN, USER, WORD, tenant), Memory(known=KNOWN))
    assert isinstance(action, FillAndSubmit)
    assert [fill.ref for fill in action.fills] == ["username", "password"]
    needed = replace(tenant, required=True)
    asked = decide(page(PageKind.LOGIN, USER, WORD, needed), Memory(known=KNOWN))
    assert isinstance(asked, Ask)
    assert [one.ref for one in asked.pause.fields] == ["tenant"]


def test_a_code_can_be_sent_again() -> None:
    again = Control("0:8", "Resend code", "#again")
    reading = page(PageKind.CODE, CODE, resend=again)
    asked = decide(reading, Memory(started=True))
    assert isinstance(asked, Ask)
    assert [(choice.label, choice.kind) for choice in asked.pause.choices] == [("Resend code", ChoiceKind.OTHER)]
    picked = Memory(started=True, picked=asked.pause.choices[0].id)
    assert decide(reading, picked) == Press(again, Why.RESEND)
    listed = replace(reading, choices=(Choice("0:8", ChoiceKind.OTHER, "Resend code", "#again"),))
    assert len(choice_ids(offered(listed))) == 1


def test_a_delivered_code_takes_no_generated_one() -> None:
    known = frozenset({"totp_code"})
    assert isinstance(decide(page(PageKind.CODE, CODE), Memory(known=known)), FillAndSubmit)
    resend = page(PageKind.CODE, CODE, resend=BUTTON)
    assert isinstance(decide(resend, Memory(known=known)), Ask)
    hinted = page(PageKind.CODE, replace(CODE, hint="Sent to a***@b.example"))
    assert isinstance(decide(hinted, Memory(known=known)), Ask)


def test_the_named_provider_is_pressed_by_itself_once() -> None:
    reading = replace(LOGIN, choices=(GOOGLE,))
    memory = Memory(known=KNOWN, sso_provider="Google")
    assert decide(reading, memory) == Pick(GOOGLE, SUBMIT)
    assert isinstance(decide(reading, replace(memory, started=True)), FillAndSubmit)


def test_a_picked_choice_is_pressed() -> None:
    reading = replace(LOGIN, choices=(GOOGLE,))
    (key,) = choice_ids(reading.choices)
    assert decide(reading, Memory(picked=key)) == Pick(GOOGLE, SUBMIT)
    assert isinstance(decide(reading, Memory(picked="other_gone")), Ask)


def test_choice_ids_are_stable_and_tell_equals_apart() -> None:
    twin = replace(GOOGLE, ref="0:70")
    first = choice_ids((GOOGLE, twin))
    assert len(first) == 2
    assert list(first) == list(choice_ids((replace(GOOGLE, ref="3:1", selector="#x"), twin)))


def test_method_pages() -> None:
    sms = Choice("0:1", ChoiceKind.MFA_METHOD, "Text ••92", "#s", mfa_type=MfaType.SMS, masked_destination="••92")
    app = Choice("0:2", ChoiceKind.MFA_METHOD, "App", "#a", mfa_type=MfaType.TOTP)
    reading = page(PageKind.METHOD_CHOICE, choices=(sms, app))
    assert decide(reading, Memory(known=frozenset({"totp_code"}))) == Pick(app, SUBMIT)
    action = decide(reading, Memory())
    assert isinstance(action, Ask)
    assert [choice.masked_destination for choice in action.pause.choices] == ["••92", None]


def test_interstitials_are_accepted_and_passkeys_declined() -> None:
    yes, no = Control("0:1", "Trust", "#y"), Control("0:2", "Not now", "#n")
    trust = page(PageKind.INTERSTITIAL, title="Trust this browser?", accept=yes, decline=no)
    passkey = replace(trust, title="Create a passkey?")
    assert decide(trust, Memory()) == Press(yes, Why.INTERSTITIAL)
    assert decide(passkey, Memory()) == Press(no, Why.INTERSTITIAL)
    worn = Memory(page="p", pressed={("p", "Trust"): 3})
    assert decide(trust, worn) == Press(no, Why.INTERSTITIAL)


def test_covers_are_dismissed_once() -> None:
    cookies = Control("0:3", "Accept all", "#c")
    reading = replace(LOGIN, dismiss=(cookies,))
    assert decide(reading, Memory(known=KNOWN)) == Press(cookies, Why.DISMISS)
    again = Memory(known=KNOWN, page="p", pressed={("p", "Accept all"): 1})
    assert isinstance(decide(reading, again), FillAndSubmit)


def test_external_actions_and_walls_are_handed_over() -> None:
    push = page(PageKind.EXTERNAL_ACTION, instruction="Tap 42 on your phone.")
    action = decide(push, Memory())
    assert isinstance(action, Ask)
    assert action.pause.instruction == "Tap 42 on your phone."
    captcha = decide(page(PageKind.CAPTCHA, captcha="hcaptcha"), Memory())
    assert isinstance(captcha, Ask)
    assert captcha.on_timeout is ErrorCode.CAPTCHA_BLOCKED
    assert isinstance(decide(page(PageKind.BOT_WALL), Memory()), Wait)
    wall = decide(page(PageKind.BOT_WALL), Memory(waits=9))
    assert isinstance(wall, Ask)
    assert wall.on_timeout is ErrorCode.BOT_DETECTED


def test_a_code_may_be_typed_instead_of_confirming() -> None:
    reading = page(PageKind.EXTERNAL_ACTION, CODE, instruction="Tap yes on your phone, or enter a code.")
    action = decide(reading, Memory())
    assert isinstance(action, Ask)
    assert action.pause.instruction is not None
    assert [asked.ref for asked in action.pause.fields] == ["code"]
    assert isinstance(decide(reading, Memory(given=frozenset({"code"}))), FillAndSubmit)


def test_nobody_is_signed_in_before_anything_was_done() -> None:
    reading = page(PageKind.SIGNED_IN)
    assert isinstance(decide(reading, Memory(started=True)), Finish)
    assert isinstance(decide(reading, Memory(had_state=True)), Finish)
    assert not isinstance(decide(reading, Memory()), Finish)


def test_a_page_without_a_form_after_a_login_is_the_other_side() -> None:
    reading = page(PageKind.OTHER)
    assert isinstance(decide(reading, Memory(started=True)), Wait)
    assert isinstance(decide(reading, Memory(started=True, waits=1)), Finish)


def test_the_search_for_the_login_page() -> None:
    link = Control("0:1", "Sign in", "#l")
    home = page(PageKind.OTHER, login_links=(link,))
    assert decide(home, Memory()) == Press(link, Why.LINK)
    assert isinstance(decide(home, Memory(links=9)), Visit)
    assert isinstance(decide(home, Memory(links=9, searching=False)), Wait)  # the form may be drawn late
    assert isinstance(decide(home, Memory(links=9, searching=False, waits=9)), GiveUp)
    opener = Control("0:2", "Log in with e-mail", "#o")
    assert decide(page(PageKind.LOGIN, openers=(opener,)), Memory()) == Press(opener, Why.OPENER)


def test_the_search_for_a_login_page_ends_where_it_began() -> None:
    home, memory, places = page(PageKind.OTHER), Memory(), []
    while isinstance(action := decide(home, memory), Visit):
        places.append(action.path)
        memory = replace(memory, tried=memory.tried | {action.path})
    assert len(places) == len(set(places))
    assert places[-1] == "/"  # not the last address that had nothing to say
    while isinstance(action, Wait):
        memory = replace(memory, waits=memory.waits + 1)
        action = decide(home, memory)
    assert isinstance(action, GiveUp)
    assert action.code is ErrorCode.LOGIN_PAGE_NOT_FOUND


@pytest.mark.parametrize(
    ("role", "name", "names", "found"),
    [
        (FieldRole.IDENTIFIER, "u", {"username"}, "username"),
        (FieldRole.IDENTIFIER, "u", {"Email"}, "Email"),
        (FieldRole.EMAIL, "x", {"username", "email"}, "email"),
        (FieldRole.IDENTIFIER, "login_id", {"username", "login_id"}, "login_id"),
        (FieldRole.PASSWORD, "p", {"pass"}, "pass"),
        (FieldRole.TOTP, "x", {"totp_code"}, "totp_code"),
        (FieldRole.TEXT, "tenant", {"Tenant"}, "Tenant"),
        (FieldRole.TEXT, "tenant", {"username"}, None),
        (FieldRole.RECOVERY_CODE, "code", {"totp_code", "code"}, None),
        (FieldRole.CODE, "password", {"password"}, None),
    ],
)
def test_matching(role: FieldRole, name: str, names: set[str], found: str | None) -> None:
    assert stored_name(field(role, name, "0:1"), names) == found


def test_r13_a_pages_names_move_no_secret_to_another_role() -> None:
    names = {"username", "password", "totp_code"}
    for secret in ("password", "totp_code"):
        for role in (FieldRole.TEXT, FieldRole.IDENTIFIER, FieldRole.EMAIL):
            assert stored_name(field(role, secret, "0:1"), names) in (None, "username")


def test_refs_are_unique() -> None:
    second = field(FieldRole.EMAIL, "mail", "0:20")
    assert refs_of((USER, second, WORD)) == {"0:1": "username", "0:20": "mail", "0:2": "password"}


SEND = Control("0:11", "Send code", "#send")


def test_a_code_is_requested_before_it_is_asked_for_once() -> None:
    reading = page(PageKind.CODE, CODE, openers=(SEND,))
    assert decide(reading, Memory()) == Press(SEND, Why.OPENER)
    assert isinstance(decide(reading, Memory(page="p", pressed={("p", "Send code"): 1})), Ask)
    assert isinstance(decide(replace(reading, resend=BUTTON), Memory()), Ask)  # it was sent already


def test_a_generated_code_needs_no_request() -> None:
    action = decide(page(PageKind.CODE, TOTP, openers=(SEND,)), Memory(known=frozenset({"totp_code"})))
    assert isinstance(action, FillAndSubmit)


def test_a_page_that_sends_a_code_is_not_the_other_side() -> None:
    reading = page(PageKind.CODE, openers=(SEND,))
    assert decide(reading, Memory(started=True)) == Press(SEND, Why.OPENER)
    assert isinstance(decide(reading, Memory(started=True, page="p", pressed={("p", "Send code"): 1}, waits=1)), Wait)


def test_an_account_button_is_pressed_where_nothing_else_leads_to_a_login() -> None:
    account = Control("0:9", "Account", "button")
    reading = Reading(PageKind.OTHER, 0.5, "https://site.test/", "Notes", account_openers=(account,))
    assert decide(reading, Memory()) == Press(account, Why.OPENER)
    assert decide(reading, Memory(started=True)) != Press(account, Why.OPENER)


def test_an_application_that_shows_itself_before_its_login_is_waited_for() -> None:
    opener = Control("0:7", "Preferences", "button")
    early = page(PageKind.SIGNED_IN, openers=(opener,))
    assert isinstance(decide(early, Memory()), Wait)
    assert decide(early, Memory(waits=2)) == Press(opener, Why.OPENER)


@pytest.mark.parametrize("kind", [PageKind.OTHER, PageKind.SIGNED_IN])
def test_nothing_is_opened_in_an_application_once_it_let_somebody_in(kind: PageKind) -> None:
    opener = Control("0:7", "Account", "button")
    assert isinstance(decide(page(kind, openers=(opener,)), Memory(started=True, waits=2)), Finish)


def test_a_form_that_would_send_a_code_is_left_for_the_one_that_takes_the_stored_password() -> None:
    tab = Choice("0:8", ChoiceKind.SIGN_IN_METHOD, "Password", "#tab", mfa_type=MfaType.PASSWORD)
    page = Reading(PageKind.LOGIN, 1.0, "https://a.example/", "Sign in", fields=(USER,), submit=SUBMIT, choices=(tab,))
    assert decide(page, Memory(known=KNOWN)) == Pick(tab, SUBMIT)
    assert isinstance(decide(page, Memory(known=frozenset({"username"}))), FillAndSubmit)
    both = replace(page, fields=(USER, WORD))
    assert isinstance(decide(both, Memory(known=KNOWN)), FillAndSubmit)
