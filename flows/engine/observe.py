"""One look at a live page: a snapshot, and the live elements its refs name.

Works with pages of `playwright.async_api` and of `patchright.async_api` alike; under patchright the script runs in
an isolated world, out of the page's sight. Frames are looked at in parallel, each with a deadline; one that does not
answer is left out.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.engine.snapshot import Element, Frame, Snapshot
from flows.engine.snapshot_json import frame_from_json

OVER_CELLS = (Path(__file__).parent / "cells.js").read_text(encoding="utf-8")
SCRIPT = (Path(__file__).parent / "observe.js").read_text(encoding="utf-8")
SCRIPT = SCRIPT.replace("/* cells.js */ () => false", OVER_CELLS)
FRAME_SECONDS = 1.5
MAX_FRAMES = 30
# Frames of these hosts hold no login form: their vendor is known from the address alone.
PASSED_BY = (
    "google.com/recaptcha", "recaptcha.net", "hcaptcha.com", "challenges.cloudflare.com", "arkoselabs.com",
    "funcaptcha.com", "captcha-delivery.com", "doubleclick.net", "googletagmanager.com", "googlesyndication.com",
    "youtube.com/embed", "facebook.com/plugins", "accounts.google.com/gsi",
)  # fmt: skip


class StaleElement(Exception):
    """The element is gone: the page changed since the snapshot."""


class PageGone(Exception):
    """The page could not be looked at: it is closed, crashed or does not answer."""


@dataclass(slots=True)
class Observation:
    """A snapshot and the way back from its refs to live elements. `dispose` when done; a navigation does it too."""

    snapshot: Snapshot
    _holders: dict[int, Any] = field(default_factory=dict, repr=False)
    _frames: dict[int, Any] = field(default_factory=dict, repr=False)

    async def handle(self, ref: str) -> Any:
        """The live element, an `ElementHandle`. Raises `StaleElement` if it is no longer part of the page."""
        frame_index, _, number = ref.partition(":")
        holder = self._holders.get(int(frame_index)) if frame_index.isdigit() else None
        if holder is None or not number.isdigit():
            raise StaleElement(ref)
        try:
            found = await holder.evaluate_handle("(held, at) => held.at(at)", int(number))
        except Exception as error:  # the driver's error class depends on the driver; any failure means the same
            raise StaleElement(ref) from error
        element = found.as_element()
        if element is None:
            raise StaleElement(ref)
        return element

    def frame(self, ref: str) -> Any:
        """The driver's frame that holds the element. Raises `StaleElement` for a ref of another snapshot."""
        number = ref.partition(":")[0]
        frame = self._frames.get(int(number)) if number.isdigit() else None
        if frame is None:
            raise StaleElement(ref)
        return frame

    async def dispose(self) -> None:
        """Lets go of the page's objects. Never raises."""
        holders = list(self._holders.values())
        self._holders.clear()
        await asyncio.gather(*(holder.dispose() for holder in holders), return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Seen:
    frame: Any
    holder: Any
    data: str


async def observe(page: Any, *, frame_seconds: float = FRAME_SECONDS) -> Observation:
    """Looks at every frame of `page` once. Raises `PageGone` if the top frame does not answer in time."""
    top = page.main_frame
    inner = [frame for frame in page.frames if frame is not top and not _passed_by(frame.url)][:MAX_FRAMES]
    looks = await asyncio.gather(
        _look(top, frame_seconds * 2), *(_look(frame, frame_seconds) for frame in inner), return_exceptions=True
    )
    first = looks[0]
    if not isinstance(first, _Seen):
        await asyncio.gather(
            *(look.holder.dispose() for look in looks if isinstance(look, _Seen)), return_exceptions=True
        )
        raise PageGone(type(first).__name__) from (first if isinstance(first, Exception) else None)
    seen = [look for look in looks if isinstance(look, _Seen)]
    frames = [frame_from_json(look.data, index=number) for number, look in enumerate(seen)]
    visible = await asyncio.gather(*(_shown(look, frame) for look, frame in zip(seen, frames, strict=True)))
    shown = tuple(
        frame if is_shown else frame_from_json(look.data, index=frame.index, visible=False)
        for look, frame, is_shown in zip(seen, frames, visible, strict=True)
    )
    return Observation(
        Snapshot(shown),
        _holders={number: look.holder for number, look in enumerate(seen)},
        _frames={number: look.frame for number, look in enumerate(seen)},
    )


async def _look(frame: Any, seconds: float) -> _Seen:
    async with asyncio.timeout(seconds):
        holder = await frame.evaluate_handle(SCRIPT, {"closed": []})
        data = await holder.evaluate("held => { const json = held.json; held.json = ''; return json; }")
    return _Seen(frame, holder, data if isinstance(data, str) else "")


async def _shown(look: _Seen, frame: Frame) -> bool:
    """Whether a person sees the frame. Only asked where it matters: the frame has something to fill or press."""
    if look.frame.parent_frame is None:
        return True
    if not _elements(frame.nodes):
        return False
    try:
        async with asyncio.timeout(FRAME_SECONDS):
            owner = await look.frame.frame_element()
            box = await owner.bounding_box()
            visible = await owner.is_visible()
            await owner.dispose()
    except Exception:  # detached in between, or the driver's own error classes: the frame is not there to be seen
        return False
    return bool(visible and box and box["width"] > 20 and box["height"] > 20)


def _elements(nodes: Sequence[object]) -> bool:
    return any(isinstance(node, Element) and not node.hidden for node in nodes)


def _passed_by(url: str) -> bool:
    parts = urlsplit(url)
    place = f"{parts.hostname or ''}{parts.path}"
    return any(part in place for part in PASSED_BY)
