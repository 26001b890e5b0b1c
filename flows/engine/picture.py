"""A picture of what is in the way, for people. Whatever somebody could type into is covered (R12)."""

import asyncio
import io
import logging
from collections.abc import Callable
from typing import Any

from flows.engine.cover import Covered, covered_paint, covered_take
from flows.engine.drivers import WAIT_ERRORS

log = logging.getLogger(__name__)

SECONDS = 5.0
TRIES = 4  # of a page that moves
QUALITY = 55


async def picture_take(page: Any, *, let_go: Callable[[Any], None] | None = None) -> bytes | None:
    """A JPEG of what is on the screen, every field covered; None where that does not work at once. `let_go` is told
    when no more is asked of the page."""
    try:
        async with asyncio.timeout(SECONDS):
            covered = await _take(page)
    except WAIT_ERRORS:
        log.info("no picture could be taken")
        return None
    finally:
        if let_go is not None:
            let_go(page)
    return await asyncio.to_thread(_painted, covered) if covered is not None else None


async def _take(page: Any) -> Covered | None:
    cdp = await page.context.new_cdp_session(page)
    try:
        for _ in range(TRIES):
            if (covered := await covered_take(cdp)) is not None:
                return covered
    finally:
        await cdp.detach()
    return None


def _painted(covered: Covered) -> bytes:
    picture = io.BytesIO()
    covered_paint(covered).save(picture, "JPEG", quality=QUALITY)
    return picture.getvalue()
