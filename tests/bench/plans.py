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
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from flows.engine.browsers import BrowserOptions, Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest, ProfileState
from flows.engine.login import login
from tests.sites.zoo.cases import CASES, Case
from tests.sites.zoo.driving import ZooHost, opened, request_for
from tests.sites.zoo.questions import WORD
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import CODE, MAIL, PASSWORD, USER, Zoo

SETTINGS = BrowserSettings(tenant="bench", stealth=False)


Steps = tuple[tuple[str, str, str], ...]  # what to do, where, with which value


def _step(do: str, where: str, value: str = "") -> tuple[str, str, str]:
    return do, where, value


SIGN_IN = (
    _step("fill", "[name=username]", USER),
    _step("fill", "[name=password]", PASSWORD),
    _step("click", "form [type=submit]"),
)
INSIDE = "iframe >> internal:control=enter-frame >> "
FRAMED = (
    _step("fill", f"{INSIDE}[name=username]", USER),
    _step("fill", f"{INSIDE}[name=password]", PASSWORD),
    _step("click", f"{INSIDE}button"),
)
PROVIDER = (
    _step("click", "a[href='/auth/acme']"),
    _step("fill", "[name=identifier]", USER),
    _step("click", "form button"),
    _step("fill", "[name=Passwd]", PASSWORD),
    _step("click", "form button"),
    _step("fill", "[name=totpPin]", CODE),
    _step("click", "form button"),
    _step("click", "[value=allow]"),
)
# What somebody writes who knows the site: where to click and what to type there.
SCRIPTS: dict[str, Steps | None] = {
    "one page": SIGN_IN,
    "identifier first": (
        _step("fill", "[name=loginfmt]", USER),
        _step("click", "[type=submit]"),
        _step("fill", "[name=passwd]", PASSWORD),
        _step("click", "[type=submit]"),
        _step("click", "[value=Yes]"),
    ),
    "cookie banner over the form": (_step("click", "text=Reject all"), *SIGN_IN),
    "terms to accept": (_step("check", "[name=agree]"), *SIGN_IN),
    "authenticator code": (*SIGN_IN, _step("fill", "#app_totp", CODE), _step("click", "form button")),
    "split boxes": (*SIGN_IN, _step("type", ".digit", CODE)),
    "code to be requested": (
        *SIGN_IN,
        _step("click", "[type=submit]"),
        _step("fill", "#c", CODE),
        _step("click", "[type=submit]"),
    ),
    "methods as buttons": (
        *SIGN_IN,
        _step("click", "[value=totp]"),
        _step("fill", "#c", CODE),
        _step("click", "form button"),
    ),
    "account picker": (
        _step("click", f"text={MAIL}"),
        _step("fill", "[name=Passwd]", PASSWORD),
        _step("click", "form button"),
    ),
    "organization picker": (*SIGN_IN, _step("click", "button[value=globex]")),
    "provider by redirect": PROVIDER,
    "form in a frame": FRAMED,
    "trust this browser": (*SIGN_IN, _step("click", "[value=yes]")),
    "security question": (*SIGN_IN, _step("fill", "#a", WORD), _step("click", "form button")),
    "login in a new tab": None,
}


async def perform(page: Any, steps: Steps, zoo: Zoo) -> None:
    await page.goto(f"{zoo.url}/login")
    for do, where, value in steps:
        place = page.locator(where)
        if do == "fill":
            await place.fill(value)
        elif do == "type":
            await place.first.focus()
            await page.keyboard.type(value)
        else:
            await getattr(place.first, do)()
    await page.wait_for_url("**/home")


async def scripted(browsers: Browsers, steps: Steps, zoo: Zoo) -> None:
    async with browsers.open(SETTINGS) as session:
        await perform(session.page, steps, zoo)
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
