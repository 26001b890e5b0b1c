"""Who sits at the machine: how the audit log names the person who runs a command."""

import getpass


def operator_name() -> str:
    """`operator:<login name>`; a user without a name (in a container) is `operator:unknown`."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):
        return "operator:unknown"
