"""What a person sees of a page and does in it: frames out, events in.

A `LiveView` belongs to one login or one browser: it knows which page is the present one, whether a person may act in
it now, and whether it may be seen. Each onlooker is a `flows.engine.viewer.Viewer`.

Input is taken only while the login waits for a person (R11). From the first key of a fill on no frame leaves until
what was typed is sent off or gone; once the login waits for a person, a password that shows as dots may be seen.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from flows.engine.drivers import DRIVER_ERRORS

VIEWERS = 4  # of one page
LOOK_SECONDS = 1.0  # a document that is about to go may not answer

# Whether a field that was filled still holds something, and whether that can be read off the page.
HOLDS = """(el, secret) => {
  if (!el.isConnected) return "gone";
  const value = typeof el.value === "string" ? el.value : (el.textContent || "");
  if (!value) return "gone";
  return secret && el.type !== "password" && el.checkVisibility() ? "readable" : "held";
}"""


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that the service typed into. `secret`: its value must not be read off the page."""

    handle: Any
    secret: bool


class Stage(Protocol):
    """Where the page is found: `flows.engine.tabs.Tabs` of a login, `flows.engine.own_pages.OwnPages` of a browser."""

    @property
    def page(self) -> Any: ...

    def acted(self) -> None:
        """A person did something in the page."""

    def let_go(self, page: Any) -> None:
        """A debugging session with the page ended."""


class Follower(Protocol):
    """What wants to know of changes."""

    def ring(self) -> None:
        """Something changed."""

    async def catch_up(self) -> None:
        """The page is about to change: see it as it is."""


class Onlooker(Protocol):
    """Somebody who looks."""

    may_type: bool

    def ring(self) -> None:
        """Something changed."""

    async def let_go(self) -> None:
        """Hold no button and no finger down any more."""


class LiveView:
    """One page, for whoever may look. Without viewers it costs nothing. Where it `fits`, its window takes the shape of
    the screen of whoever acts in it."""

    def __init__(self, *, fits: bool = True) -> None:
        self.fits = fits
        self._stage: Stage | None = None
        self._viewers: set[Onlooker] = set()
        self._followers: set[Follower] = set()
        self._held: list[Filled] = []
        self._filling = 0
        self._waits = False
        self.fills = 0  # that the service began
        self.typed = 0  # texts and keys a person put in
        self.closed = False

    @property
    def page(self) -> Any | None:
        return self._stage.page if self._stage is not None else None

    @property
    def acts(self) -> bool:
        """A person may act now."""
        return self._waits and not self._filling and not self.closed

    @property
    def watched(self) -> bool:
        """Somebody looks."""
        return bool(self._viewers)

    @property
    def attended(self) -> bool:
        """Somebody is there who could act."""
        return any(viewer.may_type for viewer in self._viewers)

    def show(self, stage: Stage) -> None:
        self._stage = stage
        self._held = []

    def hide(self) -> None:
        """The page is gone; another may follow."""
        self._stage = None
        self._waits = False
        self._ring()

    def close(self) -> None:
        """For good."""
        self.hide()
        self.closed = True
        self._ring()

    @contextlib.contextmanager
    def waiting(self) -> Any:
        """While the block runs the page is the person's."""
        self._waits = True
        self._ring()
        try:
            yield
        finally:
            self._waits = False
            self._ring()

    async def catch_up(self) -> None:
        """Return when whoever follows has seen the page as it is."""
        for follower in tuple(self._followers):
            await follower.catch_up()

    @contextlib.asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        """While the block runs nobody else acts and nobody looks (R11, R12)."""
        await self.catch_up()
        self._filling += 1
        self.fills += 1
        self._ring()
        try:
            for viewer in tuple(self._viewers):
                await viewer.let_go()
            yield
        finally:
            self._filling -= 1
            self._ring()

    def hold(self, filled: Iterable[Filled]) -> None:
        """These fields were typed into: no frame until they are gone or empty."""
        self._held = [*self._held, *filled]

    async def is_visible(self) -> bool:
        """Whether the page may be seen now."""
        states = await self._states()
        if self._filling or "readable" in states:
            return False
        return self._waits or not states

    async def is_clear(self) -> bool:
        """Whether nothing that the service typed stands in the page."""
        return not (await self._states() or self._filling or self._held)

    async def _states(self) -> list[str]:
        """Of the fields that still hold something."""
        states = [] if self._filling else [(filled, await _state(filled)) for filled in self._held]
        gone = {id(filled) for filled, state in states if state == "gone"}
        self._held = [filled for filled in self._held if id(filled) not in gone]
        return [state for _, state in states if state != "gone"]

    def acted(self, *, typed: bool) -> None:
        self.typed += int(typed)
        if self._stage is not None:
            self._stage.acted()

    def let_go(self, page: Any) -> None:
        """Whoever looked at `page` does so no more."""
        if self._stage is not None:
            self._stage.let_go(page)

    def join(self, viewer: Onlooker) -> bool:
        if self.closed or len(self._viewers) >= VIEWERS:
            return False
        self._viewers.add(viewer)
        return True

    def leave(self, viewer: Onlooker) -> None:
        self._viewers.discard(viewer)

    def follow(self, follower: Follower) -> None:
        """Tell it of changes; it is nobody who looks."""
        self._followers.add(follower)

    def unfollow(self, follower: Follower) -> None:
        self._followers.discard(follower)

    def _ring(self) -> None:
        for viewer in self._viewers:
            viewer.ring()
        for follower in self._followers:
            follower.ring()


async def _state(filled: Filled) -> str:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return str(await filled.handle.evaluate(HOLDS, filled.secret))
    except TimeoutError:
        return "readable" if filled.secret else "held"  # nobody knows: its document is about to go
    except DRIVER_ERRORS:
        return "gone"  # its document is
