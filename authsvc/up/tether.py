"""Starts a program that dies with its parent: `python -I -S tether.py PARENT_PID PROGRAM ARGUMENT…`.

Run by path and before anything is imported, so that it costs a few milliseconds. On systems without
`PR_SET_PDEATHSIG` the program simply starts.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died while we were starting
            sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - what the supervisor composed


if __name__ == "__main__":
    main()
