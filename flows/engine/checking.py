"""The health check in a browser: the profile is opened where the login proved itself, and what is seen there is judged.

One address may say nothing: a notice, a block, a new design. Then the next best one is asked, and the page with the
form last. Only a page that asks to log in says `logged_out`; only something that signed-in visitors alone see says
`ok`. All else, an unreachable site included, is indeterminate.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flows.engine import state
from flows.engine.browsers import Browsers
from flows.engine.contract import AuthCheck, BrowserSettings, ProfileState
from flows.engine.drivers import WAIT_ERRORS
from flows.engine.errors import Unreachable
from flows.engine.marks import CheckResult, Marks, Verdict, differences, judge
from flows.engine.picture import picture_take
from flows.engine.tabs import Tabs
from flows.engine.verify import Visits, places, visit_marks

log = logging.getLogger(__name__)

MORE = 2  # further addresses that are kept


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address where the two kinds of visitors see different things."""

    url: str
    signed_in: Marks
    signed_out: Marks

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Candidate":
        """Raises KeyError, TypeError for data of another shape."""
        return cls(data["url"], Marks.from_json(data["signed_in"]), Marks.from_json(data["signed_out"]))

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "signed_in": self.signed_in.to_json(), "signed_out": self.signed_out.to_json()}


@dataclass(frozen=True, slots=True)
class Examined:
    """What a check saw. `left` is the profile as the visit left it: sites rotate tokens. It is None where nothing of
    the site was reached. `reason` is for people. `learned` is the check with what this visit added to it;
    `user_agent` is what the browser called itself, given with `ok`; `picture` a JPEG of where it ended otherwise, with
    every field covered."""

    result: CheckResult
    reason: str = ""
    left: ProfileState | None = None
    learned: AuthCheck | None = None
    user_agent: str = ""
    seen: Marks | None = None
    picture: bytes | None = field(default=None, repr=False, compare=False)


def candidates(auth_check: AuthCheck) -> list[Candidate]:
    """Best first. Raises KeyError, TypeError for data of another shape."""
    own = {"url": auth_check.url, "signed_in": auth_check.signed_in, "signed_out": auth_check.signed_out}
    return [Candidate.from_json(data) for data in (own, *(auth_check.more or ()))]


async def check(
    browsers: Browsers, settings: BrowserSettings, profile: ProfileState, auth_check: AuthCheck
) -> CheckResult:
    """Whether `profile` is still signed in. Raises BrowserLost, BrowserUnavailable."""
    return (await examine(browsers, settings, profile, auth_check)).result


async def examine(
    browsers: Browsers, settings: BrowserSettings, profile: ProfileState, auth_check: AuthCheck
) -> Examined:
    """As `check`, with all that was seen. Raises BrowserLost, BrowserUnavailable."""
    try:
        known = candidates(auth_check)
    except (KeyError, TypeError):
        return Examined("indeterminate", "there is nothing to compare with: log in again")
    async with browsers.open(settings, profile) as session:
        tabs = Tabs(session)
        found = await _asked(tabs, known, auth_check.login_page, learned=auth_check.more is not None)
        if found.result == "ok" and auth_check.more is None:
            visits = Visits(browsers, settings, tabs, {})
            found = replace(found, learned=replace(auth_check, more=await _more(visits, auth_check, known)))
        if tabs.current.watch.documents == 0:
            return found
        left = await state.capture(session.context, tabs.current.page, profile.passkeys)
        if found.result == "ok":
            return replace(found, left=left, user_agent=await _user_agent(tabs))
        return replace(found, left=left, picture=await picture_take(tabs.current.page))


async def _asked(tabs: Tabs, known: list[Candidate], login_page: str | None, *, learned: bool) -> Examined:
    """Ask one address after the other until one can tell."""
    like_out: str | None = None
    for candidate in known:
        try:
            seen = await visit_marks(tabs, candidate.url)
        except Unreachable as error:
            return Examined("indeterminate", str(error))
        verdict = judge(seen, url=candidate.url, signed_in=candidate.signed_in, signed_out=candidate.signed_out)
        told = _told(verdict, seen)
        if told is not None:
            return told
        if verdict == "like_out":
            like_out = like_out or candidate.url
    if like_out is None:
        return Examined("indeterminate", "the page is like neither a signed-in nor a signed-out one")
    return await _at_login_page(tabs, None if learned else login_page)


def _told(verdict: Verdict, seen: Marks) -> Examined | None:
    if verdict == "in":
        return Examined("ok", seen=seen)
    if verdict == "out":
        return Examined("logged_out", "the site asks to log in", seen=seen)
    if verdict == "unclear":
        return Examined("indeterminate", _trouble(seen), seen=seen)
    return None


def _trouble(seen: Marks) -> str:
    if seen.status >= 400:
        return f"the site answered {seen.status}"
    return "the site shows an error, a captcha or a wall against robots"


async def _at_login_page(tabs: Tabs, login_page: str | None) -> Examined:
    """A page like a stranger's without a word about logging in: a block for a whole country looks like that too. The
    page where the form was decides. Once learned it is among the candidates, or its form is shown to everybody."""
    unsure = Examined("indeterminate", "the page is like a signed-out one, but nothing asks to log in")
    if login_page is None:
        return unsure
    try:
        seen = await visit_marks(tabs, login_page)
    except Unreachable as error:
        return Examined("indeterminate", str(error))
    if seen.unclear:
        return Examined("indeterminate", _trouble(seen))
    return Examined("logged_out", "the site asks to log in", seen=seen) if seen.login_form else unsure


async def _more(visits: Visits, auth_check: AuthCheck, known: list[Candidate]) -> tuple[Mapping[str, Any], ...]:
    """Further addresses that tell the two apart, looked for once, where the profile is known to be signed in."""
    asked = {candidate.url for candidate in known}
    found: list[Mapping[str, Any]] = []
    for url in places(auth_check.url, auth_check.login_page):
        if url in asked or len(found) >= MORE:
            continue
        try:
            inside, outside = await visits.both(url)
        except Unreachable:
            continue
        if outside is not None and differences(inside, outside):
            found.append(Candidate(url, inside, outside).to_json())
    return tuple(found)


async def _user_agent(tabs: Tabs) -> str:
    try:
        async with asyncio.timeout(2):
            return str(await tabs.current.page.evaluate("() => navigator.userAgent"))
    except WAIT_ERRORS:
        return ""


def union(kept: ProfileState, left: ProfileState) -> ProfileState:
    """`kept` with what `left` added or renewed, nothing removed: what a visit of unknown outcome may change. A token
    that was rotated is not lost, a cookie that a site in trouble takes away stays."""
    storage = dict(left.storage)
    for name, key in (("cookies", _cookie_key), ("origins", _origin_key)):
        newer = {key(item): item for item in left.storage.get(name, ())}
        older = {key(item): item for item in kept.storage.get(name, ())}
        storage[name] = list({**older, **newer}.values())
    session_storage = {**kept.session_storage, **left.session_storage}
    return ProfileState(storage=storage, session_storage=session_storage, passkeys=kept.passkeys)


def _cookie_key(cookie: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(cookie.get(part, "")) for part in ("name", "domain", "path", "partitionKey"))


def _origin_key(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(entry.get("origin")),)
