"""The measure of the reader, on labels small enough to count by hand; the command that prints it; a floor on a corpus."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from flows.engine import accuracy, corpus
from flows.engine.observe import Observation, PageGone, observe
from flows.management.commands import readpage
from flows.management.commands.readpage import table
from tests.reading.pages import button, field, form, snapshot

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def label(css: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "css": css,
        "kind": kind,
        "accept": [kind],
        "context": "login",
        "src": "corpus",
        "raw": kind,
        "visible": True,
    } | more


def labels(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    scored = ["identifier", "email", "password", "submit", "code"]
    return {
        "id": "a",
        "kind": "login",
        "step": "full",
        "elements": list(elements),
        "ignore": [],
        "scored_kinds": scored,
    } | more


def said(css: str, kind: str, context: str = "login") -> dict[str, str]:
    return {"css": css, "kind": kind, "context": context}


RIGHT = (said("u", "identifier"), said("p", "password"), said("b", "submit"))
GOLD = (label("u", "identifier"), label("p", "password"), label("b", "submit"))


def measured(*elements: dict[str, str], gold: dict[str, Any] | None = None, kind: str = "login") -> accuracy.Accuracy:
    return accuracy.measure([gold or labels(*GOLD)], {"a": {"kind": kind, "elements": list(elements)}})


def test_all_found_is_a_page_wholly_right() -> None:
    found = measured(*RIGHT)
    assert (found.logins_right, found.logins) == (1, 1)
    assert [found.elements[kind].f1 for kind in ("login_id", "password", "submit")] == [1.0, 1.0, 1.0]
    assert found.login_kind.f1 == 1.0
    assert found.misses == []


def test_a_missed_field_and_a_wrong_one_are_counted_and_told() -> None:
    found = measured(RIGHT[0], said("x", "password"), RIGHT[2], kind="signup")
    assert (found.elements["password"].right, found.elements["password"].wrong, found.elements["password"].missed) == (
        0,
        1,
        1,
    )
    assert found.logins_right == 0
    assert found.kind_exact == 0.0
    assert len(found.misses) == 3


def test_what_the_labels_leave_open_counts_neither_way() -> None:
    gold = labels(
        *GOLD, label("v", "email", visible=False), ignore=[{"css": "i", "kinds": ["*"]}], scored_kinds=["password"]
    )
    found = measured(*RIGHT, said("i", "password"), said("n", "code"), said("v", "password"), gold=gold)
    assert found.elements["password"].wrong == 0
    assert found.elements["code"].wrong == 0
    assert found.logins_right == 1


def test_a_page_without_prediction_found_nothing() -> None:
    found = accuracy.measure([labels(*GOLD)], {})
    assert found.unpredicted == 1
    assert found.elements["password"].missed == 1
    assert found.elements["password"].precision is None


def test_providers_are_counted_by_recall_and_by_where_they_should_not_be() -> None:
    gold = labels(*GOLD, label("g", "sso"))
    found = measured(*RIGHT, said("g", "sso"), said("z", "sso"), gold=gold)
    assert (found.elements["sso"].recall, found.sso_extra, found.sso_misplaced) == (1.0, 1, 0)
    assert measured(*RIGHT[:2], said("b", "sso")).sso_misplaced == 1


def test_a_prediction_names_elements_by_their_path() -> None:
    found = corpus.prediction(
        snapshot(form(field("User", name="u"), field("Password", kind="password"), button("Log in")))
    )
    assert found["kind"] == "login"
    assert [(element["kind"], element["context"]) for element in found["elements"]] == [
        ("identifier", "login"),
        ("password", "login"),
        ("submit", "login"),
    ]
    assert all(element["css"].startswith("html > body > ") for element in found["elements"])


def test_about_a_fifth_of_all_sites_is_kept_unread() -> None:
    share = sum(corpus.is_held_out(f"site{number}") for number in range(2000)) / 2000
    assert 0.17 < share < 0.23


PAGE = "<form><label>User<input name=u></label><label>Password<input type=password name=p></label><button>Log in</button></form>"


def test_readpage_tells_what_it_sees(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    out = io.StringIO()
    call_command("readpage", str(file), stdout=out)
    assert "identifier" in out.getvalue()
    assert "because" in out.getvalue()
    out = io.StringIO()
    call_command("readpage", str(file), "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["kind"] == "login"
    assert [field["role"] for field in found["fields"]] == ["identifier", "password"]


def test_readpage_looks_again_at_a_page_between_two_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    gone = [PageGone("Error"), PageGone("Error")]

    async def sometimes(page: object) -> Observation:
        if gone:
            raise gone.pop()
        return await observe(page)

    monkeypatch.setattr(readpage, "observe", sometimes)
    out = io.StringIO()
    call_command("readpage", str(file), "--json", stdout=out)
    assert json.loads(out.getvalue())["kind"] == "login"


def test_readpage_measures_a_corpus_and_writes_predictions(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    root = "html > body > form:nth-of-type(1)"
    gold = labels(
        label(f"{root} > label:nth-of-type(1) > input:nth-of-type(1)", "identifier"),
        label(f"{root} > label:nth-of-type(2) > input:nth-of-type(1)", "password"),
        label(f"{root} > button:nth-of-type(1)", "submit"),
        file="page.html",
    )
    (tmp_path / "labels.json").write_text(json.dumps({"pages": [gold]}))
    out = io.StringIO()
    call_command(
        "readpage", corpus=tmp_path, labels=tmp_path / "labels.json", predictions=tmp_path / "out.json", stdout=out
    )
    assert "login pages wholly right: 1 of 1" in out.getvalue()
    written = json.loads((tmp_path / "out.json").read_text())
    assert table(accuracy.measure([gold], written), misses=3) + "\n" == out.getvalue()


@pytest.mark.parametrize("arguments", [[], ["nowhere.html"], ["--corpus", "x"], ["a.html", "--corpus", "x"]])
def test_readpage_says_what_it_needs(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("readpage", *arguments)


@pytest.mark.skipif(not (CORPUS / "labels.json").is_file(), reason="the labelled pages are not beside the repository")
async def test_on_saved_pages_of_real_sites_nearly_all_login_forms_are_right(context: Any) -> None:
    pages = [page for page in json.loads((CORPUS / "labels.json").read_text())["pages"] if page["step"] == "full"][::5]
    seen = corpus.snapshots([(page["id"], CORPUS / page["file"]) for page in pages], context.browser)
    found = accuracy.measure(
        pages, {name: corpus.prediction(snapshot) async for name, snapshot in seen}, login_only=True
    )
    assert found.logins > 40
    assert found.logins_right / found.logins > 0.88
    assert found.sso_misplaced == 0
