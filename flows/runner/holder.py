"""Who holds a flow or a browser, in a form that tells a later process on the same machine whether that one is dead.

A name says host, process, place and incarnation. The place is this boot of this machine and this process namespace:
only within it does a process id mean anything."""

import hashlib
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

HOST_CHARS = 32
BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")


def holder_name() -> str:
    """Another one at each call; at most 80 characters."""
    return f"{socket.gethostname()[:HOST_CHARS]}:{os.getpid()}:{_place()}:{secrets.token_hex(4)}"


def holders_dead(holders: Iterable[str], *, mine: str) -> list[str]:
    """Those of these names whose process was here and is gone. What cannot be told is left out."""
    return [holder for holder in holders if holder != mine and _is_dead(holder)]


def _is_dead(holder: str) -> bool:
    parts = holder.rsplit(":", 3)
    if len(parts) != 4 or not parts[1].isdigit() or not parts[2] or parts[2] != _place():
        return False
    pid = int(parts[1])
    if pid == os.getpid():  # ids are used again, in containers at once
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _place() -> str:
    """Empty where the system does not say; then nobody is ever taken for dead."""
    with suppress(OSError):
        said = f"{BOOT.read_text()}{os.readlink(NAMESPACE)}{socket.gethostname()}"
        return hashlib.sha256(said.encode()).hexdigest()[:12]
    return ""
