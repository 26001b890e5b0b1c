"""How long a person waits at the hosted page, and what it weighs.

    uv run python -m tests.bench.page [--rounds 15] [--stealth] [--json]

Per round: `login()` until the form can be typed into in the person's browser (the link is opened at once and Continue
pressed at once), then a wrong password submitted until its refusal stands beside the field, then the right one until
the page says that it is done. Beside it, in turn, the floor: the same form opened and the same login done by a script
in a warm browser of the same kind. The site is the bundled demo. The weight is what a first visit transfers.
"""

import argparse
import asyncio
import json
import statistics
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from kernel import Kernel
from playwright.async_api import Browser, Response, async_playwright

from flows.engine.chromium import headless_shell_path
from tests.bench.overhead import ACCOUNT, by_hand, warm_browser
from tests.service.stack import running

MOST = 30_000


def login(client: Kernel, url: str, *, stealth: bool) -> str:
    """The link of a new login."""
    connection = client.auth.connections.create(
        domain=url.removeprefix("http://"),
        profile_name=uuid.uuid4().hex,
        login_url=f"{url}/login",
        browser={"stealth": stealth},
    )
    return client.auth.connections.login(connection.id).hosted_url


async def floor_form(browser: Any, url: str) -> float:
    """A script that opens the site's form and could type."""
    start = time.perf_counter()
    context = await browser.new_context(no_viewport=True)
    page = await context.new_page()
    await page.goto(f"{url}/login")
    await page.locator("input[name=password]").wait_for()
    seconds = time.perf_counter() - start
    await context.close()
    return seconds


async def person(browser: Browser, client: Kernel, url: str, *, stealth: bool) -> dict[str, float]:
    context = await browser.new_context()
    page = await context.new_page()
    start = time.perf_counter()
    await page.goto(await asyncio.to_thread(login, client, url, stealth=stealth))
    await page.get_by_role("button", name="Continue").click()
    password = page.get_by_label("Password", exact=True)
    await password.wait_for(timeout=MOST)
    form = time.perf_counter() - start

    async def submit(value: str) -> float:
        await page.locator("input[type=email], input[type=text]").first.fill(ACCOUNT.email)
        await password.fill(value)
        begun = time.perf_counter()
        await page.keyboard.press("Enter")
        return begun

    begun = await submit(f"wrong-{uuid.uuid4().hex}")
    await page.locator(".wrong, .quote").first.wait_for(timeout=MOST)
    refused = time.perf_counter() - begun
    begun = await submit(ACCOUNT.password)
    await page.get_by_role("heading", name="You are signed in").wait_for(timeout=MOST)
    done = time.perf_counter() - begun
    await context.close()
    return {"login_to_form": form, "submit_to_refusal": refused, "submit_to_done": done}


async def weigh(browser: Browser, client: Kernel, url: str, *, stealth: bool) -> dict[str, Any]:
    """Bytes on the wire of a first visit up to the form, and whoever else was asked."""
    context = await browser.new_context()
    page = await context.new_page()
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    link = await asyncio.to_thread(login, client, url, stealth=stealth)
    await page.goto(link)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Password", exact=True).wait_for(timeout=MOST)
    weight = 0
    for response in responses:
        if response.url.endswith("/events") or response.url.startswith("data:"):
            continue
        sizes = await response.request.sizes()
        weight += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    own = urlsplit(link).netloc
    others = sorted({urlsplit(r.url).netloc for r in responses if not r.url.startswith("data:")} - {own})
    await context.close()
    return {"bytes": weight, "requests": len(responses), "others": others}


async def measure(*, rounds: int, stealth: bool) -> dict[str, Any]:
    times: dict[str, list[float]] = {}
    with running(arguments=()) as stack:
        client, url = stack.client(), stack.demo_url
        async with warm_browser(stealth=stealth) as scripted, async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=headless_shell_path(), args=["--no-sandbox"])
            for number in range(rounds + 2):  # two to warm up
                current = {
                    "floor_form": await floor_form(scripted, url),
                    "floor_login": await by_hand(scripted, url),
                    **await person(browser, client, url, stealth=stealth),
                }
                if number >= 2:
                    for name, seconds in current.items():
                        times.setdefault(name, []).append(seconds)
            weight = await weigh(browser, client, url, stealth=stealth)
            await browser.close()
    figures = {name: {"p50": statistics.median(values), "p95": _p95(values)} for name, values in times.items()}
    return {"stealth": stealth, "rounds": rounds, "seconds": figures, "weight": weight}


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--stealth", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = asyncio.run(measure(rounds=options.rounds, stealth=options.stealth))
    if options.json:
        print(json.dumps(result))
        return
    for name, figures in result["seconds"].items():
        print(f"  {name:18} p50 {figures['p50'] * 1000:6.0f} ms   p95 {figures['p95'] * 1000:6.0f} ms")
    weight = result["weight"]
    print(f"  first visit: {weight['bytes'] / 1024:.1f} kB in {weight['requests']} answers; others: {weight['others']}")


if __name__ == "__main__":
    main()
