"""The confusion table of health checks: every way a session ends, or seems to, at every kind of site.

    uv run python -m tests.bench.endings [--only NAME] [--app NAME] [--requests] [--json]

Each cell is a login in a real browser, one check where all is well (two more with `--requests`, so that plain requests
are trusted), the ending, and the check that matters.
"""

import argparse
import asyncio
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass

import django

from tests.sites.endings import ENDINGS, App, Ending

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from flows.engine.browsers import BrowserOptions, Browsers  # noqa: E402 - after the settings
from flows.engine.contract import BrowserSettings  # noqa: E402
from tests.sites.endings_run import end, sign_in  # noqa: E402
from tests.sites.server import SiteServer  # noqa: E402


@dataclass(frozen=True, slots=True)
class Cell:
    app: str
    ending: str
    expected: str
    got: str
    way: str
    reason: str

    @property
    def right(self) -> bool:
        return self.got == self.expected


async def cell(browsers: Browsers, app: App, ending: Ending, *, requests: bool) -> Cell:
    settings = BrowserSettings(tenant="org_bench", stealth=False)
    server = SiteServer()
    await server.__aenter__()
    try:
        signed_in = await sign_in(browsers, settings, server, app)
        for number in range(3 if requests else 1):
            before = await signed_in.check(browsers, check_id=f"hc_{number}")
            if before.result != "ok":
                return Cell(app, "before " + ending.name, "ok", before.result, before.way, before.reason)
        await end(signed_in, ending)
        found = await signed_in.check(browsers)
        return Cell(app, ending.name, ending.expected, found.result, found.way, found.reason)
    finally:
        if not ending.closes:
            await server.__aexit__()


async def table(*, only: str, app: str, requests: bool, quiet: bool) -> list[Cell]:
    browsers = Browsers(BrowserOptions(sandbox=os.geteuid() != 0, ssrf_allow=("127.0.0.1",)))
    await browsers.start()
    cells = []
    try:
        for ending in ENDINGS:
            for kind in ending.apps:
                if only in ending.name and app in kind:
                    found = await cell(browsers, kind, ending, requests=requests)
                    cells.append(found)
                    if not quiet:
                        verdict = "ok " if found.right else "BAD"
                        print(f"{verdict} {found.app:10} {found.ending:24} {found.got:14} {found.way:8} {found.reason}")
    finally:
        await browsers.close()
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--app", default="")
    parser.add_argument("--requests", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cells = asyncio.run(table(only=given.only, app=given.app, requests=given.requests, quiet=given.json))
    if given.json:
        print(json.dumps([asdict(cell) for cell in cells], indent=1))
        return 0
    for (expected, got), number in sorted(Counter((cell.expected, cell.got) for cell in cells).items()):
        print(f"{expected:14} -> {got:14} {number}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
