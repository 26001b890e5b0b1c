"""A picture of what is in the way, for people. Whatever somebody could type into is covered (R12)."""

import asyncio
import logging
from typing import Any

from flows.engine.cover import TYPED
from flows.engine.drivers import WAIT_ERRORS

log = logging.getLogger(__name__)

SECONDS = 5.0
QUALITY = 55


async def picture_take(page: Any) -> bytes | None:
    """A JPEG of what is on the screen, every field covered; None where that does not work at once."""
    try:
        async with asyncio.timeout(SECONDS):
            image = await page.screenshot(
                type="jpeg",
                quality=QUALITY,
                scale="css",
                caret="initial",  # hiding it would change the page
                mask=[frame.locator(TYPED) for frame in page.frames],
                mask_color="#555555",
                timeout=SECONDS * 1000,
            )
    except WAIT_ERRORS:
        log.info("no picture could be taken")
        return None
    return bytes(image)
