"""What tells signed in from signed out."""

from dataclasses import replace

import pytest

from flows.engine.marks import Marks, compare, differences, is_positive, lasting_url, place_of

OUT = Marks("https://a.example/login", 200, True, False, True, False, 0.0)
IN = Marks("https://a.example/home", 200, False, True, False, False, 0.9)


def test_a_form_against_none_is_a_proof() -> None:
    assert differences(IN, OUT) >= {"login_form", "sign_out", "place"}


def test_equal_visits_prove_nothing() -> None:
    bland = Marks("https://a.example/", 200, False, False, False, False, 0.0)
    assert differences(bland, bland) == frozenset()
    assert not is_positive(bland)


@pytest.mark.parametrize("changes", [{"login_form": True}, {"unclear": True}, {"status": 403}])
def test_a_visit_that_failed_proves_nothing(changes: dict[str, object]) -> None:
    assert differences(replace(IN, **changes), OUT) == frozenset()  # type: ignore[arg-type] # several types


def test_a_refusal_by_status_is_a_proof() -> None:
    bland = Marks("https://a.example/api", 200, False, False, False, False, 0.0)
    assert differences(bland, replace(bland, status=401)) == {"status"}
    assert compare(replace(bland, status=403), signed_in=bland, signed_out=replace(bland, status=401)) == "logged_out"


def test_r38_later_visits() -> None:
    assert compare(IN, signed_in=IN, signed_out=OUT) == "ok"
    assert compare(OUT, signed_in=IN, signed_out=OUT) == "logged_out"
    assert compare(replace(IN, place="https://a.example/new"), signed_in=IN, signed_out=OUT) == "ok"
    assert compare(replace(IN, unclear=True), signed_in=IN, signed_out=OUT) == "indeterminate"
    other = Marks("https://a.example/maintenance", 200, False, False, False, False, 0.0)
    assert compare(other, signed_in=IN, signed_out=OUT) == "indeterminate"
    assert compare(replace(other, status=503, unclear=True), signed_in=IN, signed_out=OUT) == "indeterminate"


def test_marks_travel_as_json() -> None:
    assert Marks.from_json(IN.to_json()) == IN
    with pytest.raises(KeyError):
        Marks.from_json({"place": "x"})


def test_addresses_lose_what_is_good_once() -> None:
    assert lasting_url("https://u:p@a.example/cb?code=1&state=2&tab=3#access_token=4") == "https://a.example/cb?tab=3"
    assert lasting_url("https://a.example/#/board") == "https://a.example/#/board"
    assert lasting_url("https://a.example") == "https://a.example/"
    assert place_of("https://a.example/x/?q=1#f") == "https://a.example/x"
