"""A login without a plan, the second one with it, and the hand-written script for the same site. Medians in seconds.

    uv run python -m tests.bench.plans [--rounds 5] [--json]

All three drive the same kind of browser from a ready process, and all three prove the result in a fresh context. The
script knows the site's selectors; the engine is told its domain and, where the case says so, the login page.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from flows.engine.browsers import BrowserOptions, Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest, ProfileState
from flows.engine.login import login
from tests.sites.zoo.cases import CASES, Case
from tests.sites.zoo.driving import ZooHost, opened, request_for
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import CODE, PASSWORD, USER, Zoo

Script = Callable[[Any, Zoo], Awaitable[None]]
SETTINGS = BrowserSettings(tenant="bench", stealth=False)


async def one_page(page: Any, zoo: Zoo) -> None:
    await page.goto(f"{zoo.url}/login")
    await page.fill("input[type=password]", PASSWORD)
    await page.fill("form input:not([type=password]):not([type=checkbox])", USER)
    await page.press("input[type=password]", "Enter")
    await page.wait_for_url("**/home")


async def app_code(page: Any, zoo: Zoo) -> None:
    await page.goto(f"{zoo.url}/login")
    await page.fill("input[type=password]", PASSWORD)
    await page.fill("form input:not([type=password]):not([type=checkbox])", USER)
    await page.press("input[type=password]", "Enter")
    await page.fill("#app_totp", CODE)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/home")


async def organization(page: Any, zoo: Zoo) -> None:
    await page.goto(f"{zoo.url}/login")
    await page.fill("input[type=password]", PASSWORD)
    await page.fill("form input:not([type=password]):not([type=checkbox])", USER)
    await page.press("input[type=password]", "Enter")
    await page.click("button[value=globex]")
    await page.wait_for_url("**/home")


SCRIPTS: dict[str, Script | None] = {
    "one page": one_page,
    "authenticator code": app_code,
    "organization picker": organization,
    "login in a new tab": None,
}


async def scripted(browsers: Browsers, script: Script, zoo: Zoo) -> None:
    async with browsers.open(SETTINGS) as session:
        await script(session.page, zoo)
        saved = await session.context.storage_state(indexed_db=True)
    async with browsers.open(SETTINGS, ProfileState(storage=saved)) as session:
        await session.page.goto(f"{zoo.url}/home")
        if "Signed in" not in await session.page.inner_text("body"):
            raise RuntimeError("the script is not signed in")


async def timed(work: Awaitable[Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = await work
    return time.perf_counter() - began, result


def host_for(case: Case, zoo: Zoo) -> ZooHost:
    return ZooHost(case, zoo, "stored")


async def measured(browsers: Browsers, case: Case, rounds: int) -> dict[str, float | None]:
    script = SCRIPTS[case.name]
    figures: dict[str, list[float]] = {"first": [], "with plan": [], "script": []}
    for _ in range(rounds):
        async with opened(case, Variant.PLAIN) as zoo:
            request: LoginRequest = request_for(case, zoo, SETTINGS, "stored")
            seconds, first = await timed(login(browsers, request, host_for(case, zoo)))
            if not isinstance(first, LoggedIn):
                raise RuntimeError(f"{case.name}: {first}")
            figures["first"].append(seconds)
            again = replace(request, plan=first.plan, check=first.check)
            seconds, second = await timed(login(browsers, again, host_for(case, zoo)))
            if not isinstance(second, LoggedIn):
                raise RuntimeError(f"{case.name}, second: {second}")
            figures["with plan"].append(seconds)
            if script is not None:
                figures["script"].append((await timed(scripted(browsers, script, zoo)))[0])
    return {name: round(statistics.median(values), 2) if values else None for name, values in figures.items()}


async def measure(rounds: int) -> dict[str, dict[str, float | None]]:
    browsers = Browsers(BrowserOptions(sandbox=os.geteuid() != 0, ssrf_allow=("127.0.0.1",)))
    await browsers.start()
    try:
        wanted = [case for case in CASES if case.name in SCRIPTS]
        await measured(browsers, wanted[0], 1)  # the first login pays for starting the browser
        return {case.name: await measured(browsers, case, rounds) for case in wanted}
    finally:
        await browsers.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds))
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    for name, figures in found.items():
        print(
            f"{name:24} "
            + "  ".join(f"{what} {value if value is not None else '–'}" for what, value in figures.items())
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
