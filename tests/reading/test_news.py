"""Words that a page did not have before."""

import pytest

from flows.engine.reading.news import appeared
from flows.engine.snapshot import Element, Frame, Rect, Snapshot, Text

FIELDS = (
    Element(0, -1, "input", type="text", rect=Rect(100, 100, 200, 30)),
    Element(1, -1, "input", type="password", rect=Rect(100, 140, 200, 30)),
)
TITLE = Text(0, "Logowanie do serwisu", rect=Rect(100, 40, 200, 30))


def page(*texts: Text, fields: tuple[Element, ...] = FIELDS) -> Snapshot:
    return Snapshot((Frame(0, nodes=(TITLE, *fields, *texts)),))


def said(words: str, *, y: int = 180, **more: bool) -> Text:
    return Text(0, words, rect=Rect(100, y, 200, 20), **more)


@pytest.mark.parametrize("words", ["Niepoprawne hasło lub login", "Šis konts neeksistē", "密码不正确", "Wrong, sorry"])
def test_a_sentence_near_the_form_is_told_in_any_language(words: str) -> None:
    assert appeared(page(), page(said(words))) == words


def test_the_nearest_sentence_is_taken() -> None:
    assert appeared(page(), page(said("Newsletter po polsku", y=420), said("Nieprawda, spróbuj", y=185))) == (
        "Nieprawda, spróbuj"
    )


def test_a_refusal_is_told_before_what_stands_nearer() -> None:
    refusal, nearer = said("Invalid user name or password", y=240), said("Connected to the archive", y=185)
    assert appeared(page(), page(nearer, refusal)) == "Invalid user name or password"


@pytest.mark.parametrize(
    "text",
    [
        said("12:45:07"),
        said("3 z 5"),
        said("ok"),
        said("Nowe hasło", is_label=True),
        said("Niepoprawne hasło", unseen=True),
        said("Niepoprawne hasło", y=900),
        said("słowo " * 80),
        TITLE,
    ],
)
def test_clocks_labels_far_and_old_words_are_no_news(text: Text) -> None:
    assert appeared(page(), page(text)) is None


def test_a_page_without_fields_tells_nothing() -> None:
    assert appeared(page(), page(said("Witamy w serwisie"), fields=())) is None
