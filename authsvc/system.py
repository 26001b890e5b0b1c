"""The programs outside Python that a browser needs, found or installed. Runs before Django does.

`python -m authsvc.system` installs what is missing (as root on Debian and its kin) or says the one command.
"""

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.engine.chromium import chromium_path, headless_shell_path

DRIVER_FOLDERS = ("/usr/lib/*/dri/*_dri.so", "/usr/lib*/dri/*_dri.so", "/usr/lib/*/libgallium*.so")


@dataclass(frozen=True, slots=True)
class Need:
    """One Debian package, and how to tell that what it brings is there. Without a `must` one goes on, less well."""

    package: str
    present: Callable[[], bool]
    must: bool
    purpose: str


def _has_chromium() -> bool:
    return chromium_path(os.environ.get("AUTHSVC_CHROMIUM_PATH", "")) is not None


def _has_headless_shell() -> bool:
    return headless_shell_path(os.environ.get("AUTHSVC_HEADLESS_SHELL_PATH", "")) is not None


def _has_xvfb() -> bool:
    return shutil.which("Xvfb") is not None


def _has_egl() -> bool:
    return ctypes.util.find_library("EGL") is not None


def _has_mesa() -> bool:
    return any(next(Path("/").glob(pattern.lstrip("/")), None) for pattern in DRIVER_FOLDERS)


NEEDS = (
    Need("chromium", _has_chromium, True, "the browser that logs in"),
    Need("chromium-headless-shell", _has_headless_shell, False, "faster logins without stealth"),
    Need("xvfb", _has_xvfb, False, "a display for stealth; without one sites tell the browser more easily"),
    Need("libegl1", _has_egl, False, "graphics of an ordinary desktop"),
    Need("libgl1-mesa-dri", _has_mesa, False, "graphics of an ordinary desktop"),
)


def needs_missing(needs: Sequence[Need] = NEEDS) -> tuple[Need, ...]:
    """What is not on this machine."""
    return tuple(need for need in needs if not need.present())


def install_command(missing: Sequence[Need]) -> str:
    """The one command for a person to run."""
    packages = " ".join(need.package for need in missing)
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}"


def browser_ensure(
    *,
    write: Callable[[str], None],
    missing: Callable[[], Sequence[Need]] = needs_missing,
    can_install: bool | None = None,
    run: Callable[[Sequence[str]], bool] | None = None,
) -> bool:
    """Install what is missing where that is ours to do, else say how. True when everything that must be is there."""
    lacking = missing()
    if not lacking:
        return True
    names = ", ".join(need.package for need in lacking)
    if can_install if can_install is not None else _may_install():
        write(f"Installing {names} …")
        runner = run or _run
        packages = [need.package for need in lacking]
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]
        # One by one when all at once fails: a system that lacks an optional package still gets the others.
        if runner([*apt, "update"]) and not runner([*apt, "install", "-y", "--no-install-recommends", *packages]):
            for package in packages:
                runner([*apt, "install", "-y", "--no-install-recommends", package])
        lacking = missing()
    for need in lacking:
        write(f"{'Missing' if need.must else 'Not found'}: {need.package} ({need.purpose})")
    if lacking:
        write(f"To install: {install_command(lacking)}")
    return not any(need.must for need in lacking)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _run(command: Sequence[str]) -> bool:
    environment: Mapping[str, str] = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(  # noqa: S603 - a fixed program with package names of ours
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def main() -> int:
    return 0 if browser_ensure(write=lambda text: print(text, file=sys.stderr)) else 1  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
