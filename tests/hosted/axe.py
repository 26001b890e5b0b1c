"""axe-core in a page, brought in by the test's driver: the page's own policy would refuse it."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Page

SOURCE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
# For pictures and examinations: the result page does not move on meanwhile.
STAY = "const wait = setTimeout; window.setTimeout = (f, ms, ...more) => (ms < 1000 ? wait(f, ms, ...more) : 0)"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def axe_findings(page: Page) -> list[str]:
    """`rule: element` of everything that axe is sure about, and of contrasts it could not judge."""
    await page.evaluate(SOURCE)
    result: dict[str, Any] = await page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert result["passes"], "axe looked at nothing"
    sure = [(rule["id"], node["html"]) for rule in result["violations"] for node in rule["nodes"]]
    unsure = [
        (rule["id"], node["html"])
        for rule in result["incomplete"]
        for node in rule["nodes"]
        if rule["id"] == "color-contrast"
    ]
    return [f"{rule}: {html[:200]}" for rule, html in [*sure, *unsure]]
