"""What children leave behind: browsers and displays whose worker was killed. On Linux they become ours, not init's."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SWEEP_SECONDS = 10.0


def orphans_adopt() -> None:
    """From now on, whatever loses its parent among our descendants gets this process as its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def orphans_end() -> list[int]:
    """Kill every process that is still our child, and what then becomes ours, until there is none. Their ids."""
    ended: list[int] = []
    while pids := [pid for pid, _ in _children()]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        ended += pids
    return ended


async def orphans_bury(known: Callable[[], frozenset[int]]) -> None:
    """Until cancelled: take note of adopted processes that ended, so that they do not stay as zombies. Children
    whose ids are `known` are left to those who started them."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        _bury(known())


def _bury(kept: frozenset[int]) -> None:
    for pid, state in _children():
        if state == "Z" and pid not in kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _children() -> Iterator[tuple[int, str]]:
    """Process id and state letter of each child of this process."""
    if sys.platform != "linux":
        return
    own = os.getpid()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # "pid (name) state ppid …"; the name may hold anything, parentheses too.
            state, parent = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            if int(parent) == own:
                yield int(entry.name), state
