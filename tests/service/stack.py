"""The whole service as a user starts it: `manage.py up` on a data directory of its own."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from kernel import Kernel

from tests.service.places import database_of_its_own, redis_of_its_own

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
CHROMIUM = ("chrom", "headless")  # what its programs are called
STOP_SECONDS = 30
READY = "authsvc is ready."  # the last thing that `up` says before it serves
# The suite's own settings must not reach a service that makes its own.
OWN = ("AUTHSVC_SECRET_KEY", "AUTHSVC_KEK", "AUTHSVC_KEK_FILE", "AUTHSVC_DATA_DIR", "DJANGO_SETTINGS_MODULE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Stack:
    """A running service. `log` holds everything its processes printed."""

    port: int
    api_key: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"
    log_path: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def demo_url(self) -> str:
        """Where the bundled demo site listens; only when it was not switched off."""
        found = re.search(r"^\s*Demo\s+(http://[^/\s]+)", self.log, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"up named no demo site:\n{self.log[-2000:]}")
        return found[1]

    def client(self, **options: Any) -> Kernel:
        """The unmodified SDK, with only address and key of its own."""
        return Kernel(api_key=self.api_key, base_url=self.url, **options)

    def children(self) -> dict[int, str]:
        """Process id -> command line of everything in the service's process group and below."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.data_dir).encode() in environment:
                found[int(entry.name)] = command
        return found

    def below(self, *programs: str) -> dict[psutil.Process, list[str]]:
        """Every living process that descends from the service, Chromium too (it starts without our environment), and
        the words of its command line; only those with one of `programs` in the first word when any are named."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # it ended meanwhile
                words = process.cmdline()
                if not programs or (words and any(program in words[0] for program in programs)):
                    found[process] = words
        return found

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@contextmanager
def running(*, arguments: tuple[str, ...] = ("--no-demo",), env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start the service, wait until it is ready, stop it at the end."""
    with ExitStack() as places:
        own = places.enter_context(database_of_its_own()) | places.enter_context(redis_of_its_own())
        with _running(arguments=arguments, env={**own, **(env or {})}) as stack:
            yield stack


@contextmanager
def _running(*, arguments: tuple[str, ...], env: Mapping[str, str]) -> Iterator[Stack]:
    port = free_port()
    data_dir = Path(tempfile.mkdtemp(prefix="authsvc-stack-"))
    api_key = f"sk_test_{secrets.token_urlsafe(32)}"
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    environment = {
        **inherited,
        "AUTHSVC_DATA_DIR": str(data_dir),
        "AUTHSVC_BOOTSTRAP_API_KEY": api_key,
        **env,
    }
    log_path = data_dir.with_suffix(".log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stack = Stack(port=port, api_key=api_key, data_dir=data_dir, process=process, log_path=log_path, env=environment)
    try:
        _wait_ready(stack)
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


def _wait_ready(stack: Stack) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if stack.process.poll() is not None:
            raise RuntimeError(f"up ended with {stack.process.returncode}:\n{stack.log[-4000:]}")
        if READY in stack.log:
            return
        time.sleep(0.1)  # a starting process offers nothing to wait on but its port
    raise RuntimeError(f"not ready after {START_SECONDS} s:\n{stack.log[-4000:]}")
