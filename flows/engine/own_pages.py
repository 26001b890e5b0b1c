"""The pages of a caller's browser, for views and recordings.

We look at them over the browser's own pipe, without a driver: a driver closes dialogs, changes how a page sees itself,
and would be a second one beside the caller's. What is here has the names of a driver's, as far as views need them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flows.engine.own_browser import OwnBrowser
from flows.engine.pipe import Pipe


class Attached:
    """A debugging session of ours with one page. Its methods raise `BrowserLost`."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._session = ""
        self._handlers: dict[str, Callable[[Any], None]] = {}

    async def begin(self, target: str) -> None:
        self._session = await self._pipe.attach(target, self._hear)

    def on(self, event: str, handler: Callable[[Any], None]) -> None:
        self._handlers[event] = handler

    async def send(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self._pipe.call(method, params, session=self._session)

    async def detach(self) -> None:
        await self._pipe.detach(self._session)

    def _hear(self, method: str, params: Mapping[str, Any]) -> None:
        handler = self._handlers.get(method)
        if handler is not None:
            handler(params)


class OwnPage:
    """One tab."""

    viewport_size = None  # it has a window

    def __init__(self, target: str, context: "OwnPages") -> None:
        self.target = target
        self.context = context

    def is_closed(self) -> bool:
        return not self.context.has(self)


class OwnPages:
    """The present one is what was last opened or sent somewhere."""

    def __init__(self, browser: OwnBrowser) -> None:
        self._browser = browser
        self._page: OwnPage | None = None

    @property
    def page(self) -> OwnPage | None:
        target = next(reversed(self._browser.pages), None)
        if target is None:
            self._page = None
        elif self._page is None or self._page.target != target:
            self._page = OwnPage(target, self)
        return self._page

    def has(self, page: OwnPage) -> bool:
        return page.target in self._browser.pages

    def acted(self) -> None:
        """Nobody waits for it."""

    def let_go(self, page: object) -> None:
        """The pipe knows."""

    async def new_cdp_session(self, page: OwnPage) -> Attached:
        """Raises `BrowserLost`."""
        attached = Attached(self._browser.pipe)
        await attached.begin(page.target)
        return attached
