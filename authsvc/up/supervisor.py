"""Keeps child processes alive: starts them, prefixes what they say, starts them again when they end, and stops them
all within seconds. Nothing that they started outlives it."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep. On the way down it gets SIGTERM, and SIGKILL `stop_seconds` later."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    stop_seconds: float = 5.0
    cwd: Path | None = None


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before another start: doubled each time, back to `first` after `steady` seconds alive."""

    first: float = 0.5
    most: float = 30.0
    steady: float = 30.0

    def after(self, waited: float, *, lived: float) -> float:
        if lived >= self.steady or waited == 0:
            return self.first
        return min(waited * 2, self.most)


class Supervisor:
    """Runs children on the current loop. `write(name, line)` takes everything they and the supervisor say."""

    def __init__(self, *, write: Callable[[str, str], None], backoff: Backoff | None = None) -> None:
        self._write = write
        self._backoff = backoff or Backoff()
        self._stopping = asyncio.Event()
        self._processes: dict[str, Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._children: dict[str, Child] = {}

    def start(self, child: Child) -> None:
        """Keep `child` running from now on."""
        self._children[child.name] = child
        self._tasks[child.name] = asyncio.create_task(self._keep(child), name=f"keep {child.name}")

    def pid(self, name: str) -> int | None:
        """The process that runs under this name now."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.returncode is None else None

    @property
    def pids(self) -> frozenset[int]:
        """Every process that a name runs under now."""
        return frozenset(pid for name in self._children if (pid := self.pid(name)) is not None)

    async def stop(self, *, last: Sequence[str] = ()) -> None:
        """End every child, those named in `last` after the others."""
        self._stopping.set()
        await asyncio.gather(*(self._end(name) for name in self._tasks if name not in last))
        await asyncio.gather(*(self._end(name) for name in self._tasks if name in last))
        await asyncio.gather(*self._tasks.values())

    async def _keep(self, child: Child) -> None:
        waited = 0.0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            begun = loop.time()
            said = await self._run_once(child)
            if self._stopping.is_set():
                return
            waited = self._backoff.after(waited, lived=loop.time() - begun)
            self._write(child.name, f"{said}; starting again in {waited:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), waited)

    async def _run_once(self, child: Child) -> str:
        """Run until the process ends; what is to be said about that."""
        argv = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *child.argv]
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(child.env),
            cwd=child.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            process_group=0,
            limit=LINE_LIMIT,
        )
        self._processes[child.name] = process
        if self._stopping.is_set():  # stopped while it was being made
            process.terminate()
        await self._pump(child, process)
        code = await process.wait()
        _signal_group(process.pid, signal.SIGKILL)  # its own children, where they are still in its group
        return f"ended by signal {-code}" if code < 0 else f"ended ({code})"

    async def _pump(self, child: Child, process: Process) -> None:
        """Pass on lines until the process ends, even if something it started still holds the pipe."""
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        ended = asyncio.create_task(process.wait())
        try:
            while True:
                line = asyncio.create_task(_line(process.stdout))
                await asyncio.wait({line, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    return
                text = line.result()
                if not text:
                    return
                self._write(child.name, text.decode("utf-8", "replace").rstrip())
        finally:
            ended.cancel()

    async def _end(self, name: str) -> None:
        process = self._processes.get(name)
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._children[name].stop_seconds)
        except TimeoutError:
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line; one that is too long comes in pieces."""
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.readexactly(error.consumed)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
