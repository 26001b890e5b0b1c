"""Starting processes that end when we are killed."""

import shutil


def tied_to_parent() -> tuple[str, ...]:
    """A prefix of a command line that makes it end with the thread that starts it, where the system has one."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()
