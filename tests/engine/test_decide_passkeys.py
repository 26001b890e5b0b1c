"""When a passkey of the profile is used."""

from dataclasses import replace

import pytest

from flows.engine.actions import FillAndSubmit, Memory, Press, Why
from flows.engine.decide import decide
from flows.engine.plan import Did, Plan, Step, digest
from flows.engine.reading.model import (
    Choice,
    ChoiceKind,
    Control,
    MfaType,
    PageKind,
    Reading,
)
from tests.engine.test_decide import KNOWN, LOGIN, page

PASSKEY = Choice("0:20", ChoiceKind.MFA_METHOD, "Mit Passkey anmelden", "#pk", mfa_type=MfaType.PASSKEY)
OPENER = Control("0:21", "Sign in with a passkey", "#pk")
HELD = Memory(passkey=True)


@pytest.mark.parametrize(
    "reading",
    [
        replace(LOGIN, choices=(PASSKEY,)),
        replace(LOGIN, openers=(OPENER,)),
        page(PageKind.METHOD_CHOICE, choices=(PASSKEY,)),
        page(PageKind.EXTERNAL_ACTION, accept=replace(OPENER, label="Use security key")),
        page(PageKind.OTHER, openers=(OPENER,)),
        replace(LOGIN, openers=(replace(OPENER, label="Zaloguj się kluczem dostępu"),)),
        replace(LOGIN, openers=(replace(OPENER, label="パスキーでログイン"),)),
    ],
)
def test_a_passkey_of_the_profile_is_used_before_anything_is_typed_or_asked(reading: Reading) -> None:
    action = decide(reading, HELD)
    assert isinstance(action, Press)
    assert action.why == Why.PASSKEY
    assert action.control.ref in (PASSKEY.ref, OPENER.ref)
    assert decide(reading, Memory()) != action
    pressed = replace(HELD, pressed={("", action.control.label): 1})
    assert decide(reading, pressed) == decide(reading, replace(pressed, passkey=False))
    assert decide(reading, replace(HELD, passkey_tries=3)) == decide(reading, Memory())


@pytest.mark.parametrize(
    "reading",
    [
        LOGIN,
        page(PageKind.INTERSTITIAL, accept=OPENER),
        page(PageKind.SIGNED_IN, openers=(OPENER,)),
        replace(LOGIN, openers=(replace(OPENER, label="Create a passkey"),)),
        page(PageKind.METHOD_CHOICE, choices=(replace(PASSKEY, needs_submit=True),)),
    ],
)
def test_a_passkey_is_not_used_where_nothing_asks_for_one(reading: Reading) -> None:
    assert decide(reading, HELD) == decide(reading, Memory())


def test_an_application_that_let_somebody_in_is_given_no_passkey() -> None:
    inside = page(PageKind.OTHER, openers=(OPENER,))
    assert decide(inside, replace(HELD, started=True)) == decide(inside, Memory(started=True))


def test_a_plan_presses_no_passkey_button_without_a_passkey() -> None:
    reading = replace(LOGIN, openers=(OPENER,))
    plan = Plan((Step(digest("login"), Did.PRESSED, digest(OPENER.label)),))
    memory = Memory(page="login", plan=plan, known=KNOWN)
    assert isinstance(decide(reading, memory), FillAndSubmit)
    assert decide(reading, replace(memory, passkey=True)) == Press(OPENER, Why.PASSKEY)
