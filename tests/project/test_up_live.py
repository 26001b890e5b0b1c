"""`up` as a newcomer runs it: on an empty directory, in its own processes, looked at with a real browser."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Request, async_playwright

from flows.engine.chromium import headless_shell_path
from tests.project.processes import descendants, process_words, still_runs

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
STOP_SECONDS = 30
OURS = ("AUTHSVC_", "DATABASE_URL", "REDIS_URL", "CELERY_", "DJANGO_")
API_KEY = "sk_" + "k" * 40


@dataclass
class Up:
    """A running `up` and what it said."""

    process: Process
    url: str
    folder: Path
    said: list[str] = field(default_factory=list)

    async def hear(self, wanted: str) -> None:
        """Read on until a line has this in it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, "it ended:\n" + "".join(self.said)
                self.said.append(line)
                if wanted in line:
                    return

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.finish(within=STOP_SECONDS)

    async def finish(self, *, within: float = START_SECONDS) -> None:
        """Wait until it ends by itself."""
        async with asyncio.timeout(within):
            output, _ = await self.process.communicate()
        self.said += output.decode().splitlines(keepends=True)


def environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return clean | {"AUTHSVC_DATA_DIR": str(folder), "AUTHSVC_BOOTSTRAP_API_KEY": API_KEY}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


async def up_start(folder: Path, *arguments: str, port: int) -> Up:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *arguments),
        env=environment(folder),
        cwd=folder.parent,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    return Up(process=process, url=f"http://127.0.0.1:{port}", folder=folder)


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    up = await up_start(tmp_path / "data", port=free_port())
    try:
        await up.hear("authsvc is ready.")
        await up.hear("Stop with Ctrl-C.")
        yield up
    finally:
        await up.stop()


async def test_up_serves_survives_and_leaves_nothing(up):
    """One start for all of it: a start takes seconds."""
    async with httpx.AsyncClient(base_url=up.url, headers={"Authorization": f"Bearer {API_KEY}"}) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        assert (await client.get("/credentials")).json() == []
        assert (await client.get("/credentials", headers={"Authorization": "Bearer x"})).status_code == 401
    await pages_are_clean(up)

    second = await up_start(up.folder, port=free_port())
    await second.finish()
    assert second.process.returncode == 1
    assert f"another `up` runs on {up.folder} (process {up.process.pid}" in "".join(second.said)

    (worker,) = [pid for pid in descendants(up.process.pid) if "celery -A authsvc --quiet worker" in process_words(pid)]
    os.kill(worker, signal.SIGKILL)
    await up.hear("worker  | ended by signal 9; starting again in 0.5 s")

    family = descendants(up.process.pid)
    assert family
    for pid in family:
        assert API_KEY not in process_words(pid)
    await up.stop()
    assert up.process.returncode == 0
    assert up.said[-1] == "Stopped.\n"
    assert [process_words(pid) for pid in family if await still_runs(pid)] == []


async def pages_are_clean(up: Up) -> None:
    """The reference and the admin work under the site's policy and ask nobody else for anything."""
    complaints: list[str] = []
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((up.url, "data:")):
            elsewhere.append(request.url)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=headless_shell_path())
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", note)
        await page.goto(f"{up.url}/docs")
        await page.locator(".opblock-summary-control", has_text="/auth/connections").first.click()
        await page.locator(".opblock-body").first.wait_for()
        await page.goto(f"{up.url}/admin/")
        await page.get_by_label("Username").fill("admin")
        await page.get_by_label("Password").fill(admin_password(up))
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("heading", name="Site administration").wait_for()
        await browser.close()
    assert complaints == []
    assert elsewhere == []


def admin_password(up: Up) -> str:
    (line,) = [line for line in up.said if "user admin, password" in line]
    return line.rpartition("password ")[2].strip().rstrip(")")


async def test_up_works_in_one_process(tmp_path):
    up = await up_start(tmp_path / "data", "--no-demo", "--single-process", port=free_port())
    try:
        await up.hear("authsvc is ready.")
        async with httpx.AsyncClient(base_url=up.url) as client:
            assert (await client.get("/readyz")).status_code == 200
        family = descendants(up.process.pid)
    finally:
        await up.stop()
    assert [process_words(pid) for pid in family if await still_runs(pid)] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


async def test_up_says_that_its_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        up = await up_start(tmp_path / "data", port=port)
        await up.finish()
    assert up.process.returncode == 1
    assert f"port {port} on 127.0.0.1 is not free" in "".join(up.said)
