"""The pages a login works in: going somewhere, looking, and waiting until there is something new to see."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

from flows.engine.browser_process import Session
from flows.engine.drivers import DRIVER_ERRORS, DRIVER_TIMEOUTS, WAIT_ERRORS
from flows.engine.egress import Egress
from flows.engine.errors import BasicAuth, Unreachable
from flows.engine.lent_passkeys import LentPasskeys
from flows.engine.observe import Observation, PageGone, observe
from flows.engine.origins import origin_of
from flows.engine.plan import digest
from flows.engine.reading import read, signature
from flows.engine.reading.model import PageKind, Reading
from flows.engine.watch import PageWatch
from flows.engine.wire import MARK

log = logging.getLogger(__name__)

VISIT_SECONDS = 20.0
SETTLE_SECONDS = 20.0
LOAD_SECONDS = 3.0
PATIENCE = 1.5  # silence after which an action is taken to have changed nothing
SHORT_PATIENCE = 0.6  # where little is expected to come of what was done
TICK = 0.04
SLOW_TICK = 0.25
RELOADS = 25  # documents loaded in one wait before a page is given up
POPUP_SECONDS = 5.0
MAX_TABS = 4
BASIC_AUTH = "the site asks for HTTP authentication, which is not supported"
INTERRUPTED = "interrupted by another navigation"
_TROUBLE = (
    ("ERR_TOO_MANY_REDIRECTS", "the site redirects in circles"),
    ("ERR_CERT", "the site's certificate is not valid"),
    ("ERR_SSL", "the site does not speak TLS properly"),
    ("ERR_ABORTED", "the address gives no page"),
    ("Download is starting", "the address gives a download, not a page"),
    ("ERR_NAME_NOT_RESOLVED", "the name does not exist"),
    ("ERR_CONNECTION", "the server closed the connection"),
    ("ERR_EMPTY_RESPONSE", "the server closed the connection"),
    ("ERR_TUNNEL", "the server could not be reached"),
)
# A server that restarts or has too much to do.
_PASSING = frozenset({"the server closed the connection", "the server refused the connection"})


@dataclass(slots=True)
class Sight:
    """One look: what was read, and what it was read from. `look` changes when anything worth acting on does."""

    tab: "Tab"
    observation: Observation
    reading: Reading
    page: str
    look: str
    documents: int
    status: int | None


class Tab:
    """One page with its events."""

    def __init__(self, page: Any, egress: Egress, doubted: frozenset[str] = frozenset()) -> None:
        """`doubted` are digests of pages that were once wrongly taken for the other side of a login."""
        self.page = page
        self._doubted = doubted
        self.watch = PageWatch(page)
        self._egress = egress
        self._last: Observation | None = None

    async def visit(self, url: str) -> None:
        """Load `url` up to its DOM. Raises Unreachable."""
        host = getattr(origin_of(url), "host", "")
        for last in (False, True):
            try:
                response = await self.page.goto(url, wait_until="domcontentloaded", timeout=VISIT_SECONDS * 1000)
            except DRIVER_TIMEOUTS:
                raise Unreachable("the site did not answer in time") from None
            except DRIVER_ERRORS as error:
                if INTERRUPTED in str(error):
                    if last:
                        return  # the page itself went elsewhere; that is where we are
                    await self._come_to_rest()
                    continue
                if "ERR_INVALID_AUTH" in str(error):
                    raise BasicAuth(BASIC_AUTH) from None
                raise _unreachable(self._egress.trouble(host) or _trouble(str(error))) from None
            if response is not None and response.headers.get(MARK) == "authsvc":
                raise _unreachable(self._egress.trouble(host) or "the server could not be reached")
            return

    async def _come_to_rest(self) -> None:
        """An earlier failure may still be loading its error page, which would abort the next visit."""
        with contextlib.suppress(*WAIT_ERRORS):
            async with asyncio.timeout(2):
                await self.page.wait_for_load_state("load")

    async def look(self) -> Sight | None:
        """None while the page is between two documents or does not answer."""
        documents, status = self.watch.documents, self.watch.status
        try:
            observation = await observe(self.page)
        except PageGone:
            return None
        if self._last is not None:
            await self._last.dispose()
        self._last = observation
        reading = read(observation.snapshot)
        page = signature(reading)
        if self._doubted and digest(page) in self._doubted:
            reading = read(observation.snapshot, doubted=True)
            page = signature(reading)
        return Sight(self, observation, reading, page, _look(page, reading), documents, status)


def _look(page: str, reading: Reading) -> str:
    message = reading.message.text if reading.message else ""
    choices = "|".join(choice.label for choice in reading.choices)
    controls = (reading.accept, reading.decline, reading.sign_out)
    pressable = "|".join(control.label for control in controls if control is not None)
    covers = "|".join(control.label for control in reading.dismiss)
    parts = (page, message, choices, pressable, covers, reading.instruction or "", str(reading.loading))
    return "\n".join(parts)


def _trouble(message: str) -> str:
    return next((words for sign, words in _TROUBLE if sign in message), "the page could not be loaded")


def _unreachable(message: str) -> Unreachable:
    return Unreachable(message, transient=message in _PASSING)


def is_actionable(reading: Reading) -> bool:
    """There is something to do here, or the login is over."""
    if reading.loading:
        return False
    return bool(
        reading.fields
        or reading.choices
        or reading.accept
        or reading.decline
        or reading.kind in (PageKind.SIGNED_IN, PageKind.CAPTCHA, PageKind.EXTERNAL_ACTION)
    )


class Tabs:
    """The pages of one session. A popup that our own press opened is worked in until it closes; others are closed
    at once."""

    def __init__(
        self, session: Session, passkeys: LentPasskeys | None = None, doubted: frozenset[str] = frozenset()
    ) -> None:
        self._session = session
        self._passkeys = passkeys
        self._doubted = doubted
        self._stack = [Tab(session.page, session.egress, doubted)]
        self._expecting = False
        self._tasks: set[asyncio.Task[None]] = set()
        session.context.on("page", self._opened)

    @property
    def current(self) -> Tab:
        while len(self._stack) > 1 and self._stack[-1].page.is_closed():
            self._stack.pop().watch.stop()
        return self._stack[-1]

    @property
    def page(self) -> Any:
        """The one to be shown to a person."""
        return self.current.page

    def acted(self) -> None:
        """A person did something in the page: what opens now belongs to the login, and what changed is looked at."""
        self.expect_popup(True)
        self.current.watch.touch()

    def let_go(self, page: Any) -> None:
        """A debugging session with the page ended."""
        if self._passkeys is not None:
            self._passkeys.keep(page)

    def expect_popup(self, expected: bool) -> None:
        """Whether a page opened from now on may be part of the login."""
        self._expecting = expected

    def _opened(self, page: Any) -> None:
        if any(tab.page is page for tab in self._stack):
            return
        if not self._expecting or len(self._stack) >= MAX_TABS:
            self._spawn(self._close(page))
            return
        self._stack.append(Tab(page, self._session.egress, self._doubted))

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, page: Any) -> None:
        with contextlib.suppress(*WAIT_ERRORS):
            async with asyncio.timeout(POPUP_SECONDS):
                await page.close()

    async def close_popups(self) -> None:
        """Leave every popup."""
        while len(self._stack) > 1:
            tab = self._stack.pop()
            tab.watch.stop()
            await self._close(tab.page)

    async def settle(
        self, before: Sight | None, *, patience: float = PATIENCE, quiet: float = 0.0, limit: float = SETTLE_SECONDS
    ) -> Sight:
        """Wait until the page shows something new and stands still, and look at it.

        Without `before` anything counts as new. A page that stays as it was for `patience` seconds without talking
        to its server is given back as it is. With `quiet` the page must also have been silent that long. Raises
        Unreachable when no page can be looked at within `limit` seconds or it keeps reloading.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        tab = self.current
        documents, last, same_since, loaded_at = tab.watch.documents, None, started, started
        building = False  # seen to change since its document was loaded
        sight: Sight | None = None
        if before is not None:
            await tab.watch.wait(TICK)  # what was just done shows first as a request
        while True:
            if self.current is not tab:
                tab, before, last = self.current, None, None
                documents, loaded_at = tab.watch.documents, clock()
            now = clock()
            if tab.watch.documents - documents > RELOADS:
                raise Unreachable("the page keeps reloading")
            if tab.watch.navigating and now - started < limit:
                loaded_at = now
                await tab.watch.wait(SLOW_TICK)
                continue
            looked = clock()
            sight = await tab.look()
            if sight is not None and not tab.watch.navigating:
                silent = looked - tab.watch.answered_at  # negative where the answer came during the look
                if last is None or last.look != sight.look or last.documents != sight.documents:
                    same_since = clock()
                    building = last is not None and last.documents == sight.documents
                last = sight
                moved = before is None or sight.documents != before.documents
                if moved or (before is not None and sight.look != before.look):
                    served = moved and not building and not tab.watch.asked
                    same, loaded = clock() - same_since, clock() - loaded_at
                    if stands(sight, quiet=quiet, same=same, loaded=loaded, silent=silent, served=served):
                        return sight
                elif not (tab.watch.busy or tab.watch.reply_due) and (
                    min(tab.watch.quiet_seconds, clock() - started) > patience
                    or clock() - same_since > max(LOAD_SECONDS, patience)  # a page that asks its server all the time
                ):
                    return sight
            if clock() - started > limit:
                if sight is None:
                    raise Unreachable("the page does not answer")
                return sight
            await asyncio.sleep(TICK / 2)
            await tab.watch.wait(TICK if clock() - started < 2 else SLOW_TICK)


def stands(sight: Sight, *, quiet: float, same: float, loaded: float, silent: float, served: bool) -> bool:
    """Whether a page that shows something new has stopped changing. `served`: it came as it is; what scripts build
    up comes piece by piece, and a form without its last box is no form yet. `silent`: how long the last answer of its
    server was ago when the page was looked at; what an answer changes shows a moment after it came."""
    watch = sight.tab.watch
    if not watch.complete and loaded < LOAD_SECONDS:
        return False
    calm = not watch.busy and watch.quiet_seconds >= quiet and silent >= (0.0 if served else 2 * TICK)
    if served and calm and not quiet and is_actionable(sight.reading):
        return True
    if calm and same >= max(quiet, 2 * TICK) and (is_actionable(sight.reading) or same >= 0.4):
        return not sight.reading.loading or same >= LOAD_SECONDS
    # An application that holds a line to its server is never calm.
    inside = not quiet and sight.reading.kind is PageKind.SIGNED_IN and not sight.reading.loading
    return same >= LOAD_SECONDS or (inside and watch.only_polls and same >= 0.4)
