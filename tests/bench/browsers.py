"""What a browser session costs: start, memory, the way through the proxy, and how many one machine holds.

    uv run python -m tests.bench.browsers [--rounds 5] [--most 6] [--json]

Start: `browsers.create` until a driver has its first page, against the same Chromium started by hand with a port and
the same flags. Round trip: `Browser.getVersion` through `cdp_ws_url`, and straight to that port. Memory: PSS of all
processes of one browser. Delete: `browsers.delete_by_id`, with nothing to save. Holds: sessions opened one after
another until one is refused or `--most` are there.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from kernel import APIStatusError, Kernel
from websockets.asyncio.client import connect

from authsvc.demo.accounts import ACCOUNTS
from flows.engine import chromium
from flows.engine.own_browser import FOLDER
from tests.service.driving import Account, drive
from tests.service.stack import Stack, running

ADA = ACCOUNTS["ada@demo.test"]
PINGS = 300
STEADY = 0.02  # of the memory: less than this is no change


async def pings(url: str, headers: dict[str, str] | None = None) -> list[float]:
    """Milliseconds of each round trip."""
    times = []
    async with connect(url, additional_headers=headers, compression=None, max_size=None) as socket:
        for number in range(PINGS):
            start = time.perf_counter()
            await socket.send(json.dumps({"id": number, "method": "Browser.getVersion"}))
            await socket.recv()
            times.append((time.perf_counter() - start) * 1000)
    return times


async def first_page(url: str) -> None:
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        await socket.recv()


async def by_hand(work: Callable[[str, psutil.Process], Awaitable[Any]]) -> tuple[float, Any]:
    """Seconds until a plain headless Chromium has its first page, and what `work` gives of it."""
    launch = chromium.own_launch(
        headless=True,
        stealth=False,
        kiosk=False,
        size=(1920, 1080),
        locale="en-US",
        full=chromium.chromium_path(),
        headless_shell=chromium.headless_shell_path(),
        display=False,
    )
    if launch is None or launch.executable is None:
        raise SystemExit("no Chromium was found")
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp))
    flags = [flag for flag in launch.args if flag != "--remote-debugging-pipe"]
    flags += ["--remote-debugging-port=0", f"--user-data-dir={folder}"]
    start = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        launch.executable,
        *flags,
        *(("--no-sandbox",) if os.geteuid() == 0 else ()),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        url = ""
        while process.stderr and not url:
            line = (await process.stderr.readline()).decode()
            url = line.partition("listening on ")[2].strip()
        await first_page(url)
        took = time.perf_counter() - start
        return took, await work(url, psutil.Process(process.pid))
    finally:
        os.killpg(process.pid, 9)
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def started(client: Kernel, **options: Any) -> tuple[float, Any]:
    begin = time.perf_counter()
    session = client.browsers.create(timeout_seconds=600, **options)
    asyncio.run(first_page(session.cdp_ws_url))
    return time.perf_counter() - begin, session


def memory_mb(roots: Iterable[psutil.Process]) -> float:
    """PSS of these processes and everything below them, once it hardly changes any more."""
    chosen, last = list(roots), 0.0
    while True:
        total = _memory_mb(chosen)
        if abs(total - last) < total * STEADY:
            return total
        last = total
        time.sleep(0.3)  # memory tells nobody that it has settled


def _memory_mb(roots: Iterable[psutil.Process]) -> float:
    every: set[psutil.Process] = set()
    for root in roots:
        with suppress(psutil.Error):
            every |= {root, *root.children(recursive=True)}
    total = 0
    for process in every:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def browsers_of(stack: Stack) -> list[psutil.Process]:
    """The first process of each caller's browser."""
    found = []
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            command = process.cmdline()
            if any(FOLDER in word for word in command) and not any(word.startswith("--type=") for word in command):
                found.append(process)
    return found


def measured(stack: Stack, arguments: argparse.Namespace) -> dict[str, Any]:
    client = stack.client(max_retries=0, timeout=180)
    domain = stack.demo_url.removeprefix("http://")
    connection = client.auth.connections.create(
        domain=domain, login_url=f"{stack.demo_url}/login", profile_name="bench", health_checks=False
    )
    drive(client, connection, Account(ADA.email, ADA.password), mode="programmatic")
    kinds = ("by hand s", "blank s", "profile s", "delete s", "direct ms", "through ms", "by hand MB", "session MB")
    figures: dict[str, list[float]] = {name: [] for name in kinds}

    async def plain(url: str, process: psutil.Process) -> list[float]:
        figures["by hand MB"].append(memory_mb([process]))
        return await pings(url)

    for number in range(arguments.rounds):
        took, times = asyncio.run(by_hand(plain))
        figures["by hand s"].append(took)
        figures["direct ms"] += times
        for name, options in (("blank s", {}), ("profile s", {"profile": {"name": "bench"}})):
            took, session = started(client, headless=True, **options)
            figures[name].append(took)
            figures["session MB"].append(memory_mb(browsers_of(stack)))
            figures["through ms"] += asyncio.run(pings(session.cdp_ws_url))
            begin = time.perf_counter()
            client.browsers.delete_by_id(session.session_id)
            figures["delete s"].append(time.perf_counter() - begin)
        last = ", ".join(f"{name} {values[-1]:.3f}" for name, values in figures.items())
        tell(f"round {number + 1} of {arguments.rounds}: {last}")
    result: dict[str, Any] = {name: round(statistics.median(values), 3) for name, values in figures.items()}
    return result | held(stack, client, most=arguments.most)


def held(stack: Stack, client: Kernel, *, most: int) -> dict[str, Any]:
    """How many sessions there were at the same time, what all of them took, and how the next one was refused."""
    result: dict[str, Any] = {}
    sessions: list[str] = []
    try:
        while len(sessions) < most:
            begin = time.perf_counter()
            sessions.append(client.browsers.create(headless=True, timeout_seconds=600).session_id)
            took, memory = time.perf_counter() - begin, memory_mb(browsers_of(stack))
            tell(f"held {len(sessions)}: started in {took:.2f} s, {memory:.0f} MB in all")
    except APIStatusError as error:
        result["refused"] = error.status_code
        tell(f"refused: {error.status_code}")
    result |= {"held": len(sessions), "held MB": round(memory_mb(browsers_of(stack)))}
    for session_id in sessions:
        client.browsers.delete_by_id(session_id)
    return result


def tell(text: str) -> None:
    """How far it is, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    room = {"AUTHSVC_BROWSERS_PER_WORKER": str(max(arguments.most, 1))}
    with running(arguments=(), env=room) as stack:
        result = measured(stack, arguments)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:12} {value}")


if __name__ == "__main__":
    main()
