"""Plans, without a browser: what is kept of a way, what is done again, and when not."""

from dataclasses import replace

import pytest

from flows.engine.actions import Ask, FillAndSubmit, Finish, Memory, Pick, Press, Why
from flows.engine.decide import decide
from flows.engine.decide.asking import choice_ids
from flows.engine.ledger import Ledger
from flows.engine.matching import entry_named, identifying
from flows.engine.plan import Did, Plan, Step, digest, walked
from flows.engine.reading.model import Choice, ChoiceKind, Control, FieldRole, PageKind
from tests.engine.test_decide import LOGIN, TOTP, USER, WORD, page

ADA = Choice("0:7", ChoiceKind.ACCOUNT, "Ada Lovelace ada@example.com", "#a")
GRACE = Choice("0:8", ChoiceKind.ACCOUNT, "Grace Hopper grace@example.com", "#g")
PICKER = page(PageKind.ACCOUNT_PICKER, choices=(GRACE, ADA))
OPENER = Control("0:9", "Use a password", "#o")


def at(name: str, ledger: Ledger) -> None:
    ledger.looked(page=name, status=200)


def plan_of_a_login() -> Plan:
    ledger = Ledger(Memory(known=frozenset({"username", "password"})))
    at("welcome", ledger)
    ledger.pressed(OPENER)
    at("login", ledger)
    action = decide(LOGIN, ledger.memory)
    assert isinstance(action, FillAndSubmit)
    ledger.sent(action, LOGIN, page="login")
    at("picker", ledger)
    ledger.picked(ADA, PICKER)
    plan = ledger.plan(end="home")
    assert plan is not None
    return plan


def test_a_plan_holds_names_and_digests_only() -> None:
    plan = plan_of_a_login()
    assert [step.did for step in plan.steps] == [Did.PRESSED, Did.FILLED, Did.PICKED]
    assert plan.steps[1].refs == ("password", "username")
    assert plan.start == LOGIN.url
    assert plan.ends_at("home")
    text = str(plan.to_json())
    assert not any(said in text for said in ("ada", "Ada", OPENER.label, "welcome"))
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json({**plan.to_json(), "version": 0}) is None


def test_choices_and_presses_are_made_again_once() -> None:
    memory = Memory(plan=plan_of_a_login(), page="picker", started=True)
    action = decide(PICKER, memory)
    assert isinstance(action, Pick)
    assert action.choice is ADA
    assert isinstance(decide(PICKER, replace(memory, pressed={("picker", ADA.label): 1})), Ask)
    assert isinstance(decide(PICKER, replace(memory, page="another")), Ask)
    assert isinstance(decide(replace(PICKER, choices=(GRACE,)), memory), Ask)
    welcome = page(PageKind.OTHER, openers=(OPENER,))
    assert decide(welcome, replace(memory, page="welcome")) == Press(OPENER, Why.OPENER)


def test_the_page_at_the_end_needs_no_second_look() -> None:
    home = page(PageKind.OTHER)
    memory = Memory(plan=plan_of_a_login(), page="home", started=True)
    assert isinstance(decide(home, memory), Finish)
    assert not isinstance(decide(home, replace(memory, page="elsewhere")), Finish)
    assert not isinstance(decide(home, replace(memory, started=False)), Finish)


def test_detours_are_forgotten() -> None:
    there = Step("a", Did.PICKED, "sms")
    again = Step("a", Did.PICKED, "totp")
    assert walked((there, Step("b", Did.FILLED)), again) == (again,)


def test_an_address_that_is_good_once_is_no_start() -> None:
    ledger = Ledger(Memory(known=frozenset({"username", "password"})))
    once = replace(LOGIN, url="https://a.example/login?state=1")
    action = decide(once, ledger.memory)
    assert isinstance(action, FillAndSubmit)
    ledger.sent(action, once, page="login")
    plan = ledger.plan(end="home")
    assert plan is not None
    assert plan.start == ""
    assert Ledger(Memory()).plan(end="home") is None


@pytest.mark.parametrize(
    ("value", "entries", "expected"),
    [
        ("ada@example.com", [("Grace grace@example.com",), ("Ada ADA@example.com",)], 1),
        ("ada@example.com", [("ada@example.com.evil",), ("xada@example.com",)], None),
        ("ada@example.com", [("Ada", "ada@example.com"), ("Ada (work) ada@example.com",)], 0),
        ("ada@example.com", [("Ada 1 ada@example.com",), ("Ada 2 ada@example.com",)], None),
        ("ada@example.com", [("g•••@example.com",), ("a**@example.com",)], 1),
        ("ada@example.com", [("a**@example.com",), ("a••@example.com",)], None),
        ("ada@example.com", [("***",), ("•••@example.com",)], None),
        ("Acme  Inc", [("Globex",), ("acme inc",)], 1),
        ("ada", [("Ada Lovelace",), ("Canada",)], None),
        ("", [("",)], None),
    ],
)
def test_entries_that_name_a_stored_value(value: str, entries: list[tuple[str, ...]], expected: int | None) -> None:
    assert entry_named(value, entries) == expected


def test_only_names_that_say_who_somebody_is_are_compared() -> None:
    assert identifying({"E-Mail", "password", "totp_code", "organization", "pin"}) == {"E-Mail", "organization"}


def test_ids_tell_equal_choices_apart() -> None:
    twins = (ADA, replace(ADA, ref="0:9"))
    assert list(choice_ids(twins).values()) == list(twins)
    ledger = Ledger(Memory())
    ledger.picked(twins[1], replace(PICKER, choices=twins))
    plan = ledger.plan(end="home")
    assert plan is not None
    assert plan.steps[0].what.endswith("_2")
    assert digest(ADA.label) not in str(plan)


def test_a_form_of_the_plan_is_filled_by_what_is_known_now() -> None:
    memory = Memory(plan=plan_of_a_login(), page="login", known=frozenset({"username"}))
    action = decide(page(PageKind.LOGIN, USER, WORD, TOTP), memory)
    assert isinstance(action, Ask)
    assert {asked.role for asked in action.pause.fields} == {FieldRole.PASSWORD, FieldRole.TOTP}
