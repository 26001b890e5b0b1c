"""Logs in to every real application of `../shared/sites`, in every mode, with the unmodified SDK.

    uv run python -m tests.bench.sites [--kinds plain,totp,spa,email-code,sso] [--only dokuwiki] [--cases DIR] [--json]

The applications must be running (`../shared/sites/up.sh`). A row is right when the login ends in SUCCESS and the
case's probe fails in a fresh browser without the downloaded state and holds with it.
"""

import argparse
import asyncio
import json
import sys
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from kernel import Kernel
from playwright.async_api import Browser, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.service.driving import Account, Mode, drive
from tests.service.stack import ROOT, running

SITES = ROOT.parent / "shared" / "sites"
MODES: tuple[Mode, ...] = get_args(Mode)
HUMAN_KINDS = ("email-code",)  # a stored credential alone cannot finish these


@dataclass
class Row:
    case: str
    mode: str
    status: str
    error: str | None
    probe_without: bool
    probe_with: bool
    known_s: float
    finish_s: float

    @property
    def right(self) -> bool:
        return self.status == "SUCCESS" and self.probe_with and not self.probe_without


def cases(kinds: list[str], only: str, folder: Path = SITES) -> list[dict[str, Any]]:
    """The case files of `folder`, one folder down."""
    found = []
    for path in sorted(folder.glob("*/site*.json")):
        case = json.loads(path.read_text())
        case["id"] = f"{path.parent.name}:{path.stem}"
        if case["kind"] in kinds and only in case["id"]:
            found.append(case)
    return found


async def _probe(browser: Browser, case: dict[str, Any], state: Any) -> bool:
    """Whether the case's mark of a signed-in visitor shows up."""
    context = await browser.new_context(storage_state=state)
    try:
        page = await context.new_page()
        probe = case["success_probe"]
        await page.goto(probe["url"])
        mark = page.get_by_text(probe["text"]) if "text" in probe else page.locator(probe["selector"])
        try:
            await mark.first.wait_for(state="visible", timeout=12000 if state else 4000)
        except PlaywrightTimeout:
            return False
        return True
    finally:
        await context.close()


async def _probe_both(case: dict[str, Any], state: Any) -> tuple[bool, bool]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"], headless=True
        )
        try:
            return await _probe(browser, case, None), await _probe(browser, case, state)
        finally:
            await browser.close()


def run_case(
    client: Kernel, case: dict[str, Any], mode: Mode, account: Account, *, outside: dict[str, Any] | None = None
) -> Row:
    """`outside` is a reference to where the values are, for a stored login without a credential of ours."""
    name = f"{case['id']}-{mode}-{uuid.uuid4().hex[:6]}"
    options: dict[str, Any] = {"credential": outside} if outside else {}
    if case.get("idp_domain"):
        options["allowed_domains"] = [case["idp_domain"]]
    if mode == "stored" and outside is None:
        extra = {"totp_secret": case["totp_secret"]} if case.get("totp_secret") else {}
        values = {"username": case["username"], "password": case["password"]}
        if case.get("idp_domain"):
            extra["sso_provider"] = "acme"
        client.credentials.create(name=name, domain=case["domain"], values=values, **extra)
        options["credential"] = {"name": name}
    connection = client.auth.connections.create(
        domain=case["domain"],
        profile_name=name,
        login_url=case["login_url"],
        save_credentials=False,
        **options,
    )
    run = drive(client, connection, account, mode=mode)
    without = with_state = False
    if run.status == "SUCCESS":
        state = json.loads(client.profiles.download(name).read())
        known = {"cookies": state["cookies"], "origins": state["origins"]}
        without, with_state = asyncio.run(_probe_both(case, known))
    error = f"{run.error_code}: {getattr(run.final, 'error_message', '')}" if run.error_code else None
    return Row(
        case=case["id"],
        mode=mode,
        status=run.status,
        error=error,
        probe_without=without,
        probe_with=with_state,
        known_s=round(run.fields_known, 2),
        finish_s=round(run.ended - run.submitted, 2),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default="plain,totp,spa,email-code,sso")
    parser.add_argument("--only", default="")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--cases", type=Path, default=SITES, help="a folder of other applications' cases")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with running() as stack:
        client = stack.client()
        for case in cases(options.kinds.split(","), options.only, options.cases):
            account = Account(
                username=case["username"],
                password=case["password"],
                totp_secret=case.get("totp_secret", ""),
                mail_dir=case.get("mail_dir", ""),
                sso="acme" if case.get("idp_domain") else "",
            )
            for mode in MODES:
                if mode not in options.modes.split(",") or (mode == "stored" and case["kind"] in HUMAN_KINDS):
                    continue
                if mode == "stored" and account.totp_secret:
                    account.code()  # waits for one that no mode has used; the service then makes the same
                row = run_case(client, case, mode, account)
                rows.append(row)
                if not options.json:
                    print(_line(row), flush=True)
    if options.json:
        print(json.dumps([asdict(row) | {"right": row.right} for row in rows], indent=1))
    else:
        print(f"{sum(row.right for row in rows)} of {len(rows)} right")
    return 0 if rows and all(row.right for row in rows) else 1


def _line(row: Row) -> str:
    verdict = "ok " if row.right else "BAD"
    return (
        f"{verdict} {row.case:32} {row.mode:13} {row.status:8} fields {row.known_s:6.2f} s  "
        f"submit→end {row.finish_s:6.2f} s  {row.error or ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
