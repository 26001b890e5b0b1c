"""Proof that a state is signed in: it is put into a fresh context, and what is seen there is compared with what
somebody without it sees at the same address. The same comparison is the health check later (`checking`)."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit

from flows.engine import state
from flows.engine.browser_process import Session
from flows.engine.browsers import Browsers
from flows.engine.contract import AuthCheck, BrowserSettings, ProfileState
from flows.engine.errors import BrowserUnavailable, Unreachable
from flows.engine.marks import (
    Marks,
    differences,
    is_everybodys,
    is_positive,
    judge,
    landmarks_of,
    lasting_url,
    marks_of,
)
from flows.engine.passkeys import Passkey
from flows.engine.picture import picture_take
from flows.engine.tabs import Sight, Tabs

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.5
VISIT_LIMIT = 12.0


@dataclass(frozen=True, slots=True)
class Proven:
    """Signed in. Without `check` the visits could not be told apart and the word of the login stands."""

    state: ProfileState
    check: AuthCheck | None


@dataclass(frozen=True, slots=True)
class Unproven:
    """Not signed in, for a reason fit for people."""

    reason: str
    picture: bytes | None = field(default=None, repr=False, compare=False)


async def visit_marks(tabs: Tabs, url: str) -> Marks:
    """Go there and take the marks. Only the absence of things is waited for: a page that says "signed in" or shows a
    form is believed at once. Raises Unreachable."""
    await tabs.current.visit(url)
    sight = await tabs.settle(None, limit=VISIT_LIMIT)
    marks = sight_marks(sight)
    if not marks.login_form and not is_positive(marks):
        sight = await tabs.settle(None, quiet=QUIET_SECONDS, limit=VISIT_LIMIT)
        marks = sight_marks(sight)
    return marks


def sight_marks(sight: Sight) -> Marks:
    landmarks = landmarks_of(sight.observation.snapshot)
    return marks_of(sight.reading, url=sight.tab.page.url, status=sight.status, landmarks=landmarks)


@dataclass(slots=True)
class Visits:
    """The two sides of the comparison."""

    browsers: Browsers
    settings: BrowserSettings
    inside: Tabs
    known_outside: dict[str, Marks]
    passkeys: tuple[Passkey, ...] = ()

    async def left(self, session: Session) -> ProfileState:
        """The profile as the signed-in side leaves it."""
        return await state.capture(session.context, self.inside.current.page, self.passkeys)

    async def both(self, url: str) -> tuple[Marks, Marks | None]:
        """(signed in, signed out) at `url`; the second is None where nobody could look."""
        if url in self.known_outside:
            return await visit_marks(self.inside, url), self.known_outside[url]
        outside = asyncio.create_task(self._outside(url))
        try:
            inside = await visit_marks(self.inside, url)
            found = await outside
        finally:
            outside.cancel()
            await asyncio.gather(outside, return_exceptions=True)
        if found is not None:
            self.known_outside[url] = found
        return inside, found

    async def _outside(self, url: str) -> Marks | None:
        try:
            session = await self.browsers.session(self.settings)
        except BrowserUnavailable:
            return None
        try:
            async with session.guard():
                return await visit_marks(Tabs(session), url)
        except Unreachable:
            return None
        finally:
            self.browsers.put_away(session)


async def prove(
    browsers: Browsers,
    settings: BrowserSettings,
    profile: ProfileState,
    *,
    landed: str,
    login_page: str | None,
    outside: Mapping[str, Marks],
    expected: AuthCheck | None = None,
) -> Proven | Unproven:
    """Open `profile` in a fresh context at `landed`, where the login ended, and find what proves it signed in.

    `outside` are marks already taken without the state, by address; `login_page` is where the form was. `expected` is
    the check of the last login: where it says that this state is signed in, it stays the check. Raises BrowserLost,
    BrowserUnavailable.
    """
    async with browsers.open(settings, profile) as session:
        known = {lasting_url(url): marks for url, marks in outside.items()}
        visits = Visits(browsers, settings, Tabs(session), known, profile.passkeys)
        if expected is not None and await _fits(visits.inside, expected):
            return Proven(await visits.left(session), expected)
        found = await _prove(visits, session, landed=landed, login_page=login_page)
        if isinstance(found, Unproven):
            return replace(found, picture=await picture_take(visits.inside.current.page))
        return found


async def _fits(inside: Tabs, expected: AuthCheck) -> bool:
    try:
        signed_in, signed_out = Marks.from_json(expected.signed_in), Marks.from_json(expected.signed_out)
        seen = await visit_marks(inside, expected.url)
    except (KeyError, TypeError, Unreachable):
        return False
    return judge(seen, url=expected.url, signed_in=signed_in, signed_out=signed_out) == "in"


async def _prove(visits: Visits, session: Session, *, landed: str, login_page: str | None) -> Proven | Unproven:
    first: Marks | None = None
    elsewhere: list[Marks] = []
    everybodys = False
    for url in places(landed, login_page):
        try:
            inside, outside = await visits.both(url)
        except Unreachable as error:
            if first is None:
                return Unproven(f"after the login {error}")
            continue
        if first is None:
            first, everybodys = inside, is_everybodys(inside, outside)
        else:
            elsewhere.append(inside)
        if outside is not None and differences(inside, outside):
            page = lasting_url(login_page) if login_page is not None else None
            check = AuthCheck(url, inside.to_json(), outside.to_json(), login_page=page)
            return Proven(await visits.left(session), check)
        if first.login_form and inside.login_form:
            return Unproven("a fresh browser with the saved state is asked to log in again")
    if first is None or first.login_form or first.unclear or everybodys:
        return Unproven("a fresh browser with the saved state is not signed in")
    if all(marks.login_links and not is_positive(marks) for marks in (first, *elsewhere)):
        return Unproven("a fresh browser with the saved state is offered to log in")
    if elsewhere and all(marks.login_form for marks in elsewhere):
        # The page where the login ended is open to everybody, and every other one asks to log in.
        return Unproven("a fresh browser with the saved state is asked to log in again")
    log.info("signed in and signed out cannot be told apart")
    return Proven(await visits.left(session), None)


def places(landed: str, login_page: str | None) -> list[str]:
    """Where to compare, best first: where the login ended, the login page itself, the start page."""
    start = urlsplit(landed)
    candidates = [lasting_url(landed)]
    if login_page is not None:
        candidates.append(lasting_url(login_page))
    candidates.append(urlunsplit((start.scheme, start.netloc.rpartition("@")[2], "/", "", "")))
    return list(dict.fromkeys(candidates))
