"""The examples for a browser from a profile, each run as its users run it: Playwright, Puppeteer and browser-use.

    uv run python -m tests.bench.clients [--only puppeteer]

Puppeteer comes from npm and browser-use from PyPI, each into a temporary folder. Every program has to find the demo
site signed in.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import Account, drive
from tests.service.stack import Stack, running

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
ADA = ACCOUNTS["ada@demo.test"]
PROFILE = "clients"
NPM = ("@onkernel/sdk@0.84.0", "puppeteer-core@24.43.1")
PYPI = ("browser-use==0.13.14", "kernel==0.121.0")  # the newest SDK that agrees with it on anyio
LIMIT_SECONDS = 600


def playwright(folder: Path) -> tuple[str, ...]:
    return (sys.executable, str(EXAMPLES / "browser.py"))


def puppeteer(folder: Path) -> tuple[str, ...]:
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
    shutil.copy(EXAMPLES / "browser.mjs", folder)
    install = ("npm", "install", "--no-audit", "--no-fund", "--silent", *NPM)
    subprocess.run(install, cwd=folder, check=True, timeout=LIMIT_SECONDS)
    return ("node", "browser.mjs")


def browser_use(folder: Path) -> tuple[str, ...]:
    with_packages = [word for package in PYPI for word in ("--with", package)]
    return ("uv", "run", "--quiet", "--no-project", *with_packages, "python", str(EXAMPLES / "browser_agent.py"))


CLIENTS = {"playwright": playwright, "puppeteer": puppeteer, "browser-use": browser_use}


def signed_in(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    connection = client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        login_url=f"{stack.demo_url}/login",
        profile_name=PROFILE,
        health_checks=False,
    )
    if drive(client, connection, Account(ADA.email, ADA.password), mode="programmatic").status != "SUCCESS":
        raise RuntimeError("the demo site was not signed in")


def one(stack: Stack, name: str) -> bool:
    """Whether the program found the site signed in; prints how it went."""
    given = {"KERNEL_BASE_URL": stack.url, "KERNEL_API_KEY": stack.api_key, "DEMO_URL": stack.demo_url}
    with tempfile.TemporaryDirectory() as folder:
        command = CLIENTS[name](Path(folder))
        start = time.perf_counter()
        done = subprocess.run(
            (*command, PROFILE),
            cwd=folder,
            env=os.environ | given | {"ANONYMIZED_TELEMETRY": "false"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    right = done.returncode == 0 and f"Welcome back, {ADA.name}" in done.stdout
    print(f"{name:12} {'signed in' if right else 'WRONG':10} {time.perf_counter() - start:6.1f} s", flush=True)
    if not right:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CLIENTS)
    arguments = parser.parse_args()
    with running(arguments=()) as stack:
        signed_in(stack)
        results = [one(stack, name) for name in CLIENTS if arguments.only in (None, name)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
