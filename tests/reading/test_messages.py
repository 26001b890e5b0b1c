"""Which of several messages reaches the person: the one they would see, and the one that tells them something."""

import pytest

from flows.engine.reading import read
from tests.reading.conftest import Read
from tests.reading.pages import button, field, form, heading, snapshot, text

USER = field("Login", name="login")
WORD = field("Hasło", name="haslo", kind="password")
SENT = button("Zaloguj się")


def said(*nodes: dict[str, object]) -> str | None:
    found = read(snapshot(heading("Logowanie"), *nodes)).message
    return found.text if found is not None and found.is_error else None


def test_what_people_see_comes_before_what_is_read_out() -> None:
    read_out = text("Nieprawidłowe dane. Błąd. Pole: hasło.", a=3, sr=1)
    seen = text("Nieprawidłowy login lub hasło.", a=1, rd=1)
    assert said(read_out, form(seen, USER, WORD, SENT)) == "Nieprawidłowy login lub hasło."
    assert said(read_out, form(USER, WORD, SENT)) == "Nieprawidłowe dane. Błąd. Pole: hasło."  # better than nothing


def test_words_without_any_mark_are_the_message_where_they_are_read_out_as_well() -> None:
    read_out = text("Błąd: Podany login lub hasło jest nieprawidłowe", a=3, sr=1)
    plain = text("Podany login lub hasło jest nieprawidłowe")
    assert said(read_out, form(plain, USER, WORD, SENT)) == "Podany login lub hasło jest nieprawidłowe"
    other = text("Wpisz hasło. Nieprawidłowe wpisy są zapisywane w dzienniku zdarzeń naszej firmy.")
    assert said(read_out, form(other, USER, WORD, SENT)) == "Błąd: Podany login lub hasło jest nieprawidłowe"


def test_a_note_at_an_empty_field_yields_to_what_the_site_says() -> None:
    note = text("Wymagane", a=3, rd=1, b=[0, 76, 200, 16])
    word = {**WORD, "b": [0, 40, 200, 30], "iv": 1, "dc": "Wymagane"}
    told = text("Konto o tym loginie nie istnieje.", a=1, rd=1)
    assert said(form(told, USER, word, note, SENT)) == "Konto o tym loginie nie istnieje."
    assert said(form(USER, word, note, SENT)) == "Wymagane"  # what else is there


def test_a_hidden_description_yields_to_what_stands_on_the_page() -> None:
    word = {**WORD, "iv": 1, "dc": "Nieprawidłowy wpis, komunikat 1 z 1"}
    told = text("Login lub hasło są nieprawidłowe.", a=1, rd=1)
    assert said(form(told, USER, word, SENT)) == "Login lub hasło są nieprawidłowe."
    assert said(form(USER, word, SENT)) == "Nieprawidłowy wpis, komunikat 1 z 1"


@pytest.mark.parametrize("name", ["error", "errornote", "loginError", "form_errorText__x7"])
async def test_a_red_note_of_an_error_s_class_is_the_message_in_any_language(reading: Read, name: str) -> None:
    """As Django's admin and generated style sheets call it."""
    page = f"""<p class={name} style="color:#ba2121">Kaloga mopuru seno vadega.</p><form method=post>
    <label>Login <input name=l></label><label>Hasło <input type=password name=h></label><button>Zaloguj</button></form>"""
    message = (await reading(page)).message
    assert message is not None
    assert message.text == "Kaloga mopuru seno vadega."


async def test_a_red_note_of_another_class_is_none(reading: Read) -> None:
    page = """<p class=mirror style="color:#ba2121">Kaloga mopuru seno vadega.</p><form method=post>
    <label>Login <input name=l></label><label>Hasło <input type=password name=h></label><button>Zaloguj</button></form>"""
    assert (await reading(page)).message is None
