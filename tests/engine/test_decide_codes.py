"""Codes that a login form has sent, passwords that must be changed, pages that were no other side."""

from dataclasses import replace

from flows.engine.actions import Ask, FillAndSubmit, Finish, GiveUp, Memory
from flows.engine.contract import ErrorCode
from flows.engine.decide import decide
from flows.engine.ledger import Ledger
from flows.engine.plan import Plan, digest
from flows.engine.reading.model import Control, Field, FieldRole, Message, PageKind, Reading, Submit, SubmitBy

GET = Control("0:8", "Get code", "button")
ENTER = Submit(SubmitBy.CLICK, Control("0:9", "Log in", "button"))
PHONE = Field("0:1", ("0:1",), FieldRole.PHONE, "mobile", "Phone", "#mobile")
CODE = Field("0:2", ("0:2",), FieldRole.CODE, "sms", "Code", "#sms")
FORM = Reading(
    PageKind.LOGIN, 1.0, "https://a.example/login", "Log in", fields=(PHONE, CODE), submit=ENTER, openers=(GET,)
)
NEW = Field("0:3", ("0:3",), FieldRole.NEW_PASSWORD, "new1", "New password", "#new1")


def test_first_the_number_then_the_code() -> None:
    ledger = Ledger(Memory(page="login"))
    first = decide(FORM, ledger.memory)
    assert isinstance(first, Ask)
    assert [field.ref for field in first.pause.fields] == ["username"]

    ledger = Ledger(Memory(page="login", known=frozenset({"phone", "totp_code"})))
    sending = decide(FORM, ledger.memory)
    assert isinstance(sending, FillAndSubmit)
    assert sending.for_code
    assert [fill.ref for fill in sending.fills] == ["username"]
    assert sending.submit == Submit(SubmitBy.CLICK, GET)

    ledger.sent(sending, FORM, page="login")
    then = decide(FORM, ledger.memory)
    assert isinstance(then, Ask), then
    assert [field.ref for field in then.pause.fields] == ["code"]  # no generated code fits one that was sent
    assert ledger.plan(end="") == Plan((), FORM.url, digest(""))  # the way of the next time starts with a form as well


def test_a_number_that_the_site_does_not_know_is_asked_for_again() -> None:
    ledger = Ledger(Memory(page="login", known=frozenset({"phone"})))
    sending = decide(FORM, ledger.memory)
    assert isinstance(sending, FillAndSubmit)
    ledger.sent(sending, FORM, page="login")
    refused = replace(FORM, message=Message("No account has this number.", is_error=True))
    again = decide(refused, ledger.memory)
    assert isinstance(again, Ask)
    assert "username" in again.rejected
    assert [field.ref for field in again.pause.fields] == ["username"]
    ledger.refused(again.rejected)
    assert ledger.memory.requested == ""


def test_a_password_that_ran_out_is_changed_by_the_person() -> None:
    change = replace(FORM, kind=PageKind.RESET, fields=(NEW,), openers=(), url="https://a.example/change")
    assert not isinstance(decide(change, Memory(page="change")), Ask)
    asked = decide(change, Memory(page="change", started=True, known=frozenset({"password"})))
    assert isinstance(asked, Ask)
    assert [field.ref for field in asked.pause.fields] == ["new1"]

    ledger = Ledger(Memory(page="change", started=True, known=frozenset({"password"}), given=frozenset({"new1"})))
    ledger._stored.add("password")
    send = decide(change, ledger.memory)
    assert isinstance(send, FillAndSubmit)
    ledger.sent(send, change, page="change")
    assert ledger.given == {"password"}
    assert ledger.stored == frozenset()


def test_a_page_that_was_no_other_side_is_not_taken_for_it_twice() -> None:
    page = Reading(PageKind.OTHER, 0.5, "https://a.example/odd", "Odd")
    memory = Memory(page="odd", started=True, waits=1)
    assert isinstance(decide(page, memory), Finish)
    again = decide(page, replace(memory, doubted=frozenset({digest("odd")})))
    assert isinstance(again, GiveUp)
    assert again.code is ErrorCode.VERIFICATION_FAILED


def test_what_was_doubted_once_is_in_the_plan() -> None:
    plan = Ledger(Memory(page="home", started=True, doubted=frozenset({"d1"}))).plan(end="home")
    assert plan is not None
    assert plan.doubted == ("d1",)
    assert Plan.from_json(plan.to_json()) == plan
    older = {name: value for name, value in plan.to_json().items() if name != "doubted"}
    assert Plan.from_json(older) == replace(plan, doubted=())
