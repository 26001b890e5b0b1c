"""How fast a page is looked at and read, and how large its snapshot is, over saved pages of all sizes.

    uv run python -m tests.bench.reader_speed [--corpus DIR] [--pages 60] [--json]

Every page is warm (looked at once before); the pure part is timed as for a page never seen, with empty
caches; on a busy machine `read_cpu`, its processor time, tells more than the clock.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from flows.engine import chromium
from flows.engine.observe import SCRIPT, observe
from flows.engine.reading import lexicon, names, read, text
from tests.bench.reader_cv import FOLDER

CACHES = (lexicon.concepts_of, lexicon.leftover, names.named, names.named_among, text.fold, text.identifier_words)


async def pages_measure(files: Sequence[Path]) -> dict[str, list[float]]:
    """Milliseconds and kB of each page."""
    found: dict[str, list[float]] = {
        "observe": [],
        "read": [],
        "read_cpu": [],
        "observe_and_read": [],
        "snapshot_kb": [],
    }
    async with async_playwright() as driver:
        path = chromium.headless_shell_path() or chromium.chromium_path()
        browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        page = await browser.new_page(java_script_enabled=False)
        await page.route("http*://**", lambda route: route.abort())
        for file in files:
            await page.goto(file.absolute().as_uri(), wait_until="domcontentloaded")
            await _page_measure(page, found)
        await browser.close()
    return found


async def _page_measure(page: Any, found: dict[str, list[float]]) -> None:
    held = await page.evaluate_handle(SCRIPT, {"closed": []})
    found["snapshot_kb"].append(len((await held.evaluate("held => held.json")).encode()) / 1000)
    await held.dispose()
    for cache in CACHES:
        cache.cache_clear()
    started = time.perf_counter()
    seen = await observe(page)
    looked = time.perf_counter()
    worked = time.thread_time()
    read(seen.snapshot)
    found["read_cpu"].append((time.thread_time() - worked) * 1000)
    done = time.perf_counter()
    await seen.dispose()
    found["observe"].append((looked - started) * 1000)
    found["read"].append((done - looked) * 1000)
    found["observe_and_read"].append((done - started) * 1000)


def summary(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p90": round(ordered[len(ordered) * 9 // 10], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=FOLDER)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    labels = options.corpus / "labels.json"
    if not labels.is_file():
        raise SystemExit(f"{labels} is not there: nothing to measure on")
    known = json.loads(labels.read_text(encoding="utf-8"))["pages"]
    files = [options.corpus / page["file"] for page in known[:: max(1, len(known) // options.pages)]]
    found = {name: summary(values) for name, values in asyncio.run(pages_measure(files)).items()}
    if options.json:
        sys.stdout.write(json.dumps({"pages": len(files), **found}, indent=1) + "\n")
        return
    print(f"{len(files)} pages")
    for name, figures in found.items():
        print(f"  {name:<18}" + "".join(f"{key:>9} {value:>7}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
