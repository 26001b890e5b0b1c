"""Real processes: they are kept alive, heard, stopped within seconds, and leave nothing behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from authsvc.up.supervisor import Backoff, Child, Supervisor
from tests.project.processes import still_runs

ENV = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
SECONDS = 20


class Ear:
    """Collects what is said and lets a test wait for a line."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._more = asyncio.Condition()
        self._pending: set[asyncio.Task[None]] = set()

    def write(self, name: str, text: str) -> None:
        self.lines.append((name, text))
        task = asyncio.create_task(self._announce())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _announce(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def hear(self, wanted: Callable[[str], bool], *, times: int = 1) -> list[str]:
        async with asyncio.timeout(SECONDS), self._more:
            await self._more.wait_for(lambda: sum(wanted(text) for _, text in self.lines) >= times)
        return [text for _, text in self.lines if wanted(text)]


def child(code: str, *, name: str = "child", stop_seconds: float = 5.0) -> Child:
    return Child(name=name, argv=(sys.executable, "-c", code), env=ENV, stop_seconds=stop_seconds)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def supervisor(ear: Ear) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(write=ear.write, backoff=Backoff(first=0.01, most=0.05))
    yield supervisor
    await supervisor.stop()


def test_backoff_doubles_up_to_its_most_and_forgets_after_a_steady_life():
    backoff = Backoff(first=1, most=5, steady=30)
    waits = [0.0]
    for _ in range(5):
        waits.append(backoff.after(waits[-1], lived=0))
    assert waits[1:] == [1, 2, 4, 5, 5]
    assert backoff.after(5, lived=30) == 1


async def test_a_child_that_ends_is_started_again(supervisor, ear):
    supervisor.start(child("import os; print('pid', os.getpid()); raise SystemExit(3)"))
    pids = await ear.hear(lambda text: text.startswith("pid"), times=3)
    assert len(set(pids)) == len(pids)
    assert any("ended (3); starting again in 0.01 s" in text for _, text in ear.lines)


async def test_a_child_that_is_killed_is_started_again(supervisor, ear):
    supervisor.start(child("import os, time; print('pid', os.getpid()); time.sleep(600)"))
    (first,) = await ear.hear(lambda text: text.startswith("pid"))
    os.kill(int(first.split()[1]), signal.SIGKILL)
    await ear.hear(lambda text: "ended by signal 9" in text)
    await ear.hear(lambda text: text.startswith("pid"), times=2)


async def test_stop_lets_a_child_finish(supervisor, ear):
    supervisor.start(
        child(
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *a: (print('tidied up'), sys.exit(0)))\n"
            "print('up'); time.sleep(600)"
        )
    )
    await ear.hear(lambda text: text == "up")
    await supervisor.stop()
    assert ("child", "tidied up") in ear.lines
    assert supervisor.pid("child") is None


async def test_stop_kills_a_child_that_does_not_listen_and_its_own_children(supervisor, ear):
    supervisor.start(
        child(
            "import signal, subprocess, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            "print('grandchild', p.pid); time.sleep(600)",
            stop_seconds=0.2,
        )
    )
    (line,) = await ear.hear(lambda text: text.startswith("grandchild"))
    await supervisor.stop()
    assert supervisor.pid("child") is None
    assert not await still_runs(int(line.split()[1]))


async def test_stop_ends_the_named_last_after_the_others(supervisor, ear):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (print('bye'), sys.exit(0)))\n"
        "print('up'); time.sleep(600)"
    )
    supervisor.start(child(code, name="store"))
    supervisor.start(child(code, name="user"))
    await ear.hear(lambda text: text == "up", times=2)
    await supervisor.stop(last=["store"])
    assert [name for name, text in ear.lines if text == "bye"] == ["user", "store"]


async def test_stop_does_not_wait_for_the_backoff(ear):
    supervisor = Supervisor(write=ear.write, backoff=Backoff(first=600, most=600))
    supervisor.start(child("raise SystemExit(1)"))
    await ear.hear(lambda text: "starting again in 600 s" in text)
    await asyncio.wait_for(supervisor.stop(), SECONDS)


async def test_a_program_that_is_not_there_is_said(supervisor, ear):
    supervisor.start(Child(name="child", argv=("/nonexistent/program",), env=ENV))
    await ear.hear(lambda text: "ended (1)" in text)
    await ear.hear(lambda text: "FileNotFoundError" in text)


async def test_long_lines_arrive(supervisor, ear):
    supervisor.start(child("print('x' * 3_000_000); import time; time.sleep(600)"))
    await ear.hear(lambda text: text.startswith("xxx"), times=2)


PARENT = """
import asyncio, os, sys
from authsvc.up.supervisor import Child, Supervisor
async def main():
    supervisor = Supervisor(write=lambda name, text: print(text, flush=True))
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    supervisor.start(Child(name="child", argv=(sys.executable, "-c", code), env=dict(os.environ)))
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_children_die_with_a_supervisor_that_is_killed():
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), SECONDS))
    parent.kill()
    await parent.wait()
    assert not await still_runs(pid)


ADOPTER = """
import os, signal, subprocess, sys
from authsvc.up.orphans import orphans_adopt, orphans_end
orphans_adopt()
code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], " \\
       "start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
orphan = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
os.kill(orphan, 0)
print(orphan in orphans_end())
try:
    os.kill(orphan, 0)
except ProcessLookupError:
    print("gone")
"""


async def test_orphans_are_adopted_and_ended():
    adopter = await asyncio.create_subprocess_exec(sys.executable, "-c", ADOPTER, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(adopter.communicate(), SECONDS)
    assert output.split() == [b"True", b"gone"]
