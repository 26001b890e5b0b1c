"""Drop-down lists beside a password: which are asked for, and which are the page's own furniture."""

from typing import Any

import pytest

from flows.engine.reading import read
from flows.engine.reading.model import Field, FieldRole
from tests.reading.pages import button, field, form, snapshot

USER, WORD = field("Login", name="login"), field("Hasło", name="haslo", kind="password")


def listed(*entries: tuple[str, str], name: str = "srv", label: str = "Serwer", **more: Any) -> dict[str, Any]:
    options = [[text, 100 + at, 0, value] for at, (text, value) in enumerate(entries)]
    return {"e": "select", "lb": label, "n": name, "op": options, "b": [0, 0, 200, 30], **more}


def of(node: dict[str, Any]) -> Field | None:
    found = read(snapshot(form(USER, WORD, node, button("Zaloguj się"))))
    return found.field_by_role(FieldRole.TEXT)


def test_a_list_without_a_choice_is_asked_where_the_form_needs_it() -> None:
    entries = (("Wybierz…", ""), ("Północ", "n"), ("Południe", "s"))
    found = of(listed(*entries, rq=1))
    assert found is not None
    assert (found.name, found.required, found.hint) == ("srv", True, "Północ / Południe")
    spare = of(listed(*entries))
    assert spare is not None
    assert not spare.required
    chosen = of(listed(*entries, rq=1, fl=1))
    assert chosen is not None
    assert not chosen.required  # it may stay as it is


@pytest.mark.parametrize(
    "furniture",
    [
        listed(("Polski", "1"), ("English", "2"), ("Deutsch", "3"), label="", name="a"),
        listed(("po polsku", "pl"), ("po angielsku", "en"), ("po niemiecku", "de"), name="b"),
        listed(("Polska", "PL"), ("Czechy", "CZ"), name="country"),
        listed(("Jasny", "light"), ("Ciemny", "dark"), name="theme"),
        listed(("Północ", "n")),
        listed(("Północ", "n"), ("Południe", "s"), w="none"),
    ],
)
def test_furniture_is_not_asked_for(furniture: dict[str, Any]) -> None:
    assert of(furniture) is None


def test_a_long_list_is_cut() -> None:
    found = of(listed(*[(f"Oddział numer {n}", str(n)) for n in range(40)]))
    assert found is not None
    assert len(found.hint) <= 204
    assert found.hint.endswith(" / …")
