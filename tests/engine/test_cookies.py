"""Cookies without a browser: what is sent where, and what an answer leaves."""

import pytest

from flows.engine.cookies import cookie_header, cookie_parse, cookies_after

NOW = 1_700_000_000.0
URL = "https://app.example.com/team/board?x=1"


def kept(**changes: object) -> dict[str, object]:
    plain = {"name": "sid", "value": "1", "domain": "app.example.com", "path": "/", "expires": -1, "secure": False}
    return plain | changes


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, True),
        ({"domain": ".example.com"}, True),
        ({"domain": "example.com"}, False),  # of that host only
        ({"domain": ".ample.com"}, False),
        ({"domain": "other.example.com"}, False),
        ({"path": "/team"}, True),
        ({"path": "/team/board"}, True),
        ({"path": "/tea"}, False),
        ({"expires": NOW + 1}, True),
        ({"expires": NOW - 1}, False),
        ({"secure": True}, True),
        ({"partitionKey": "https://elsewhere.example"}, False),
    ],
)
def test_what_is_sent(changes: dict[str, object], sent: bool) -> None:
    assert cookie_header([kept(**changes)], URL, now=NOW) == ("sid=1" if sent else "")


def test_a_secure_cookie_stays_home_on_http_but_for_loopback() -> None:
    secure = kept(secure=True)
    assert cookie_header([secure], "http://app.example.com/", now=NOW) == ""
    assert cookie_header([kept(secure=True, domain="127.0.0.1")], "http://127.0.0.1:8000/", now=NOW) == "sid=1"


def test_the_longest_path_comes_first() -> None:
    cookies = [kept(name="a"), kept(name="b", path="/team")]
    assert cookie_header(cookies, URL, now=NOW) == "b=1; a=1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("sid=2", {"value": "2", "domain": "app.example.com", "path": "/team", "expires": -1, "sameSite": "Lax"}),
        ("sid=2; Path=/; Max-Age=60", {"path": "/", "expires": NOW + 60}),
        ("sid=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", {"expires": NOW + 60}),
        ("sid=2; Expires=Tue, 14 Nov 2023 22:13:30 GMT", {"expires": 1_700_000_010.0}),
        ("sid=2; Expires=whenever", {"expires": -1}),
        ("sid=2; Domain=example.com", {"domain": ".example.com"}),
        ("sid=2; Domain=.app.example.com; HttpOnly", {"domain": ".app.example.com", "httpOnly": True}),
        ("sid=a=b; Secure; SameSite=None", {"value": "a=b", "secure": True, "sameSite": "None"}),
        ("sid=2; Domain=com", None),  # everybody's
        ("sid=2; Domain=other.example.com", None),
        ("sid=2; Secure; Partitioned", None),
        ("nothing", None),
        ("=2", None),
        ("sid=" + "x" * 5000, None),
    ],
)
def test_what_an_answer_sets(header: str, expected: dict[str, object] | None) -> None:
    cookie = cookie_parse(header, URL, now=NOW)
    if expected is None:
        assert cookie is None
    else:
        assert cookie is not None
        assert cookie | expected == cookie


def test_an_answer_renews_and_takes_away() -> None:
    before = [kept(), kept(name="old"), kept(name="other", domain=".example.com")]
    headers = ["sid=2; Path=/; HttpOnly", "old=; Path=/; Max-Age=0"]
    after = {cookie["name"]: cookie["value"] for cookie in cookies_after(before, headers, URL, now=NOW)}
    assert after == {"sid": "2", "other": "1"}
