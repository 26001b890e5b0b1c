"""Pictures of a page: every field covered, and none at all when that cannot be done surely (R12).

What is covered is measured before and after a picture is taken. Where the two differ the page moved, and nobody knows
what stood where in between: such a picture is thrown away. What can hold text is covered whether it holds any or not,
so what a site filled in itself, or a person types meanwhile, is under it too.
"""

import base64
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from flows.engine.drivers import DRIVER_ERRORS
from flows.engine.errors import BrowserLost

# Everything that may show what was typed, password, code or name, in every frame and open shadow root. A field made
# of plain elements shows its text in what holds the focus or in a text box by role.
TYPED = (
    "input:not([type=checkbox]):not([type=radio]):not([type=submit]):not([type=button]):not([type=image])"
    ":not([type=hidden]), textarea, select, [contenteditable]:not([contenteditable=false]), [role=textbox], "
    "[role=combobox], [role=searchbox]"
)
TAGS = ("<input>", "<textarea>", "<select>", "contenteditable")  # as the browser's own search takes them
MOST_FOUND = 200
QUALITY = 80
WORLD = "cover"
MARGIN = 3
COVER = (85, 85, 85)
SCRIPT = (
    Path(__file__)
    .with_name("cover.js")
    .read_text("utf-8")
    .replace("SELECTOR", json.dumps(TYPED))
    .replace("TAGS", json.dumps(TAGS))
)
NO_BOX: tuple[type[Exception], ...] = (BrowserLost, *DRIVER_ERRORS)

Area = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Covered:
    """A JPEG as it was taken, and what must not be seen of it: left, top, width and height, in a window's pixels."""

    jpeg: bytes
    window: tuple[int, int]
    areas: tuple[Area, ...]


async def covered_take(cdp: Any) -> Covered | None:
    """None when the page moved meanwhile. Raises what the debugging session raises."""
    frame = (await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    world = (await cdp.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD}))["executionContextId"]
    before = await _measure(cdp, world)
    if before is None:
        return None
    shot = await cdp.send("Page.captureScreenshot", {"format": "jpeg", "quality": QUALITY})
    if await _measure(cdp, world) != before:
        return None
    said = json.loads(before)
    areas = tuple((int(x), int(y), int(width), int(height)) for x, y, width, height in said["areas"])
    width, height = said["window"]
    return Covered(base64.b64decode(shot["data"]), (int(width), int(height)), areas)


def covered_paint(covered: Covered) -> Image.Image:
    """The picture with what must not be seen painted over."""
    picture = Image.open(io.BytesIO(covered.jpeg)).convert("RGB")
    scale = picture.width / max(1, covered.window[0])
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in covered.areas:
        corners = (x - MARGIN, y - MARGIN, x + width + MARGIN, y + height + MARGIN)
        draw.rectangle([round(side * scale) for side in corners], fill=COVER)
    return picture


async def _measure(cdp: Any, world: int) -> str | None:
    found = await cdp.send(
        "Runtime.evaluate", {"expression": f"({SCRIPT})()", "contextId": world, "returnByValue": True}
    )
    value = found.get("result", {}).get("value")
    if not isinstance(value, str) or "exceptionDetails" in found:
        return None
    said = json.loads(value)
    closed = await _closed(cdp, said["seen"])
    if closed is None:
        return None
    return json.dumps({**said, "areas": [*said["areas"], *closed]})


async def _closed(cdp: Any, seen: Sequence[int]) -> list[Area] | None:
    """Where fields stand in closed shadow roots, into which only the browser itself looks; of the kinds of `TAGS` that
    it knows more of than a script has seen. None where there are too many to tell."""
    await cdp.send("DOM.enable")
    await cdp.send("DOM.getDocument", {"depth": 0})
    areas: list[Area] = []
    for tag, known in zip(TAGS, seen, strict=True):
        search = await cdp.send("DOM.performSearch", {"query": tag})
        count, name = search["resultCount"], search["searchId"]
        if count > known:
            if count > MOST_FOUND:
                return None
            wanted = {"searchId": name, "fromIndex": 0, "toIndex": count}
            nodes = (await cdp.send("DOM.getSearchResults", wanted))["nodeIds"]
            for node in nodes:
                areas += await _boxes(cdp, node)
        await cdp.send("DOM.discardSearchResults", {"searchId": name})
    return areas


async def _boxes(cdp: Any, node: int) -> list[Area]:
    """Nothing for what is not drawn."""
    try:
        quads = (await cdp.send("DOM.getContentQuads", {"nodeId": node}))["quads"]
    except NO_BOX:
        return []
    areas = []
    for quad in quads:
        left, top, right, bottom = min(quad[0::2]), min(quad[1::2]), max(quad[0::2]), max(quad[1::2])
        areas.append((math.floor(left), math.floor(top), math.ceil(right - left) + 1, math.ceil(bottom - top) + 1))
    return areas
