"""What a process with keys in its memory does for itself."""

import ctypes
import sys

PR_SET_DUMPABLE = 4


def memory_close() -> None:
    """Keep other processes of the same user, browsers among them, from reading our environment and memory."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
