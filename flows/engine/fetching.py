"""The cheap health check: one plain request with the profile's cookies instead of a browser.

It may only ever say `ok`, and only where requests have shown twice that they see what the browser sees: the same
place and status, and landmarks in the HTML that a request without cookies does not get. Everything else is left to a
browser. It leaves through the same guarded proxy as browsers do (R30), and the customer's behind it.
"""

import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import httpx

from flows.engine.contract import BrowserSettings, ProfileState
from flows.engine.cookies import Cookie, cookie_header, cookies_after
from flows.engine.egress import Egress, upstream_of
from flows.engine.guard import Guard
from flows.engine.marks import Marks, digest, place_of
from flows.engine.origins import origin_of, registrable_domain
from flows.engine.wire import MARK

log = logging.getLogger(__name__)

SECONDS = 10.0  # for each hop
HOPS = 8
BODY_BYTES = 512_000
ROUNDS = 2  # visits that must agree before requests are trusted
FEWEST = 3  # landmarks that only signed-in visitors get
KNOWN = 40
FAMILIAR = 0.75
REFUSED = frozenset({403, 429})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What walls against robots put into their pages, in lower case.
WALL = re.compile(
    r"/cdn-cgi/challenge|challenges\.cloudflare\.com|captcha-delivery\.com|px-captcha|awswaf|_incapsula_resource"
    r"|ak_bmsc.{0,40}challenge|distil_r_captcha"
)
# Names under which applications keep their tokens in the browser's storage.
TOKEN_NAMES = re.compile(r"token|auth|jwt|session|sess\b|user|account|cred|login|oidc|msal|persist", re.I)
AGENT_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
Verdict = Literal["ok", "unsure", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a request ended: its landmarks are digests, as those of `flows.engine.marks`."""

    place: str
    status: int
    password: bool  # a password is asked for
    walled: bool
    landmarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What requests saw so far. `rounds` visits agreed; `never` says why none is made any more."""

    rounds: int = 0
    place: str = ""
    status: int = 0
    landmarks: tuple[str, ...] = ()
    user_agent: str = ""
    never: str = ""
    lasting: bool = False  # the refusal outlives logins

    @property
    def usable(self) -> bool:
        return not self.never and self.rounds >= ROUNDS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Expected":
        """Raises TypeError for data of another shape."""
        given = dict(data or {})
        return cls(**{**given, "landmarks": tuple(given.get("landmarks", ()))})


def judge_answer(answer: Answer, expected: Expected) -> Verdict:
    """`ok` stands on landmarks that only signed-in visitors get."""
    if answer.walled or answer.status in REFUSED:
        return "refused"
    same = answer.status == expected.status and answer.place == expected.place and not answer.password
    known = len(set(expected.landmarks).intersection(answer.landmarks))
    return "ok" if same and expected.landmarks and known >= FAMILIAR * len(expected.landmarks) else "unsure"


def learn(expected: Expected, *, inside: Answer, outside: Answer, browser: Marks, user_agent: str) -> Expected:
    """`expected` after one more round: a request with cookies, one without, and what the browser saw with them."""
    if any(answer.walled or answer.status in REFUSED for answer in (inside, outside)):
        return replace(expected, never="the site turns plain requests away", lasting=True)
    own = [mark for mark in inside.landmarks if mark not in set(outside.landmarks)]
    if expected.rounds:
        own = [mark for mark in own if mark in set(expected.landmarks)]
    agrees = inside.place == browser.place and inside.status == (browser.status or 200) and not inside.password
    if not user_agent or not agrees or len(own) < FEWEST:
        return replace(expected, never="a plain request does not see what the browser sees")
    return Expected(expected.rounds + 1, inside.place, inside.status, tuple(own[:KNOWN]), user_agent)


def storage_holds_tokens(profile: ProfileState, url: str) -> bool:
    """Whether the site keeps in the browser's storage what may be its session: no cookie can show that it ended."""
    origin = origin_of(url)
    site = registrable_domain(origin.host) if origin is not None else ""

    def is_own(text: str) -> bool:
        other = origin_of(text)
        return other is not None and registrable_domain(other.host) == site

    for entry in profile.storage.get("origins", ()):
        if is_own(str(entry.get("origin", ""))):
            names = [str(item.get("name", "")) for item in entry.get("localStorage", ())]
            if entry.get("indexedDB") or any(TOKEN_NAMES.search(name) for name in names):
                return True
    kept = [name for origin, items in profile.session_storage.items() if is_own(origin) for name in items]
    return any(TOKEN_NAMES.search(name) for name in kept)


class _Page(HTMLParser):
    """The landmarks of an HTML page: where links and forms lead, and what is named."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, None] = {}
        self.password = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type", "").lower() == "password":
            self.password = True
        for name in ("href", "action", "id", "data-testid"):
            value = given.get(name, "")
            if name in ("href", "action"):
                value = urlsplit(value).path if tag in ("a", "form") and _is_address(value) else ""
            if value:
                self.found[digest(tag, name, value)] = None


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def answer_read(*, url: str, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    text = body.decode("utf-8", "replace")
    page = _Page()
    if "html" in headers.get("content-type", "html"):
        with suppress(AssertionError):  # how the parser says that a declaration is beyond it
            page.feed(text)
    walled = "challenge" in headers.get("cf-mitigated", "") or WALL.search(text.lower()) is not None
    return Answer(place_of(url), status, page.password, walled, tuple(page.found))


class Fetcher:
    """Requests that leave as a connection's browser would. One for each check."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def fetch(
        self, url: str, cookies: Sequence[Cookie], *, user_agent: str, clock: Callable[[], float] = time.time
    ) -> tuple[Answer, list[Cookie]] | None:
        """Open `url` and follow it to its end, keeping cookies. None when there is no answer."""
        kept = list(cookies)
        for _ in range(HOPS):
            sent = {"User-Agent": user_agent} | AGENT_HEADERS
            if value := cookie_header(kept, url, now=clock()):
                sent["Cookie"] = value
            try:
                async with self._client.stream("GET", url, headers=sent) as response:
                    if response.headers.get(MARK) == "authsvc":
                        return None  # our own proxy's answer: the site was not reached
                    kept = cookies_after(kept, response.headers.get_list("set-cookie"), url, now=clock())
                    target = response.headers.get("location", "")
                    if response.status_code in REDIRECTS and target:
                        url = urljoin(url, target)
                        if origin_of(url) is None:
                            return None
                        continue
                    body = await _body(response)
                    headers = response.headers
                    return answer_read(url=url, status=response.status_code, headers=headers, body=body), kept
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                log.debug("a request failed: %s", type(error).__name__)
                return None
        return None


async def _body(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size >= BODY_BYTES:
            break
    return b"".join(parts)[:BODY_BYTES]


@asynccontextmanager
async def fetching(settings: BrowserSettings, *, ssrf_allow: Sequence[str]) -> AsyncIterator[Fetcher]:
    """A way out like that of a browser with these settings. Raises ValueError for a proxy that cannot be read."""
    egress = Egress(Guard(ssrf_allow), upstream_of(settings))
    await egress.start()
    try:
        language = {"Accept-Language": f"{settings.locale},{settings.locale.partition('-')[0]};q=0.9"}
        async with httpx.AsyncClient(
            proxy=egress.url, timeout=SECONDS, follow_redirects=False, trust_env=False, headers=language
        ) as client:
            yield Fetcher(client)
    finally:
        await egress.close()
