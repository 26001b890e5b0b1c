"""Headers, forged requests and untrusted text."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from flows.engine.contract import AskedChoice, AskedField
from flows.engine.reading.model import ChoiceKind, FieldRole
from flows.models import Flow
from flows.transitions import FlowState
from tests.flows.factories import make_pause
from tests.hosted.factories import GOOGLE, ask, code_of, make_live_flow, make_person, opened, take

pytestmark = pytest.mark.django_db
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:'7' }}' onfocus='alert(1)"


def assert_guarded(response: Any) -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert re.fullmatch(r"'nonce-[A-Za-z0-9+/=]{20,}'", policy["script-src"]) or policy["script-src"] in ("", "'none'")
    assert policy["style-src"] == policy["connect-src"] == policy["font-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cache-Control"] == "no-store"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert "camera=()" in response["Permissions-Policy"]


def test_r21_every_page_carries_the_whole_policy() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    person = make_person(flow.id)
    assert_guarded(person.follow_link(code))
    assert_guarded(person.look())  # consent
    assert_guarded(person.post("continue"))
    assert_guarded(person.look())  # queued
    ask(take(flow))
    assert_guarded(person.look())  # form
    assert_guarded(person.look({"HX-Request": "true"}))
    assert_guarded(make_person(flow.id).look())  # closed
    assert_guarded(make_person(flow.id).post("cancel"))  # refused for its token
    assert_guarded(person.post("cancel", headers={"Origin": "https://evil.example"}))
    assert_guarded(person.client.get("/login/a/b/c"))
    assert_guarded(person.client.get(f"{person.page}/cancel"))
    assert_guarded(Client().get("/nothing-here", headers={"Accept": "text/html"}))


def test_r21_pages_have_no_inline_code_and_no_foreign_address() -> None:
    flow = make_live_flow()
    ask(take(flow), make_pause(choices=(GOOGLE,)))
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    consent = person.text()
    person.post("continue")
    for text in (consent, person.text()):
        assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", text)
        assert all("nonce=" in tag and "src=" in tag for tag in re.findall(r"<script[^>]*>", text))
        assert not re.search(r"(?:src|href|action)=[\"']?(?:https?:)?//", text)


@pytest.mark.parametrize("where", ["continue", "answer", "cancel"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
def test_r22_another_sites_post_is_refused(where: str, headers: dict[str, str]) -> None:
    flow = make_live_flow()
    person = make_person(flow.id)
    if where == "continue":
        person.follow_link(code_of(flow))
        person.look()
    else:
        person = opened(flow)
    person.client.handler.enforce_csrf_checks = False  # the guard alone, without Django's token
    assert person.post(where, headers=headers).status_code == 403
    fresh = Flow.objects.get(pk=flow.pk)
    assert fresh.state == FlowState.DISCOVERING
    assert bool(fresh.used_generation) is (where != "continue")


@pytest.mark.parametrize("where", ["continue", "answer", "cancel"])
def test_r22_a_post_without_the_token_is_refused(where: str) -> None:
    flow = make_live_flow()
    person = opened(flow)
    answer = person.client.post(f"{person.page}/{where}", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 403
    assert "Allow cookies" in answer.content.decode()
    assert Flow.objects.get(pk=flow.pk).state == FlowState.DISCOVERING


def test_r22_our_own_page_may_post() -> None:
    flow = make_live_flow()
    person = opened(flow)
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert person.post("cancel", headers=own).status_code == 303
    assert Flow.objects.get(pk=flow.pk).state == FlowState.CANCELED


def test_r22_another_site_cannot_listen() -> None:
    person = opened(make_live_flow())
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert person.client.get(f"{person.page}/events", headers=headers).status_code == 403


def hostile_page() -> str:
    field = AskedField(
        id="f1", ref="username", role=FieldRole.IDENTIFIER, name=HOSTILE, label=HOSTILE, placeholder=f"p{HOSTILE}",
        hint=HOSTILE, input_mode=HOSTILE, html_type=HOSTILE, selector=HOSTILE,
    )  # fmt: skip
    choices = tuple(
        AskedChoice(
            id=f"c{number}", kind=kind, label=HOSTILE, provider=HOSTILE, description=HOSTILE, masked_destination=HOSTILE
        )
        for number, kind in enumerate((ChoiceKind.SSO_PROVIDER, ChoiceKind.ACCOUNT))
    )
    flow = make_live_flow()
    pause = make_pause(field, choices=choices, instruction=HOSTILE, website_error=HOSTILE)
    ask(take(flow), pause)
    return opened(flow).text()


class Markup(HTMLParser):
    """The elements a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_r13_the_sites_words_are_shown_escaped() -> None:
    text = hostile_page()
    assert text.count("alert(1)") > 10
    assert "{{ 7|add:" in text  # shown, not run as a template
    tags = Markup(text).tags
    assert "img" not in {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert all(attributes.get("nonce") for tag, attributes in tags if tag == "script")
    (field,) = [attributes for tag, attributes in tags if attributes.get("name") == "value.f1"]
    assert (field["type"], field.get("inputmode"), field.get("value")) == ("text", None, None)


def test_r24_the_link_is_made_of_the_configured_address() -> None:
    assert reverse("hosted:login", args=["flow_x"]) == "/login/flow_x"
