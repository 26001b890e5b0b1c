"""Pictures of a page for recordings: every field covered, and none at all when that cannot be done surely (R12).

What is covered is measured before and after a picture is taken. Where the two differ the page moved, and nobody knows
what stood where in between: such a picture is thrown away. What can hold text is covered whether it holds any or not,
so what a site filled in itself, or a person types meanwhile, is under it too.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.picture import TYPED

QUALITY = 80
WORLD = "cover"
SCRIPT = Path(__file__).with_name("cover.js").read_text("utf-8").replace("SELECTOR", json.dumps(TYPED))

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


async def _measure(cdp: Any, world: int) -> str | None:
    found = await cdp.send(
        "Runtime.evaluate", {"expression": f"({SCRIPT})()", "contextId": world, "returnByValue": True}
    )
    value = found.get("result", {}).get("value")
    return value if isinstance(value, str) and "exceptionDetails" not in found else None
