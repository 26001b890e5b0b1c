"""What the service costs over a hand-written script: the same login, in turn, as a ratio of medians.

    uv run python -m tests.bench.overhead [--rounds 15] [--stealth] [--json]

By hand: a warm browser of the same kind with the same flags, a new context, open, fill, press, wait for the mark of a
signed-in visitor, save the state. Through the service: `login()` with a stored credential until SUCCESS arrives over
the event stream, with and without verification. The site is the bundled demo.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kernel import Kernel

from authsvc.demo.accounts import ACCOUNTS
from flows.engine import chromium
from flows.engine.display import Display, xvfb_path
from tests.service.driving import Account, drive
from tests.service.stack import Stack, running

ACCOUNT = ACCOUNTS["ada@demo.test"]


@asynccontextmanager
async def warm_browser(*, stealth: bool) -> AsyncIterator[Any]:
    """The browser that the service would start, driven directly."""
    from patchright.async_api import async_playwright as patched
    from playwright.async_api import async_playwright as plain

    xvfb = xvfb_path() if stealth else None
    launch = chromium.launch_for(
        stealth=stealth,
        locale="en-US",
        full=chromium.chromium_path(),
        headless_shell=chromium.headless_shell_path(),
        display=xvfb is not None,
    )
    if launch is None:
        raise SystemExit("no Chromium was found")
    display = Display(xvfb) if xvfb else None
    extra = await display.environment() if display else {}
    async with (patched if launch.stealth else plain)() as driver:
        browser = await driver.chromium.launch(
            executable_path=launch.executable,
            headless=launch.headless,
            args=[flag for flag in launch.args if not flag.startswith("--host-resolver-rules")],
            env={**chromium.environment(extra)},
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            yield browser
        finally:
            await browser.close()
            if display:
                await display.close()


async def by_hand(browser: Any, url: str) -> float:
    start = time.perf_counter()
    context = await browser.new_context(no_viewport=True)
    page = await context.new_page()
    await page.goto(f"{url}/login")
    await page.fill("input[name=email]", ACCOUNT.email)
    await page.fill("input[name=password]", ACCOUNT.password)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/account")
    await context.storage_state()
    await context.close()
    return time.perf_counter() - start


def through_service(client: Kernel, url: str, *, stealth: bool) -> float:
    name = uuid.uuid4().hex
    values = {"username": ACCOUNT.email, "password": ACCOUNT.password}
    domain = url.removeprefix("http://")
    client.credentials.create(name=name, domain=domain, values=values)
    connection = client.auth.connections.create(
        domain=domain,
        profile_name=name,
        login_url=f"{url}/login",
        credential={"name": name},
        browser={"stealth": stealth},
    )
    run = drive(client, connection, Account(username="", password=""), mode="stored")
    if run.status != "SUCCESS":
        raise SystemExit(f"login failed: {run.error_code} {run.final}")
    return run.ended


async def measure(stacks: dict[str, Stack], *, rounds: int, stealth: bool) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"by_hand": [], **{name: [] for name in stacks}}
    site = next(iter(stacks.values())).demo_url
    async with warm_browser(stealth=stealth) as browser:
        for round_number in range(rounds + 2):  # two to warm up
            current = {"by_hand": await by_hand(browser, site)}
            for name, stack in stacks.items():
                current[name] = await asyncio.to_thread(through_service, stack.client(), site, stealth=stealth)
            if round_number >= 2:
                for name, seconds in current.items():
                    times[name].append(seconds)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--stealth", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with (
        running(arguments=(), env={"AUTHSVC_VERIFY_LOGINS": "True"}) as verified,
        running(arguments=(), env={"AUTHSVC_VERIFY_LOGINS": "False"}) as unverified,
    ):
        stacks = {"unverified": unverified, "verified": verified}
        times = asyncio.run(measure(stacks, rounds=options.rounds, stealth=options.stealth))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {name: medians[name] / medians["by_hand"] for name in ("unverified", "verified")}
    if options.json:
        print(json.dumps({"stealth": options.stealth, "median_s": medians, "ratio": ratios, "times_s": times}))
        return
    print(f"stealth={options.stealth}, {options.rounds} rounds, medians:")
    for name, seconds in medians.items():
        ratio = f"  ratio {seconds / medians['by_hand']:.2f}" if name != "by_hand" else ""
        print(f"  {name:11} {seconds * 1000:7.0f} ms{ratio}")


if __name__ == "__main__":
    main()
