"""Taking a profile's state out of a browser context and putting it into another.

Cookies, localStorage and IndexedDB travel as Playwright's storageState. sessionStorage belongs to a tab: it is read
from the page's frames and written back, before the site's first script, by showing the tab an empty page of each
origin. Frames of other sites are left out: their session storage is partitioned by the page around them.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from flows.engine.contract import ProfileState
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS
from flows.engine.origins import origin_of, registrable_domain
from flows.engine.passkeys import Passkey

log = logging.getLogger(__name__)

READ_SESSION_STORAGE = """() => {
  const kept = {};
  try {
    for (let i = 0; i < sessionStorage.length; i++) {
      const key = sessionStorage.key(i);
      kept[key] = sessionStorage.getItem(key);
    }
  } catch { return null; }
  return JSON.stringify(kept);
}"""
WRITE_SESSION_STORAGE = """(kept) => {
  for (const [key, value] of Object.entries(JSON.parse(kept))) sessionStorage.setItem(key, value);
}"""
EMPTY_PAGE = "<!doctype html><title></title>"
FRAME_SECONDS = 2.0
LIMIT_BYTES = 5_000_000


def is_empty(state: ProfileState | None) -> bool:
    return state is None or not (state.storage.get("cookies") or state.storage.get("origins") or state.session_storage)


async def capture(context: Any, page: Any, passkeys: tuple[Passkey, ...]) -> ProfileState:
    """Everything the profile keeps, as the context holds it now; `passkeys` are kept beside it."""
    storage, tab = await asyncio.gather(context.storage_state(indexed_db=True), session_storage(page))
    return ProfileState(storage=storage, session_storage=tab, passkeys=passkeys)


async def session_storage(page: Any) -> dict[str, dict[str, str]]:
    """What one tab holds, by origin."""
    if page.is_closed():
        return {}
    top = origin_of(page.url)
    if top is None:
        return {}
    site = registrable_domain(top.host)
    frames: dict[str, Any] = {}
    for frame in page.frames:
        origin = origin_of(frame.url)
        if origin is not None and registrable_domain(origin.host) == site:
            frames.setdefault(str(origin), frame)
    found = await asyncio.gather(*(_frame_storage(frame) for frame in frames.values()))
    return {origin: kept for origin, kept in zip(frames, found, strict=True) if kept}


async def _frame_storage(frame: Any) -> dict[str, str]:
    try:
        async with asyncio.timeout(FRAME_SECONDS):
            text = await frame.evaluate(READ_SESSION_STORAGE)
    except WAIT_ERRORS:
        return {}
    if not isinstance(text, str) or len(text) > LIMIT_BYTES:
        return {}
    kept = json.loads(text)
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


async def restore(context: Any, page: Any, state: ProfileState) -> None:
    """Put `state` into a blank context; `page` is its one tab. Nothing of the sites is loaded."""
    if state.storage.get("cookies") or state.storage.get("origins"):
        await context.set_storage_state(_storage_of(state))
    if state.session_storage:
        await _restore_session_storage(page, state.session_storage)


def _storage_of(state: ProfileState) -> dict[str, Any]:
    return {"cookies": list(state.storage.get("cookies", ())), "origins": list(state.storage.get("origins", ()))}


async def show_blank(route: Any) -> None:
    """A route that answers everything with an empty page."""
    await route.fulfill(status=200, content_type="text/html", body=EMPTY_PAGE)


async def _restore_session_storage(page: Any, kept: Mapping[str, Mapping[str, str]]) -> None:
    await page.route("**/*", show_blank)
    try:
        for origin, items in kept.items():
            if origin_of(origin) is None or not items:
                continue
            with contextlib.suppress(*DRIVER_ERRORS):
                await page.goto(origin + "/", wait_until="commit")
                await page.evaluate(WRITE_SESSION_STORAGE, json.dumps(dict(items)))
        await page.goto("about:blank")
    finally:
        await page.unroute("**/*", show_blank)
