"""A picture of what is in the way, for people. Whatever somebody could type into is covered (R12)."""

import asyncio
import logging
from typing import Any

from flows.engine.drivers import WAIT_ERRORS

log = logging.getLogger(__name__)

SECONDS = 5.0
QUALITY = 55
# Everything that may show what was typed, password, code or name, in every frame and open shadow root. A field made
# of plain elements shows its text in what holds the focus or in a text box by role.
TYPED = (
    "input:not([type=checkbox]):not([type=radio]):not([type=submit]):not([type=button]):not([type=image])"
    ":not([type=hidden]), textarea, select, [contenteditable]:not([contenteditable=false]), [role=textbox], "
    "[role=combobox], [role=searchbox]"
)


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
