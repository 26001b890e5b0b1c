"""Passkeys in the pages of a caller's browser: as with cookies, every page may use what the profile holds.

Each page is held back before its first script until its authenticator is there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from flows.engine.authenticators import LINE_ERRORS, Authenticator
from flows.engine.errors import BrowserLost
from flows.engine.passkeys import Clock, Keyring, Passkey
from flows.engine.pipe import Pipe

log = logging.getLogger(__name__)

PAGES = [{"type": "page"}, {"exclude": True}]


class _Line:
    """A session that Chromium attached for us."""

    def __init__(self, pipe: Pipe, session: str) -> None:
        self._pipe = pipe
        self.session = session
        self._handlers: dict[str, Callable[[Any], None]] = {}
        pipe.hear(session, self._hear)

    def on(self, event: str, handler: Callable[[Any], None]) -> None:
        self._handlers[event] = handler

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._pipe.call(method, params, session=self.session)

    def _hear(self, method: str, params: Mapping[str, Any]) -> None:
        handler = self._handlers.get(method)
        if handler is not None:
            handler(params)


class OwnPasskeys:
    """Of one browser. Only `begin` and `load` raise, `BrowserLost`."""

    def __init__(self, pipe: Pipe, clock: Clock | None = None) -> None:
        self.ring = Keyring(clock) if clock is not None else Keyring()
        self._pipe = pipe
        self._pages: dict[str, Authenticator] = {}  # by session
        self._tasks: set[asyncio.Task[None]] = set()
        self._doubt = False  # whether the authenticators are still there
        self._keeping = False
        pipe.let_go = self._keep

    async def begin(self) -> None:
        """From now on every page has an authenticator, those that are there included."""
        root = (await self._pipe.call("Target.attachToBrowserTarget"))["sessionId"]
        self._pipe.hear(root, self._note)
        auto = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True, "filter": PAGES}
        await self._pipe.call("Target.setAutoAttach", auto, session=root)
        await self.settled()

    async def load(self, passkeys: Iterable[Passkey]) -> None:
        """Give them to every page, present and future."""
        brought = tuple(passkeys)
        self.ring.bring(brought)
        await self.settled()
        for authenticator in tuple(self._pages.values()):
            with contextlib.suppress(*LINE_ERRORS):  # of a page that is gone
                await authenticator.renew(*(passkey.id for passkey in brought))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Every page that is known by now has its authenticator."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _note(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Target.attachedToTarget":
            self._later(self._attached(_Line(self._pipe, params["sessionId"])))
        elif method == "Target.detachedFromTarget":
            self._pages.pop(params["sessionId"], None)
            self._pipe.unhear(params["sessionId"])

    async def _attached(self, line: _Line) -> None:
        authenticator = Authenticator(line, self.ring, self._noted)
        self._pages[line.session] = authenticator
        try:
            await authenticator.begin(self.ring.kept)
        except BrowserLost:
            log.info("a page has no authenticator")
        finally:
            with contextlib.suppress(BrowserLost):
                await line.send("Runtime.runIfWaitingForDebugger")

    def _noted(self, by: Authenticator, key: str) -> None:
        """What one page made, used or lost goes to the others, so that no counter falls behind."""
        for authenticator in self._pages.values():
            if authenticator is not by:
                self._later(authenticator.renew(key))

    def _keep(self) -> None:
        """Another debugger let go of a page."""
        self._doubt = True
        if not self._keeping:
            self._keeping = True
            self._later(self._keep_all())

    async def _keep_all(self) -> None:
        try:
            while self._doubt:
                self._doubt = False
                for authenticator in tuple(self._pages.values()):
                    with contextlib.suppress(*LINE_ERRORS):
                        await authenticator.keep()
        finally:
            self._keeping = False

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        async def carry() -> None:
            with contextlib.suppress(*LINE_ERRORS):
                await work

        task = asyncio.create_task(carry())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
