"""A virtual X display of our own, for browsers that must have a window."""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import struct
import tempfile
from pathlib import Path

from flows.engine.errors import BrowserUnavailable
from flows.engine.tether import tied_to_parent

log = logging.getLogger(__name__)

SCREEN = "1920x1080x24"
START_SECONDS = 10.0


def xvfb_path() -> str | None:
    return shutil.which("Xvfb")


def xauthority(cookie: bytes) -> bytes:
    """An authority file with one entry that fits any host and display: numbers are 16 bit, strings counted."""
    name = b"MIT-MAGIC-COOKIE-1"
    wild = struct.pack(">HHH", 0xFFFF, 0, 0)
    return wild + struct.pack(">H", len(name)) + name + struct.pack(">H", len(cookie)) + cookie


class Display:
    """One Xvfb, started on demand, that only holders of its cookie can talk to."""

    def __init__(self, executable: str, *, screen: str = SCREEN) -> None:
        self._executable = executable
        self._screen = screen
        self._process: asyncio.subprocess.Process | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._number = ""
        self._lock = asyncio.Lock()

    async def environment(self) -> dict[str, str]:
        """What a client needs to find the display; starts the server if it is not running."""
        async with self._lock:
            if self._process is None or self._process.returncode is not None:
                await self._start()
        return {"DISPLAY": f":{self._number}", "XAUTHORITY": self._authority()}

    def _authority(self) -> str:
        if self._folder is None:
            raise RuntimeError("the display was not started")
        return str(Path(self._folder.name) / "authority")

    async def _start(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="authsvc-display-")
            with open(self._authority(), "xb") as file:  # noqa: ASYNC230 - some sixty bytes
                file.write(xauthority(secrets.token_bytes(16)))
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_parent(),
                self._executable,
                *("-displayfd", str(writing), "-screen", "0", self._screen, "-nolisten", "tcp", "-noreset"),
                *("-auth", self._authority()),
                pass_fds=(writing,),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        self._number = await _first_line(reading)
        if not self._number.isdigit():
            await self._stop()
            raise BrowserUnavailable("Xvfb did not start")
        log.info("display :%s started", self._number)

    async def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._process = None

    async def close(self) -> None:
        async with self._lock:
            await self._stop()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


async def _first_line(descriptor: int) -> str:
    """The display's number, or "" when none came in time. Closes the descriptor."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        return (await asyncio.wait_for(reader.readline(), START_SECONDS)).decode().strip()
    except TimeoutError:
        return ""
    finally:
        transport.close()
