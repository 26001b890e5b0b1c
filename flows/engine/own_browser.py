"""A Chromium of its own for one caller: own process, own folder, own display, own way out (R30, R32)."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flows.engine import chromium
from flows.engine.allowed_hosts import AllowedHosts
from flows.engine.browsers import BrowserOptions
from flows.engine.cdp_rules import target_allowed
from flows.engine.display import Display, xvfb_path
from flows.engine.egress import Egress, Upstream
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.engine.guard import Guard
from flows.engine.origins import origin_of
from flows.engine.own_passkeys import OwnPasskeys
from flows.engine.pipe import MESSAGE_LIMIT, Pipe
from flows.engine.tether import tied_to_parent

log = logging.getLogger(__name__)

START_SECONDS = 30.0
STOP_SECONDS = 5.0
ORIGINS_MOST = 500
FOLDER = "authsvc-browser"
# Chromium takes its pipe as descriptors 3 and 4.
TO_PIPE = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
PREFERENCES: Mapping[str, Any] = {
    "credentials_enable_service": False,
    "profile": {"password_manager_enabled": False, "exit_type": "Normal"},
    "autofill": {"profile_enabled": False, "credit_card_enabled": False},
    "translate": {"enabled": False},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSettings:
    """How the browser is to be. `size` is its window's."""

    headless: bool = False
    stealth: bool = False
    kiosk: bool = False
    size: tuple[int, int] = (1920, 1080)
    locale: str = "en-US"
    timezone: str | None = None
    upstream: Upstream | None = None
    allowed: AllowedHosts | None = None


class OwnBrowser:
    """A running browser. `pipe.closed` is set when it ended; `close` must be called whatever happened."""

    def __init__(
        self, *, process: asyncio.subprocess.Process, pipe: Pipe, egress: Egress, display: Display | None, folder: Path
    ) -> None:
        self.process = process
        self.pipe = pipe
        self.egress = egress
        self.origins: set[str] = set()  # of every page and frame that was shown
        self.pages: dict[str, str] = {}  # targets and their addresses, the one last opened or sent somewhere last
        self._display = display
        self._folder = folder
        self.passkeys = OwnPasskeys(pipe)
        pipe.event = self._note

    async def watch(self) -> None:
        """From now on, take note of what is visited, and have passkeys. Raises `BrowserLost`."""
        await self.pipe.call("Target.setDiscoverTargets", {"discover": True})
        await self.passkeys.begin()

    async def open(self, url: str) -> None:
        """Show `url` in the first page, without waiting for it. Raises `BrowserLost`."""
        page = await self._page()
        session = await self.pipe.attach(page, lambda method, params: None)
        try:
            await self.pipe.send({"id": 1, "method": "Page.navigate", "params": {"url": url}, "sessionId": session})
            await self.pipe.call("Target.getTargetInfo", {"targetId": page})  # so that the command is not cut off
        finally:
            await self.pipe.detach(session)

    async def resize(self, width: int, height: int) -> None:
        """Raises `BrowserLost`, also when this browser has no windows."""
        found = await self.pipe.call("Browser.getWindowForTarget", {"targetId": await self._page()})
        window = found["windowId"]
        if found["bounds"].get("windowState", "normal") != "normal":
            await self.pipe.call("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": "normal"}})
        bounds = {"width": width, "height": height}
        await self.pipe.call("Browser.setWindowBounds", {"windowId": window, "bounds": bounds})

    async def _page(self) -> str:
        targets = (await self.pipe.call("Target.getTargets"))["targetInfos"]
        pages = [target["targetId"] for target in targets if target["type"] == "page"]
        if pages:
            return str(pages[-1])
        return str((await self.pipe.call("Target.createTarget", {"url": "about:blank"}))["targetId"])

    async def close(self) -> None:
        """End the process with all its children and remove what it wrote. Never raises, never waits long."""
        if not self.pipe.closed.is_set():
            with contextlib.suppress(BrowserLost, OSError, TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.pipe.call("Browser.close")
                    await self.process.wait()
        await self.passkeys.close()
        await self.pipe.close()
        _group_kill(self.process)
        await self.process.wait()
        await self.egress.close()
        if self._display is not None:
            await self._display.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _note(self, method: str, params: Mapping[str, Any]) -> None:
        self._note_page(method, params)
        if method in ("Target.targetCreated", "Target.targetInfoChanged") and len(self.origins) < ORIGINS_MOST:
            origin = origin_of(params["targetInfo"].get("url", ""))
            if origin is not None:
                self.origins.add(str(origin))

    def _note_page(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Target.targetDestroyed":
            self.pages.pop(params["targetId"], None)
        elif method in ("Target.targetCreated", "Target.targetInfoChanged"):
            info = params["targetInfo"]
            target, url = info["targetId"], info.get("url", "")
            if info["type"] == "page" and target_allowed(info) and self.pages.get(target) != url:
                self.pages.pop(target, None)
                self.pages[target] = url


async def own_browser_start(settings: OwnSettings, options: BrowserOptions) -> OwnBrowser:
    """Raises `BrowserUnavailable`."""
    xvfb = None if settings.headless else xvfb_path()
    launch = chromium.own_launch(
        headless=settings.headless,
        stealth=settings.stealth,
        kiosk=settings.kiosk,
        size=settings.size,
        locale=settings.locale,
        full=chromium.chromium_path(options.chromium_path),
        headless_shell=chromium.headless_shell_path(options.headless_shell_path),
        display=xvfb is not None,
    )
    if launch is None or launch.executable is None:
        raise BrowserUnavailable("no Chromium was found; install one or set its path")
    async with contextlib.AsyncExitStack() as undo:
        egress = Egress(Guard(options.ssrf_allow), settings.upstream, allowed=settings.allowed)
        await egress.start()
        undo.push_async_callback(egress.close)
        extra = {"TZ": settings.timezone} if settings.timezone else {}
        display = None
        if launch.mode is chromium.Mode.HEADFUL and xvfb is not None:
            # One of its own: whoever shares a display shares its clipboard.
            display = Display(xvfb, screen=f"{settings.size[0]}x{settings.size[1]}x24")
            undo.push_async_callback(display.close)
            extra |= await display.environment()
        folder = await asyncio.to_thread(_folder_make)
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        args = [*launch.args, *await _user_agent(launch), *_sandbox(options), f"--user-data-dir={folder}"]
        args += [f"--proxy-server={egress.url}", "--proxy-bypass-list=<-loopback>", "about:blank"]
        process = await _spawn(launch.executable, args, env=chromium.environment(extra))
        undo.callback(_group_kill, process)
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the browser has no pipe")
        pipe = Pipe(process.stdout, process.stdin)
        browser = OwnBrowser(process=process, pipe=pipe, egress=egress, display=display, folder=folder)
        try:
            async with asyncio.timeout(START_SECONDS):
                version = await pipe.call("Browser.getVersion")
                await browser.watch()
        except (BrowserLost, TimeoutError):
            await pipe.close()
            log.error("Chromium did not start")
            raise BrowserUnavailable("Chromium did not start") from None
        log.info("a browser of its own started: %s (%s)", version.get("product", "?"), launch.mode)
        undo.pop_all()
        return browser


async def _spawn(executable: str, args: list[str], *, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *tied_to_parent(),
        *("/bin/sh", "-c", TO_PIPE, "sh", executable, *args),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MESSAGE_LIMIT,
        env=env,
        start_new_session=True,
    )


def _sandbox(options: BrowserOptions) -> tuple[str, ...]:
    return () if options.sandbox else ("--no-sandbox", "--test-type")  # the latter hides a bar that warns of the former


async def _user_agent(launch: chromium.Launch) -> tuple[str, ...]:
    """Without a window Chromium says so in its name; a browser that is not to be recognised must not."""
    if launch.mode is not chromium.Mode.HIDDEN or launch.executable is None:
        return ()
    version = await _version(launch.executable)
    return (f"--user-agent={chromium.plain_user_agent(version)}",) if version else ()


async def _version(executable: str) -> str:
    if executable not in _versions():
        process = await asyncio.create_subprocess_exec(
            executable, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        said, _ = await process.communicate()
        _versions()[executable] = next((word for word in said.decode().split() if word[:1].isdigit()), "")
    return _versions()[executable]


@cache
def _versions() -> dict[str, str]:
    """By executable: asking takes as long as half a start."""
    return {}


def _group_kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _folder_make() -> Path:
    """Only ours to read; its name says whose it is, so that `folders_sweep` finds what a killed worker left."""
    pid = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-{pid}-{_began(pid)}-"))
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(json.dumps(PREFERENCES))
    return folder


def folders_sweep() -> int:
    """Remove the folders of workers that are gone; gives how many there were."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}-*-*-*"):
        pid, began = folder.name.removeprefix(FOLDER + "-").split("-")[:2]
        if pid.isdigit() and folder.stat().st_uid == os.getuid() and _began(int(pid)) != began:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _began(pid: int) -> str:
    """When the process started, in the kernel's ticks; numbers of processes come again, this does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except OSError:
        return "gone"
