"""Saved pages in bulk: snapshots of files, and what the reader finds on them in the form corpora are labelled in."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.engine.observe import PageGone, observe
from flows.engine.reading import read
from flows.engine.reading.analysis import Context, ReadForm, analyse
from flows.engine.reading.choices import sso
from flows.engine.reading.model import PageKind
from flows.engine.reading.page import PageView
from flows.engine.snapshot import Snapshot

HELD_OUT = 5
_SCORED = frozenset({"identifier", "email", "password", "new_password", "code"})
_KINDS = {
    PageKind.LOGIN: "login",
    PageKind.CODE: "otp",
    PageKind.SIGN_UP: "signup",
    PageKind.RESET: "reset",
}


def is_held_out(site: str) -> bool:
    """Whether pages of `site` are kept unread: a fifth of all sites, by the hash of the name, fixed from the start."""
    return int(hashlib.sha256(site.lower().encode()).hexdigest(), 16) % HELD_OUT == 0


async def snapshots(files: Iterable[tuple[str, Path]], browser: Any) -> AsyncIterator[tuple[str, Snapshot]]:
    """Snapshots of saved pages as they are without network and scripts, one after another in one browser."""
    context = await browser.new_context(
        java_script_enabled=False, offline=True, viewport={"width": 1366, "height": 900}
    )
    try:
        page = await context.new_page()
        await page.route("**/*", _local_only)
        for name, file in files:
            try:
                async with asyncio.timeout(20):
                    await page.goto(file.absolute().as_uri(), wait_until="domcontentloaded")
                    seen = await observe(page, frame_seconds=5)
                yield name, seen.snapshot
                await seen.dispose()
            except (TimeoutError, PageGone):
                yield name, Snapshot()
    finally:
        await context.close()


async def _local_only(route: Any) -> None:
    if route.request.is_navigation_request() and route.request.url.startswith("file:"):
        await route.continue_()
    else:
        await route.abort()


def prediction(snapshot: Snapshot) -> Mapping[str, Any]:
    """`{"kind", "elements": [{"css", "kind", "context"}]}` of one page."""
    page = PageView(snapshot)
    forms = analyse(page)
    elements: list[dict[str, str]] = []
    for form in forms:
        if not form.visible:
            continue
        for field in form.fields:
            if field.role in _SCORED and field.item.reachable:
                elements.append({"css": field.item.selector, "kind": field.role, "context": form.context})
        if form.submit is not None and form.context is not Context.SEARCH:
            elements.append({"css": form.submit.selector, "kind": "submit", "context": form.context})
    for choice in sso(page, forms):
        elements.append({"css": choice.selector, "kind": "sso", "context": "login"})
    return {"kind": _kind(read(snapshot).kind, forms), "elements": elements}


def _kind(kind: PageKind, forms: Sequence[ReadForm]) -> str:
    """The corpus's word for the page. There a page whose only form to fill is an unopened login counts as one."""
    contexts = {form.context for form in forms if form.visible}
    if kind in _KINDS:
        return _KINDS[kind]
    hidden = {form.context for form in forms if not form.visible}
    if contexts <= {Context.SEARCH} and Context.LOGIN in hidden:
        return "login"
    return "search" if contexts == {Context.SEARCH} else "other"
