"""The page inside another page or opened by one: headers and cookies (R17, R21)."""

from typing import Any

import pytest

from flows.models import Flow
from tests.hosted.factories import Person, code_of, make_live_flow, make_person
from vault.models import Project

pytestmark = pytest.mark.django_db
PARENT = "https://app.example"


def follow(display: str, parent: str, *, allowed: list[str] | None = None) -> tuple[Person, Flow, Any]:
    flow = make_live_flow()
    Project.objects.filter(pk=flow.project_id).update(allowed_origins=[PARENT] if allowed is None else allowed)
    person = make_person(flow.id)
    answer = person.client.get(person.page, {"code": code_of(flow), "display": display, "parent": parent})
    return person, flow, answer


def ancestors(response: Any) -> str:
    policy = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
    return str(policy["frame-ancestors"])


def cookies(response: Any) -> dict[str, str]:
    return {name: morsel.OutputString() for name, morsel in response.cookies.items()}


def test_r21_a_listed_parent_may_frame_the_page_and_nobody_else_may() -> None:
    person, flow, answer = follow("frame", PARENT)
    for response in (answer, person.look(), person.post("continue"), person.look(), person.post("cancel")):
        assert ancestors(response) == PARENT
        assert "X-Frame-Options" not in response
    assert f'data-parent="{PARENT}"' in person.text()
    assert Flow.objects.get(pk=flow.pk).page_options == {"display": "frame", "parent": PARENT}


@pytest.mark.parametrize(
    ("display", "parent", "allowed"),
    [
        ("frame", "https://evil.example", None),
        ("frame", PARENT, []),
        ("frame", "", None),
        ("page", PARENT, None),
        ("frame", f"{PARENT}; script-src *", None),
    ],
)
def test_r21_otherwise_nobody_may(display: str, parent: str, allowed: list[str] | None) -> None:
    person, _, answer = follow(display, parent, allowed=allowed)
    for response in (answer, person.look(), person.post("continue"), person.look()):
        assert ancestors(response) == "'none'"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert all("SameSite=Lax" in text and "Partitioned" not in text for text in cookies(response).values())
    assert "data-parent" not in person.text()


def test_r21_taking_a_parent_off_the_list_closes_its_frame() -> None:
    person, flow, _ = follow("frame", PARENT)
    person.look()
    person.post("continue")
    Project.objects.filter(pk=flow.project_id).update(allowed_origins=[])
    assert ancestors(person.look()) == "'none'"


def test_r17_every_cookie_of_a_frame_can_arrive_there() -> None:
    person, flow, answer = follow("frame", PARENT)
    seen = dict(cookies(answer))
    for response in (person.look(), person.post("continue"), person.look()):
        seen |= cookies(response)
    assert {"csrftoken", f"handoff-{flow.id}", f"login-{flow.id}", f"options-{flow.id}"} <= set(seen)
    for text in seen.values():
        assert "SameSite=None" in text
        assert text.endswith("; Partitioned")
        assert "Secure" in text


def test_r21_a_popup_keeps_its_opener_only_for_a_listed_parent() -> None:
    person, _, answer = follow("popup", PARENT)
    for response in (answer, person.look(), person.post("continue"), person.look()):
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"
        assert ancestors(response) == "'none'"
        assert all("SameSite=Lax" in text for text in cookies(response).values())


def test_r18_the_clean_address_of_a_frame_names_its_parent_and_no_code() -> None:
    person, flow, answer = follow("frame", PARENT)
    assert answer["Location"] == f"{person.page}?display=frame&parent=https%3A%2F%2Fapp.example"
    assert code_of(flow) not in answer["Location"]
    stranger = make_person(flow.id)  # a browser that keeps our cookies out of frames
    closed = stranger.client.get(answer["Location"])
    assert closed.status_code == 404
    assert ancestors(closed) == PARENT
    assert "block cookies of embedded pages" in closed.content.decode()
