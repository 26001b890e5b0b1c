"""What tells signed in from signed out."""

from dataclasses import replace

import pytest

from flows.engine.marks import (
    Marks,
    Verdict,
    differences,
    is_everybodys,
    is_positive,
    judge,
    landmarks_of,
    lasting_url,
    place_of,
)
from flows.engine.snapshot import Element, Frame, Snapshot

URL = "https://a.example/home"
OUT = Marks("https://a.example/login", 200, True, False, True, False, 0.0)
IN = Marks("https://a.example/home", 200, False, True, False, False, 0.9)


def test_a_form_against_none_is_a_proof() -> None:
    assert differences(IN, OUT) >= {"login_form", "sign_out", "place"}


def test_equal_visits_prove_nothing() -> None:
    bland = Marks("https://a.example/", 200, False, False, False, False, 0.0)
    assert differences(bland, bland) == frozenset()
    assert not is_positive(bland)


def test_a_bare_page_that_everybody_gets_is_nobodys_other_side() -> None:
    """As an error is, with status 200 and in a language nobody taught us."""
    error = Marks("https://a.example/app", 200, False, False, False, False, 0.15, ("aaaa", "bbbb"))
    assert is_everybodys(error, replace(error))
    assert not is_everybodys(error, None)  # nobody looked
    assert not is_everybodys(error, replace(error, landmarks=("aaaa", "cccc")))
    assert not is_everybodys(replace(error, score=0.9), replace(error, score=0.9))
    full = replace(error, landmarks=tuple(f"{n:04}" for n in range(20)))
    assert not is_everybodys(full, replace(full))  # an application may be open to all, and keep what is theirs unseen


@pytest.mark.parametrize("changes", [{"login_form": True}, {"unclear": True}, {"status": 403}])
def test_a_visit_that_failed_proves_nothing(changes: dict[str, object]) -> None:
    assert differences(replace(IN, **changes), OUT) == frozenset()  # type: ignore[arg-type] # several types


def test_a_refusal_by_status_is_a_proof() -> None:
    bland = Marks("https://a.example/api", 200, False, False, False, False, 0.0)
    assert differences(bland, replace(bland, status=401)) == {"status"}
    assert later(replace(bland, status=401), bland, replace(bland, status=401)) == "out"


def test_a_refusal_that_reads_like_an_error_is_what_strangers_get() -> None:
    bland = Marks("https://a.example/app", 200, False, False, False, False, 0.0)
    refused = replace(bland, status=401, unclear=True)
    assert later(refused, bland, refused) == "out"
    assert later(replace(refused, status=500), bland, refused) == "unclear"


def test_r38_a_refusal_may_be_a_block_for_a_whole_country() -> None:
    bland = Marks("https://a.example/app", 200, False, False, False, False, 0.0)
    assert later(replace(bland, status=403), bland, replace(bland, status=403)) == "like_out"


def later(seen: Marks, signed_in: Marks = IN, signed_out: Marks = OUT) -> Verdict:
    return judge(seen, url=URL, signed_in=signed_in, signed_out=signed_out)


def test_r38_later_visits() -> None:
    assert later(IN) == "in"
    assert later(OUT) == "out"
    assert later(replace(IN, place="https://a.example/new")) == "in"
    assert later(replace(IN, unclear=True)) == "unclear"
    other = Marks("https://a.example/maintenance", 200, False, False, False, False, 0.0)
    assert later(other) == "unsure"
    assert later(replace(other, status=503, unclear=True)) == "unclear"


def test_r38_a_page_without_a_form_is_not_yet_the_application() -> None:
    plain = replace(IN, sign_out=False, score=0.0, landmarks=("a", "b", "c"))
    notice = replace(plain, landmarks=("x",))
    assert later(plain, plain) == "in"
    assert later(notice, plain) == "unsure"
    assert later(replace(notice, login_links=True), replace(plain, sign_out=True), replace(OUT, login_form=False)) == (
        "unsure"
    )


def test_a_site_that_sends_on_says_something() -> None:
    plain = replace(IN, sign_out=False, score=0.0)
    sent_on = judge(plain, url="https://a.example/login", signed_in=plain, signed_out=OUT)
    assert sent_on == "in"


def test_a_stranger_s_page_needs_a_word_about_logging_in() -> None:
    front = Marks("https://a.example/", 200, False, False, True, False, 0.0)
    inside = replace(front, login_links=False, sign_out=True, score=0.9)
    assert later(front, inside, front) == "out"
    assert later(replace(front, login_links=False), inside, front) == "unsure"


def test_marks_travel_as_json() -> None:
    assert Marks.from_json(IN.to_json()) == IN
    with pytest.raises(KeyError):
        Marks.from_json({"place": "x"})


def test_addresses_lose_what_is_good_once() -> None:
    assert lasting_url("https://u:p@a.example/cb?code=1&state=2&tab=3#access_token=4") == "https://a.example/cb?tab=3"
    assert lasting_url("https://a.example/#/board") == "https://a.example/#/board"
    assert lasting_url("https://a.example") == "https://a.example/"
    assert place_of("https://a.example/x/?q=1#f") == "https://a.example/x"


def test_a_picture_to_press_is_known_by_its_name() -> None:
    """Some applications greet whom they let in with nothing but the account's picture."""

    def visit(account: Element) -> Marks:
        shared = Element(0, -1, "button", aria_label="Search")
        marks = Marks(URL, 200, False, False, account.text == "Login", False, 0.0)
        return replace(marks, landmarks=landmarks_of(Snapshot((Frame(0, nodes=(shared, account)),))))

    outside = visit(Element(1, -1, "button", text="Login"))
    inside = replace(visit(Element(1, -1, "button", id="header-account", icon="avatar")), score=0.15)
    bare = replace(inside, landmarks=outside.landmarks[:1])
    assert later(inside, inside, outside) == "in"
    assert later(bare, inside, outside) == "unsure"
