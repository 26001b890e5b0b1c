"""Questions that only the owner can answer, and pages that seemed to be the other side of a login and are not."""

from typing import Any

import pytest

from flows.engine.reading import read
from flows.engine.reading.model import FieldRole, PageKind
from tests.reading.pages import button, field, form, heading, link, snapshot, text

LIST = {"e": "select", "y": "", "lb": "Zeichen 2", "n": "c2", "b": [0, 0, 60, 30]}


@pytest.mark.parametrize(
    ("head", "question"),
    [
        ("Security question", "What was the name of your first school?"),
        ("Sicherheitsfrage", "Wie hieß Ihr erstes Haustier?"),
        ("Pytanie zabezpieczające", "Imię pierwszego nauczyciela"),
        ("秘密の質問", "母親の旧姓は?"),
        ("安全问题", "您小学班主任的名字是?"),
    ],
)
def test_a_security_question_is_asked(head: str, question: str) -> None:
    found = read(snapshot(heading(head), form(field(question, name="answer"), button("OK"))))
    assert found.kind is PageKind.CODE
    assert [(one.role, one.label, one.required) for one in found.fields] == [(FieldRole.TEXT, question, True)]


@pytest.mark.parametrize(
    ("head", "words", "go_on", "back"),
    [
        ("You are already signed in on another device", "Only one session is allowed.", "Continue", "Cancel"),
        ("Es gibt eine andere Sitzung", "Sie wird beendet.", "Weiter", "Abbrechen"),
        ("Your password will expire in 6 days", "Change it now?", "", "Remind me later"),
    ],
)
def test_what_is_only_told_is_passed(head: str, words: str, go_on: str, back: str) -> None:
    buttons = [button(label) for label in (go_on, back) if label]
    found = read(snapshot(heading(head), text(words), form(*buttons)))
    assert found.kind is PageKind.INTERSTITIAL
    assert (found.accept.label if found.accept else "") == go_on
    assert found.decline is not None
    assert found.decline.label == back


def test_an_unknown_form_is_asked_for_only_in_doubt() -> None:
    page = snapshot(heading("Zorp"), form(LIST, {**LIST, "n": "c5", "lb": "Zeichen 5"}, button("Fnord")))
    assert read(page).fields == ()
    found = read(page, doubted=True)
    assert found.kind is PageKind.CODE
    assert [(one.name, one.role, one.required) for one in found.fields] == [
        ("c2", FieldRole.TEXT, True),
        ("c5", FieldRole.TEXT, True),
    ]


def test_an_unknown_page_is_pressed_only_in_doubt() -> None:
    page = snapshot(heading("Zorp"), text("Blik wexk."), form(button("Continue")))
    assert read(page).kind is PageKind.OTHER
    found = read(page, doubted=True)
    assert found.kind is PageKind.INTERSTITIAL
    assert found.accept is not None
    assert found.accept.label == "Continue"


@pytest.mark.parametrize(
    "nodes",
    [
        [heading("Zorp"), form(field("Search", kind="search", name="q"), button("Search"))],
        [heading("Zorp"), link("Imprint")],
        [],
    ],
)
def test_in_doubt_nothing_is_made_up(nodes: list[dict[str, Any]]) -> None:
    found = read(snapshot(*nodes), doubted=True)
    assert found.fields == ()
    assert found.kind is not PageKind.INTERSTITIAL


@pytest.mark.parametrize("head", ["Unhandled exception", "An error occurred", "We'll be back soon: maintenance"])
def test_a_page_that_says_it_is_broken_is_no_other_side(head: str) -> None:
    """Some applications answer with their errors as if all was well."""
    assert read(snapshot(heading(head), text("Ask your administrator."))).kind is PageKind.ERROR
    inside = [heading(head), text("Your export"), link("Log out", "https://site.test/logout")]
    assert read(snapshot(*inside)).kind is PageKind.SIGNED_IN
