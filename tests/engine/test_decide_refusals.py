"""What counts as refused by the site, and what becomes of it."""

from dataclasses import replace

import pytest

from flows.engine.actions import Ask, FillAndSubmit, Finish, GiveUp, Memory, Return, Sent, Wait
from flows.engine.contract import ErrorCode, FieldReason
from flows.engine.decide import decide
from flows.engine.decide.refusals import form_of, refused
from flows.engine.reading.model import (
    Field,
    FieldRole,
    Message,
    PageKind,
)
from tests.engine.test_decide import (
    BUTTON,
    CODE,
    KNOWN,
    LOGIN,
    TOTP,
    USER,
    WORD,
    page,
)

ERROR = Message("Wrong.", is_error=True)
SENT = Sent("p", {"username": "username", "password": "password"})


def test_r16_an_error_and_the_same_form_reject_the_password() -> None:
    action = decide(replace(LOGIN, message=ERROR), Memory(known=KNOWN, sent=SENT, page="p", started=True))
    assert isinstance(action, Ask)
    assert action.rejected == {"password"}
    assert {asked.ref: asked.reason for asked in action.pause.fields} == {
        "username": FieldReason.REJECTED,
        "password": FieldReason.REJECTED,
    }
    assert action.pause.website_error == "Wrong."


def test_r16_the_same_page_without_a_word_rejects_as_well() -> None:
    action = decide(LOGIN, Memory(known=KNOWN, sent=SENT, page="p", started=True))
    assert isinstance(action, Ask)
    assert action.rejected == {"password"}


def test_r16_the_same_form_at_another_address_rejects_as_well() -> None:
    reading = replace(LOGIN, url="https://site.test/login?failed")
    sent = replace(SENT, form=form_of(replace(LOGIN, url="https://site.test/")))
    assert refused(reading, sent, page="q") == {"password"}
    assert refused(replace(reading, url="https://other.test/login"), sent, page="q") == frozenset()
    other = page(PageKind.LOGIN, replace(USER, name="uid"), WORD, url="https://site.test/login")
    assert refused(other, sent, page="q") == frozenset()


SAYS_NO = replace(page(PageKind.OTHER), message=Message("Invalid name or password.", is_error=True))


def test_a_refusal_without_a_form_leads_back_to_it() -> None:
    memory = Memory(known=KNOWN, sent=SENT, page="q", started=True)
    assert isinstance(decide(SAYS_NO, memory), Wait)
    waited = replace(memory, waits=1)
    assert decide(SAYS_NO, waited) == Return("Invalid name or password.")
    code = replace(waited, sent=Sent("p", {"code": None}))
    assert decide(SAYS_NO, code) == Return("Invalid name or password.", frozenset({"code"}))
    seed = replace(waited, sent=Sent("p", {"totp_code": "totp_code"}), totp_tries=1)
    assert decide(SAYS_NO, seed) == Return("Invalid name or password.")
    assert decide(SAYS_NO, replace(seed, totp_tries=2)) == Return("Invalid name or password.", frozenset({"totp_code"}))


def test_a_code_that_is_a_bad_request_was_refused() -> None:
    bare = page(PageKind.ERROR)
    memory = Memory(known=KNOWN, sent=Sent("p", {"code": None}), page="q", started=True, waits=1, status=400)
    assert decide(bare, memory) == Return("", frozenset({"code"}))
    assert isinstance(decide(bare, replace(memory, status=500)), Wait)
    assert isinstance(decide(bare, replace(memory, sent=SENT)), Wait)


def test_codes_that_are_refused_elsewhere_are_counted_too() -> None:
    often = Memory(known=KNOWN, sent=Sent("p", {"code": None}), page="q", started=True, waits=1, code_refusals=4)
    action = decide(SAYS_NO, often)
    assert isinstance(action, GiveUp)
    assert action.code is ErrorCode.CREDENTIALS_INVALID
    assert action.rejected == {"code"}


def test_who_was_let_in_is_not_led_back() -> None:
    memory = Memory(known=KNOWN, sent=SENT, page="q", started=True, waits=1)
    assert isinstance(decide(replace(SAYS_NO, sign_out=BUTTON), memory), Finish)
    assert isinstance(decide(replace(SAYS_NO, pressable=99), memory), Finish)
    assert isinstance(decide(SAYS_NO, replace(memory, sent=None)), Finish)
    assert isinstance(decide(SAYS_NO, replace(memory, returns=6)), Finish)
    unsaid = replace(SAYS_NO, message=Message("An error occurred.", is_error=True))
    assert isinstance(decide(unsaid, memory), Finish)


def test_r16_rejected_values_are_not_used_again() -> None:
    action = decide(LOGIN, Memory(known=KNOWN, rejected=frozenset({"password"})))
    assert isinstance(action, Ask)
    assert {asked.ref: asked.reason for asked in action.pause.fields} == {"password": FieldReason.REJECTED}


def test_an_error_at_the_identifier_rejects_only_that() -> None:
    message = Message("Unknown user.", is_error=True, field_ref=USER.ref)
    action = decide(replace(LOGIN, message=message), Memory(known=KNOWN, sent=SENT, page="p"))
    assert isinstance(action, Ask)
    assert action.rejected == {"username"}
    assert [asked.ref for asked in action.pause.fields] == ["username"]


def test_r16_the_password_is_asked_again_once_the_identifier_was_blamed_twice() -> None:
    message = Message("Unknown user.", is_error=True, field_ref=USER.ref)
    action = decide(replace(LOGIN, message=message), Memory(known=KNOWN, sent=SENT, page="p", blames=1))
    assert isinstance(action, Ask)
    assert action.rejected == {"username", "password"}
    assert {asked.ref for asked in action.pause.fields} == {"username", "password"}


def test_a_form_that_comes_back_with_a_code_field_was_accepted() -> None:
    reading = page(PageKind.LOGIN, USER, WORD, CODE, message=ERROR)
    assert refused(reading, SENT, page="q") == frozenset()
    action = decide(reading, Memory(known=KNOWN, sent=SENT, page="q"))
    assert isinstance(action, Ask)
    assert [asked.ref for asked in action.pause.fields] == ["code"]


SENT_WITH_CODE = Sent("p", {"username": "username", "password": "password", "code": None})


@pytest.mark.parametrize(
    "words", ["Invalid one-time password.", "The token is not valid.", "Falscher Code.", "Nieprawidłowy kod."]
)
def test_words_about_the_code_leave_the_password_beside_it(words: str) -> None:
    reading = page(PageKind.LOGIN, USER, WORD, CODE, message=Message(words, is_error=True))
    memory = Memory(known=KNOWN, sent=SENT_WITH_CODE, page="p", started=True)
    action = decide(reading, memory)
    assert isinstance(action, Ask)
    assert action.rejected == {"code"}
    assert [asked.ref for asked in action.pause.fields] == ["code"]
    again = decide(reading, replace(memory, blames=1))  # R16: the site may say so whatever was wrong
    assert isinstance(again, Ask)
    assert again.rejected == {"code", "password"}


@pytest.mark.parametrize("words", ["Invalid login or OTP code.", "Wrong user name, password or code.", "Wrong."])
def test_words_about_more_than_the_code_reject_the_password(words: str) -> None:
    reading = page(PageKind.LOGIN, USER, WORD, CODE, message=Message(words, is_error=True))
    action = decide(reading, Memory(known=KNOWN, sent=SENT_WITH_CODE, page="p", started=True))
    assert isinstance(action, Ask)
    assert action.rejected == {"code", "password"}


def test_the_next_page_of_a_login_is_no_rejection() -> None:
    sent = Sent("p", {"username": "username"})
    assert refused(page(PageKind.LOGIN, WORD), sent, page="q") == frozenset()


def test_r15_a_refused_stored_code_is_tried_once_more_then_asked() -> None:
    reading = page(PageKind.CODE, TOTP, message=ERROR)
    known = frozenset({"totp_code"})
    sent = Sent("p", {"totp_code": "totp_code"})
    once = decide(reading, Memory(known=known, sent=sent, page="p", totp_tries=1))
    twice = decide(reading, Memory(known=known, sent=sent, page="p", totp_tries=2))
    assert isinstance(once, FillAndSubmit)
    assert isinstance(twice, Ask)
    assert twice.rejected == {"totp_code"}


def test_r15_a_code_page_that_changes_without_a_word_gets_no_third_code() -> None:
    reading = page(PageKind.CODE, TOTP)
    known = frozenset({"totp_code"})
    sent = Sent("p", {"totp_code": "totp_code"})
    again = decide(reading, Memory(known=known, sent=sent, page="q", totp_tries=1))
    assert isinstance(again, FillAndSubmit)
    enough = decide(reading, Memory(known=known, sent=sent, page="q", totp_tries=2))
    assert isinstance(enough, Ask)


def test_a_lock_out_ends_the_login() -> None:
    message = Message("Locked.", is_error=True, locked_out=True)
    action = decide(replace(LOGIN, message=message), Memory(known=KNOWN))
    assert action == GiveUp(
        ErrorCode.ACCOUNT_LOCKED,
        "The site lets nobody into this account for now: it is locked, or was tried too often.",
        "Locked.",
    )


def test_words_of_a_lock_out_mean_something_else_to_whom_the_site_let_in() -> None:
    message = Message("Some features have been deactivated.", is_error=True, locked_out=True)
    inside = page(PageKind.SIGNED_IN, message=message)
    assert isinstance(decide(inside, Memory(known=KNOWN, started=True)), Finish)
    assert isinstance(decide(inside, Memory(known=KNOWN, had_state=True)), Finish)
    assert isinstance(decide(inside, Memory(known=KNOWN)), GiveUp)
    outside = page(PageKind.OTHER, message=message)
    assert isinstance(decide(outside, Memory(known=KNOWN, started=True)), GiveUp)


def test_a_code_is_asked_five_times_at_most() -> None:
    wrong = Message("Wrong code", is_error=True)
    again = page(PageKind.CODE, CODE, message=wrong)
    sent = Sent("", {"code": None}, frozenset({"code"}))
    action = decide(again, Memory(sent=sent, started=True, code_refusals=3))
    assert isinstance(action, Ask)
    last = decide(again, Memory(sent=sent, started=True, code_refusals=4))
    assert last == GiveUp(
        ErrorCode.CREDENTIALS_INVALID, "The site refused the code 5 times.", "Wrong code", rejected=frozenset({"code"})
    )


def test_what_a_form_can_do_without_is_offered_after_a_refusal() -> None:
    tenant = Field("0:7", ("0:7",), FieldRole.TEXT, "tenant", "Mandant", "#tenant", required=False)
    reading = page(PageKind.LOGIN, tenant, USER, WORD)
    assert isinstance(decide(reading, Memory(known=KNOWN)), FillAndSubmit)
    refused = decide(reading, Memory(known=KNOWN, sent=SENT, page="p", started=True))
    assert isinstance(refused, Ask)
    offered = next(asked for asked in refused.pause.fields if asked.ref == "tenant")
    assert (offered.required, offered.reason) == (False, FieldReason.MISSING)
    known = decide(reading, Memory(known=KNOWN | {"Mandant"}))
    assert isinstance(known, FillAndSubmit)
    assert [fill.stored for fill in known.fills if fill.ref == "tenant"] == ["Mandant"]
