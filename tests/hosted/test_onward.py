"""Where the result page leads: what the contract's documentation promises, within the project's list (R20)."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import timezone

from flows.engine.contract import ErrorCode
from flows.models import Flow
from flows.page_options import Display, PageOptions, onward_of, options_parse, options_read, origin_of, parent_allowed
from flows.services.flows import flow_cancel, flow_end, flow_move
from flows.transitions import FlowInput
from tests.hosted.factories import Person, code_of, make_live_flow, make_person, take
from vault.models import Project

ALLOWED = ["https://app.example", "https://app.example:8443", "http://localhost:3000", "myapp:"]

# None of these may be followed: each has led some checker astray.
CORPUS = [
    "https://evil.example/",
    "http://app.example/",
    "https://app.example.evil.example/",
    "https://evil.example/?https://app.example",
    "https://evil.example#https://app.example",
    "https://app.example@evil.example/",
    "https://app.example:x@evil.example/",
    "https://evil.example\\@app.example/",
    "https://evil.example\\.app.example",
    "https:\\\\app.example/",
    "https:/app.example/",
    "https:app.example/",
    "https:///app.example/",
    "//app.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/relative",
    "app.example",
    "https://app.example:444/",
    "https://app.example:8443@evil.example/",
    "https://xapp.example/",
    "https://app.examplex/",
    "https://app.example.",
    "https://app.example%2eevil.example/",
    "https://app.example%00.evil.example/",
    "https://app.example\t.evil.example/",
    "https://app.example\n@evil.example/",
    " https://app.example/",
    "\thttps://app.example/",
    "\x00https://app.example/",
    "https://аpp.example/",
    "https://app。example/",
    "https://[::1]/",
    "https://app.example\u2028.evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "javascript://app.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://app.example/uuid",
    "about:blank",
    "view-source:https://app.example/",
    "intent://app.example/#Intent;scheme=https;end",
    "otherapp://done",
    "myappx://done",
    "x-myapp:",
    "'https://app.example/'",
    '"https://app.example/',
    "https://app.example/<script>",
    "https://" + "a" * 2000 + ".example/",
]


@pytest.mark.parametrize("url", CORPUS)
def test_r20_nothing_outside_the_list_is_followed(url: str) -> None:
    assert onward_of(url, {"a": "b"}, ALLOWED).url == ""
    assert onward_of(url, {"a": "b"}, ALLOWED).refused or len(url) > 1000


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.example", "https://app.example?a=b+c"),
        ("https://app.example/done?x=1#there", "https://app.example/done?x=1&a=b+c#there"),
        ("HTTPS://App.Example:443/done", "HTTPS://App.Example:443/done?a=b+c"),
        ("https://app.example:8443/", "https://app.example:8443/?a=b+c"),
        ("http://localhost:3000/cb", "http://localhost:3000/cb?a=b+c"),
        ("https://app.example/fertig/ü", "https://app.example/fertig/%C3%BC?a=b+c"),
        ("myapp://auth/done", "myapp://auth/done?a=b+c"),
        ("myapp:done", "myapp:done?a=b+c"),
    ],
)
def test_r20_a_listed_address_gets_the_result_in_its_query(url: str, expected: str) -> None:
    assert onward_of(url, {"a": "b c"}, ALLOWED).url == expected


def test_r20_an_empty_list_leads_nowhere() -> None:
    assert onward_of("https://app.example/", {}, []).refused == "app.example"
    assert onward_of("", {}, ALLOWED).refused == ""


def test_options_survive_their_way_and_lose_what_cannot_be() -> None:
    options = PageOptions(Display.FRAME, "https://app.example", "https://app.example/a?b=c&d", "myapp://x", "de-AT")
    assert options_parse(options.to_text()) == options
    assert options_read(options.to_dict()) == options
    assert options_read({"display": "window", "language": "d;e", "success_url": "x" * 1001}) == PageOptions()
    assert PageOptions().to_dict() == {}


@pytest.mark.parametrize(
    ("options", "parent"),
    [
        (PageOptions(Display.FRAME, "https://app.example"), "https://app.example"),
        (PageOptions(Display.POPUP, "http://localhost:3000"), "http://localhost:3000"),
        (PageOptions(Display.PAGE, "https://app.example"), ""),
        (PageOptions(Display.FRAME, "https://evil.example"), ""),
        (PageOptions(Display.FRAME, "https://app.example/"), ""),
        (PageOptions(Display.FRAME, "https://app.example; script-src *"), ""),
        (PageOptions(Display.FRAME, "myapp:"), ""),
        (PageOptions(Display.FRAME, "*"), ""),
        (PageOptions(Display.FRAME, ""), ""),
    ],
)
def test_r21_only_a_listed_page_may_embed(options: PageOptions, parent: str) -> None:
    assert parent_allowed(options, ALLOWED) == parent


def test_origins_are_read_as_browsers_do() -> None:
    assert origin_of("https://App.example:0443/x") == "https://app.example"
    assert origin_of("http://[::1]:80/") == "http://[::1]"


# --- through the page ----------------------------------------------------------------------------------------------


def entered(flow: Flow, **query: str) -> Person:
    person = make_person(flow.id)
    answer = person.client.get(person.page, {"code": code_of(flow), **query})
    assert answer["Location"] == person.page  # the clean address, with nothing of the link in it
    person.look()
    assert person.post("continue").status_code == 303
    return person


def listed(flow: Flow) -> None:
    Project.objects.filter(pk=flow.project_id).update(allowed_origins=ALLOWED)


def led(person: Person) -> tuple[str, dict[str, str], str]:
    """(address, its query, the seconds before) of where the result page leads, the same for scripts and without."""
    text = person.text()
    (script,) = re.findall(r'data-onward="([^"]*)" data-onward-seconds="(\d)"', text)
    assert f'<meta http-equiv="refresh" content="{script[1]};url={script[0]}">' in text
    assert f'<a class="primary" href="{script[0]}">' in text
    url = html.unescape(script[0])
    return url.partition("?")[0], dict(parse_qsl(urlsplit(url).query)), script[1]


@pytest.mark.django_db
def test_r20_success_leads_on_with_profile_and_domain() -> None:
    flow = make_live_flow()
    listed(flow)
    person = entered(flow, success_url="https://app.example/ok?s=1", error_url="https://app.example/bad")
    assert "data-onward" not in person.text()
    take(flow)
    flow_move(flow.id, FlowInput.SUCCEED, now=timezone.now())
    expected = {"s": "1", "profile_name": "work", "domain": "example.com"}
    assert led(person) == ("https://app.example/ok", expected, "1")


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["failed", "canceled", "expired"])
def test_r20_anything_else_leads_on_with_code_and_message(end: str) -> None:
    flow = make_live_flow()
    listed(flow)
    person = entered(flow, success_url="https://app.example/ok", error_url="myapp://auth/failed")
    now = timezone.now()
    if end == "failed":
        flow_end(flow.id, FlowInput.FAIL, now=now, code=ErrorCode.ACCOUNT_LOCKED, message="The site has locked it.")
        expected = {"code": "account_locked", "message": "The site has locked it."}
    elif end == "canceled":
        flow_cancel(flow.id, now=now)
        expected = {"code": "canceled", "message": "The login was canceled."}
    else:
        Flow.objects.filter(pk=flow.pk).update(expires_at=now)
        expected = {"code": "flow_expired", "message": "The login did not succeed."}
    assert led(person) == ("myapp://auth/failed", expected, "5")


@pytest.mark.django_db
def test_r20_what_is_not_listed_is_named_and_not_followed() -> None:
    flow = make_live_flow()
    person = entered(flow, success_url="https://evil.example/ok")
    take(flow)
    flow_move(flow.id, FlowInput.SUCCEED, now=timezone.now())
    text = person.text()
    assert "You were to be sent on to evil.example" in text
    assert "https://evil.example" not in text
    assert "data-onward" not in text
    listed(flow)
    Project.objects.update(allowed_origins=["https://evil.example"])  # the list of now counts
    assert led(person)[0] == "https://evil.example/ok"


@pytest.mark.django_db
def test_r20_no_post_is_answered_with_the_customers_address() -> None:
    flow = make_live_flow()
    listed(flow)
    person = entered(flow, success_url="https://app.example/ok", error_url="https://app.example/bad")
    answer = person.post("cancel")
    assert (answer.status_code, answer["Location"]) == (303, person.page)
    assert led(person)[0] == "https://app.example/bad"


@pytest.mark.django_db
def test_a_bare_link_has_nothing_of_an_earlier_one() -> None:
    flow = make_live_flow()
    listed(flow)
    person = make_person(flow.id)
    person.client.get(person.page, {"code": code_of(flow), "success_url": "https://app.example/old"})
    person.client.get(person.page, {"code": code_of(flow)})
    person.look()
    person.post("continue")
    assert Flow.objects.get(pk=flow.pk).page_options == {}
