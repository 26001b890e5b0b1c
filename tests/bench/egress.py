"""What the forward proxy costs: one page with many parts, loaded through it and directly, in turn.

    uv run python -m tests.bench.egress [--rounds 20] [--parts 40] [--json]

The site runs in a process of its own, so that it and the proxy do not share an event loop.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

from playwright.async_api import async_playwright

from flows.engine import chromium
from flows.engine.egress import Egress
from flows.engine.guard import Guard
from tests.sites.server import Response, SiteServer

PART = b"x" * 20_000


def serve(parts: int, out: Connection) -> None:
    async def main() -> None:
        async with SiteServer() as site:
            images = "".join(f'<img src="/part/{number}">' for number in range(parts))
            site.page("/", f"<!doctype html><title>parts</title>{images}")
            site.on("*", lambda _: Response(PART, headers={"Content-Type": "image/png"}))
            out.send(site.url)
            await asyncio.Event().wait()

    asyncio.run(main())


async def loaded(browser: Any, url: str) -> float:
    context = await browser.new_context()
    page = await context.new_page()
    start = time.perf_counter()
    await page.goto(url)
    took = time.perf_counter() - start
    await context.close()
    return took


async def measure(url: str, rounds: int) -> dict[str, float]:
    egress = Egress(Guard(("127.0.0.1",)))
    await egress.start()
    times: dict[str, list[float]] = {"direct": [], "proxied": []}
    async with async_playwright() as driver:
        options: dict[str, Any] = {
            "executable_path": chromium.headless_shell_path(),
            "chromium_sandbox": os.geteuid() != 0,
        }
        proxy: Any = {"server": egress.url, "bypass": "<-loopback>"}
        browsers = {
            "direct": await driver.chromium.launch(**options),
            "proxied": await driver.chromium.launch(**options, proxy=proxy),
        }
        for number in range(rounds + 1):
            for name, browser in browsers.items():
                took = await loaded(browser, url)
                if number:
                    times[name].append(took)
        for browser in browsers.values():
            await browser.close()
    await egress.close()
    medians = {f"{name}_ms": round(statistics.median(values) * 1000, 1) for name, values in times.items()}
    return {**medians, "ratio": round(medians["proxied_ms"] / medians["direct_ms"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    receiving, sending = multiprocessing.Pipe(duplex=False)
    site = multiprocessing.get_context("spawn").Process(target=serve, args=(chosen.parts, sending), daemon=True)
    site.start()
    try:
        figures = asyncio.run(measure(receiving.recv(), chosen.rounds))
    finally:
        site.terminate()
        site.join()
    print(json.dumps(figures) if chosen.json else figures)


if __name__ == "__main__":
    main()
