"""Checks by plain request: when they are trusted, and that they leave as browsers do."""

from dataclasses import replace

import pytest

from flows.engine.contract import BrowserSettings, ProfileState, auth_check_carry
from flows.engine.cookies import Cookie
from flows.engine.fetching import Answer, Expected, answer_read, fetching, judge_answer, learn, storage_holds_tokens
from flows.engine.marks import Marks
from tests.sites.server import Request, Response, SiteServer, redirect

HOME = "https://a.example/home"
INSIDE = Answer(HOME, 200, False, False, ("a", "b", "c", "d"))
OUTSIDE = Answer("https://a.example/login", 200, True, False, ("x",))
SEEN = Marks(HOME, 200, False, True, False, False, 0.9)
LEARNED = Expected(2, HOME, 200, ("a", "b", "c", "d"), "Agent")
PLAIN = BrowserSettings(tenant="org_test", stealth=False)
FRESH = Expected()
APP = "https://app.example.com/home"
SID: list[Cookie] = [{"name": "sid", "value": "1", "domain": "127.0.0.1", "path": "/", "expires": -1}]


def taught(expected: Expected = FRESH, inside: Answer = INSIDE, outside: Answer = OUTSIDE) -> Expected:
    return learn(expected, inside=inside, outside=outside, browser=SEEN, user_agent="Agent")


def test_two_rounds_that_agree_are_trusted() -> None:
    once = taught()
    assert (once.rounds, once.usable) == (1, False)
    assert taught(once) == LEARNED
    assert LEARNED.usable
    assert Expected.from_json(LEARNED.to_json()) == LEARNED


def test_only_landmarks_of_every_round_count() -> None:
    twice = taught(taught(), replace(INSIDE, landmarks=("a", "b", "c", "new")))
    assert twice.landmarks == ("a", "b", "c")


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "https://a.example/welcome"},  # not where the browser ended
        {"status": 202},
        {"password": True},
        {"landmarks": ("x", "a")},  # an application that is one empty page for everybody
    ],
)
def test_requests_that_see_something_else_are_not_made(changes: dict[str, object]) -> None:
    never = taught(inside=replace(INSIDE, **changes))  # type: ignore[arg-type]  # several types
    assert never.never
    assert not never.usable
    assert not never.lasting


@pytest.mark.parametrize("changes", [{"status": 403}, {"status": 429}, {"walled": True}])
def test_a_refusal_is_for_good(changes: dict[str, object]) -> None:
    refused = replace(INSIDE, **changes)  # type: ignore[arg-type]  # several types
    assert judge_answer(refused, LEARNED) == "refused"
    never = taught(LEARNED, refused)
    assert (never.usable, never.lasting) == (False, True)
    check = {"url": "u", "signed_in": {"place": "other"}}
    old = {"url": "u", "signed_in": {"place": "p"}, "request": never.to_json()}
    assert auth_check_carry(check, old)["request"]["lasting"] is True


def test_what_was_learned_outlives_a_login_to_the_same_page() -> None:
    check = {"url": "u", "signed_in": {"place": "p"}}
    old = check | {"more": [], "request": LEARNED.to_json()}
    assert auth_check_carry(check, old) == old
    assert auth_check_carry({"url": "v", "signed_in": {"place": "p"}}, old) == {"url": "v", "signed_in": {"place": "p"}}
    assert "request" not in auth_check_carry(check, old | {"request": taught(inside=OUTSIDE).to_json()})
    assert auth_check_carry(check, None) == check


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "ok"),
        ({"landmarks": ("a", "b", "c", "new")}, "ok"),
        ({"landmarks": ("a", "b")}, "unsure"),
        ({"place": "https://a.example/login"}, "unsure"),
        ({"status": 500}, "unsure"),
        ({"password": True}, "unsure"),
    ],
)
def test_r38_a_request_says_ok_or_nothing(changes: dict[str, object], verdict: str) -> None:
    assert judge_answer(replace(INSIDE, **changes), LEARNED) == verdict  # type: ignore[arg-type]  # several types


@pytest.mark.parametrize(
    ("origins", "session", "holds"),
    [
        ([], {}, False),
        ([{"origin": "https://app.example.com", "localStorage": [{"name": "theme", "value": "dark"}]}], {}, False),
        ([{"origin": "https://app.example.com", "localStorage": [{"name": "access_token", "value": "x"}]}], {}, True),
        ([{"origin": "https://id.example.com", "localStorage": [{"name": "oidc.user", "value": "x"}]}], {}, True),
        ([{"origin": "https://example.org", "localStorage": [{"name": "access_token", "value": "x"}]}], {}, False),
        ([{"origin": "https://app.example.com", "localStorage": [], "indexedDB": [{"name": "db"}]}], {}, True),
        ([], {"https://app.example.com": {"jwt": "x"}}, True),
    ],
)
def test_a_profile_whose_proof_may_be_in_storage_is_never_asked_by_request(
    origins: list[object], session: dict[str, dict[str, str]], holds: bool
) -> None:
    assert storage_holds_tokens(ProfileState({"cookies": [], "origins": origins}, session), APP) is holds


@pytest.mark.parametrize(
    "body", ["<script src='https://challenges.cloudflare.com/x'>", "<a href='/cdn-cgi/challenge-platform/x'>"]
)
def test_a_wall_is_seen_in_the_page(body: str) -> None:
    assert answer_read(url=HOME, status=200, headers={}, body=body.encode()).walled


def test_pages_that_are_no_pages_are_read_too() -> None:
    for body in (b"\xff\xfe", b"<![foo[", b"<a href='http://[x'>", b"{}"):
        assert answer_read(url=HOME, status=200, headers={}, body=body).status == 200


@pytest.mark.asyncio(loop_scope="session")
async def test_a_request_follows_with_its_cookies_and_keeps_what_it_gets(site: SiteServer) -> None:
    def entry(request: Request) -> Response:
        return redirect("/home", **{"Set-Cookie": "seen=1; Path=/home"})

    def home(request: Request) -> Response:
        body = f"<a href=/logout>x</a><p>{request.headers['cookie']}|{request.headers['user-agent']}</p>"
        return Response(body, headers={"Set-Cookie": "sid=2; Path=/"})

    site.on("/", entry)
    site.on("/home", home)
    async with fetching(PLAIN, ssrf_allow=("127.0.0.1",)) as fetcher:
        visited = await fetcher.fetch(site.url + "/", SID, user_agent="Agent")
    assert visited is not None
    answer, left = visited
    assert (answer.place, answer.status) == (site.url + "/home", 200)
    assert {cookie["name"]: cookie["value"] for cookie in left} == {"sid": "2", "seen": "1"}
    assert [request.headers["cookie"] for request in site.seen] == ["sid=1", "seen=1; sid=1"]
    assert {request.headers["user-agent"] for request in site.seen} == {"Agent"}


@pytest.mark.asyncio(loop_scope="session")
async def test_r30_a_request_goes_nowhere_a_browser_may_not(site: SiteServer) -> None:
    site.on("/", lambda _: redirect("http://10.0.0.1/"))
    async with fetching(PLAIN, ssrf_allow=("127.0.0.1",)) as fetcher:
        assert await fetcher.fetch(site.url + "/", SID, user_agent="Agent") is None
    assert len(site.seen) == 1
    async with fetching(PLAIN, ssrf_allow=()) as fetcher:
        assert await fetcher.fetch(site.url + "/", SID, user_agent="Agent") is None
    assert len(site.seen) == 1


@pytest.mark.asyncio(loop_scope="session")
async def test_a_request_goes_through_the_customer_s_proxy(site: SiteServer) -> None:
    site.page("/", "<p>from the proxy</p>")
    behind = replace(PLAIN, proxy_server=f"http://{site.domain}")
    async with fetching(behind, ssrf_allow=("127.0.0.1", "board.example")) as fetcher:
        await fetcher.fetch("http://board.example/", SID, user_agent="Agent")
    assert [request.headers["host"] for request in site.seen] == ["board.example"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_circle_and_a_dead_server_give_no_answer(site: SiteServer) -> None:
    site.on("/", lambda _: redirect("/"))
    async with fetching(PLAIN, ssrf_allow=("127.0.0.1",)) as fetcher:
        assert await fetcher.fetch(site.url + "/", SID, user_agent="Agent") is None
        assert await fetcher.fetch("http://127.0.0.1:9/", SID, user_agent="Agent") is None
