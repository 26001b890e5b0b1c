"""Passkeys in the pages of a login. Each page has an authenticator, and it is empty: what the profile holds is lent to
a page for one press, if its origin may receive values, and taken back. So no page can use one at its own wish."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from flows.engine.authenticators import LINE_ERRORS, Authenticator
from flows.engine.passkeys import Clock, Keyring, Passkey

LEND_SECONDS = 5.0
LEND_ERRORS: tuple[type[Exception], ...] = (TimeoutError, *LINE_ERRORS)


class LentPasskeys:
    """Of one browser context. Never raises: a page without an authenticator is like a machine without one."""

    def __init__(self, context: Any, passkeys: Iterable[Passkey], clock: Clock | None = None) -> None:
        self.ring = Keyring(clock) if clock is not None else Keyring()
        self.ring.bring(passkeys)
        self._context = context
        self._pages: dict[Any, asyncio.Task[Authenticator | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        context.on("page", self._opened)

    async def attach(self, page: Any) -> None:
        """Return once the page has its authenticator."""
        self._opened(page)
        await asyncio.wait([self._pages[page]])

    def keep(self, page: Any) -> None:
        """A debugging session of the page ended."""
        if page in self._pages:
            task = asyncio.create_task(self._keep(page))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """What was begun for pages is done."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    @contextlib.asynccontextmanager
    async def lent(self, page: Any, host: str) -> AsyncIterator[None]:
        """While the block runs `page` may use the passkeys of `host`."""
        authenticator = await self._of(page)
        if authenticator is not None:
            with contextlib.suppress(*LEND_ERRORS):
                async with asyncio.timeout(LEND_SECONDS):
                    await authenticator.keep()
                    await authenticator.renew(*(passkey.id for passkey in self.ring.of(host)))
        try:
            yield
        finally:
            if authenticator is not None:
                with contextlib.suppress(*LEND_ERRORS):
                    async with asyncio.timeout(LEND_SECONDS):
                        await authenticator.unload()

    def _opened(self, page: Any) -> None:
        if page not in self._pages:
            self._pages[page] = asyncio.create_task(self._begin(page))
            page.on("close", lambda *_: self._pages.pop(page, None))

    async def _begin(self, page: Any) -> Authenticator | None:
        try:
            async with asyncio.timeout(LEND_SECONDS):
                authenticator = Authenticator(await self._context.new_cdp_session(page), self.ring)
                await authenticator.begin()
        except LEND_ERRORS:
            return None
        return authenticator

    async def _of(self, page: Any) -> Authenticator | None:
        task = self._pages.get(page)
        return await asyncio.shield(task) if task is not None else None

    async def _keep(self, page: Any) -> None:
        authenticator = await self._of(page)
        if authenticator is not None:
            with contextlib.suppress(*LEND_ERRORS):
                async with asyncio.timeout(LEND_SECONDS):
                    await authenticator.keep()
