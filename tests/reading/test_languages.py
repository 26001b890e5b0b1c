"""Every language of the keyword file carries a login form, a wrong password and a code; none disturbs another."""

import pytest

from flows.engine.reading import read
from flows.engine.reading.lexicon import concepts_of, tables
from flows.engine.reading.model import CheckboxMeaning, FieldRole, PageKind
from flows.engine.reading.text import fold
from tests.reading.pages import button, field, form, heading, link, snapshot, text

LANGUAGES = tables()
NEEDED = {"user", "email", "password", "code", "login", "signup", "forgot", "next", "verify", "search", "remember"} | {
    "logout", "account", "rejected", "accept", "decline", "maintenance"
}  # fmt: skip


def said(language: str, concept: str) -> str:
    return LANGUAGES[language][concept][0].rstrip("*")


def test_there_are_thirty_languages_and_more() -> None:
    assert len(LANGUAGES) >= 30
    wanted = {"ar", "he", "zh", "zh-hant", "ja", "ko", "ru", "el", "hi", "th", "tr", "vi", "pl", "cs"}
    assert wanted <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_what_a_login_needs(language: str) -> None:
    assert set(LANGUAGES[language]) >= NEEDED - (set() if language not in ("bn", "ms", "ca", "sr") else {"decline"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_no_concept_english_lacks(language: str) -> None:
    assert set(LANGUAGES[language]) <= set(LANGUAGES["en"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_is_found_in_a_text_that_holds_it(language: str) -> None:
    for concept, entries in LANGUAGES[language].items():
        if concept == "person":
            continue  # yields where the text names a user or an address
        for entry in entries:
            assert concept in concepts_of(entry.rstrip("*")), (language, concept, entry)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_login_form(language: str) -> None:
    reading = read(
        snapshot(
            heading(said(language, "login")),
            form(
                field(said(language, "user"), name="f1"),
                field(said(language, "password"), kind="password", name="f3"),
                {"e": "input", "y": "checkbox", "lb": said(language, "remember"), "n": "f5", "b": [0, 0, 15, 15]},
                link(said(language, "forgot")),
                button(said(language, "login")),
            ),
            link(said(language, "signup")),
        )
    )
    assert reading.kind is PageKind.LOGIN, reading.reasons
    assert [item.role for item in reading.fields] == [FieldRole.IDENTIFIER, FieldRole.PASSWORD, FieldRole.CHECKBOX]
    assert reading.fields[2].checkbox is CheckboxMeaning.REMEMBER
    assert reading.submit is not None
    assert reading.submit.control is not None
    assert reading.submit.control.label == said(language, "login")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_email_field_that_only_its_label_tells(language: str) -> None:
    reading = read(
        snapshot(
            form(field(said(language, "email"), name="f1"), field(said(language, "password"), kind="password"), button(said(language, "login")))
        )
    )  # fmt: skip
    assert reading.fields[0].role is FieldRole.EMAIL


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rejected_password_is_an_error(language: str) -> None:
    words = f"{said(language, 'password')} {said(language, 'rejected')}"
    reading = read(
        snapshot(
            form(
                {"t": words, "a": 1, "rd": 1},
                field(said(language, "user")),
                field(said(language, "password"), kind="password"),
                button(said(language, "login")),
            )
        )
    )
    assert reading.message is not None
    assert reading.message.is_error
    assert reading.message.text == words
    assert not reading.message.locked_out


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code(language: str) -> None:
    reading = read(
        snapshot(
            heading(said(language, "code")),
            form(field(said(language, "code"), name="f1", ml=6), button(said(language, "verify"))),
        )
    )
    assert reading.kind is PageKind.CODE, reading.reasons
    assert [item.role for item in reading.fields] == [FieldRole.CODE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_signed_in(language: str) -> None:
    reading = read(
        snapshot(link(said(language, "account")), link(said(language, "logout")), heading("Acme"), text("12"))
    )
    assert reading.kind is PageKind.SIGNED_IN
    assert reading.signed_in_score > 0.7


@pytest.mark.parametrize("language", [name for name in LANGUAGES if "locked" in LANGUAGES[name]])
def test_locked_out(language: str) -> None:
    reading = read(
        snapshot(
            form(
                {"t": said(language, "locked"), "a": 3, "rd": 1},
                field(said(language, "user")),
                field(kind="password"),
                button(said(language, "login")),
            )
        )
    )
    assert reading.message is not None
    assert reading.message.locked_out


@pytest.mark.parametrize(
    "harmless",
    [
        "Your last login was on Monday at 10:42 from Oslo, Norway.",
        "Need help? Visit our help centre or write to us at any time of the day.",
        "By using this site you agree to our rules. Copyright Acme Corp 2024.",
        "New: read the annual report about our work in the city and its land.",
    ],
)
def test_plain_english_is_no_error_and_no_lock(harmless: str) -> None:
    assert concepts_of(harmless).isdisjoint({"rejected", "locked", "wrong", "robot", "blocked"})


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ＰＡＳＳＷＯＲＤ", "password"),
        ("Contraseña", "contrasena"),
        ("KULLANICI ADI", "kullanici adi"),
        ("Straße", "strasse"),
    ],
)
def test_spelling_variants_are_folded(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_no_other_side_whatever_its_status(language: str) -> None:
    for entry in LANGUAGES[language]["maintenance"]:
        said_so = entry.rstrip("*")
        headed = snapshot(link("Acme"), heading(said_so), text("404"), *[link(f"Part {n}") for n in range(9)])
        assert read(headed).kind is PageKind.ERROR, entry
        assert read(snapshot(text(said_so), link("Acme"))).kind is PageKind.ERROR, entry  # with no heading at all
    word = said(language, "maintenance")
    inside = snapshot(heading(word), text("Tasks"), link(said(language, "logout"), "https://site.test/out"))
    assert read(inside).kind is PageKind.SIGNED_IN
    aside = snapshot(heading("Acme"), text(word), *[text(f"Part {n}") for n in range(9)])
    assert read(aside).kind is PageKind.OTHER  # an application may speak of such things
