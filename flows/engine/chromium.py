"""Which Chromium to start and with which flags. Pure but for looking at the disk."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FULL_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
SHELL_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
FULL_BUNDLED = ("chromium-*/chrome-linux*/chrome",)
SHELL_BUNDLED = (
    "chromium_headless_shell-*/chrome-linux*/headless_shell",
    "chromium_headless_shell-*/chrome-headless-shell-linux*/chrome-headless-shell",
)
WINDOW = (1600, 900)
# A browser without a driver's flags: nothing asks, nothing sleeps, nothing is kept elsewhere.
OWN_FLAGS = (
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-search-engine-choice-screen",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-hang-monitor",
    "--disable-prompt-on-repost",
    "--disable-breakpad",
    "--disable-sync",
    "--mute-audio",
    "--noerrdialogs",
)
# The variables a browser may see. Ours, which hold keys and addresses, are not among them.
ENVIRONMENT = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "FONTCONFIG_PATH",
    "FONTCONFIG_FILE",
    "LD_LIBRARY_PATH",
)


class Mode(StrEnum):
    HEADFUL = "headful"  # a window on a virtual display: looks like anybody's browser
    HIDDEN = "hidden"  # no display: the full browser headless, dressed up
    SHELL = "shell"  # the small headless binary: fast, recognisable
    HEADLESS = "headless"  # the full browser headless, where there is no shell


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one browser process."""

    mode: Mode
    executable: str | None  # None: the driver's own
    args: tuple[str, ...]

    @property
    def stealth(self) -> bool:
        return self.mode in (Mode.HEADFUL, Mode.HIDDEN)

    @property
    def headless(self) -> bool:
        return self.mode is not Mode.HEADFUL


def bundled_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where Playwright keeps the browsers it downloads."""
    chosen = environ.get("PLAYWRIGHT_BROWSERS_PATH")
    return Path(chosen) if chosen and chosen != "0" else Path.home() / ".cache" / "ms-playwright"


def _find(configured: str, names: Iterable[str], patterns: Iterable[str]) -> str | None:
    if configured:
        return shutil.which(configured)
    on_path = next((path for name in names if (path := shutil.which(name))), None)
    if on_path:
        return on_path
    folder = bundled_folder()
    bundled = sorted(str(path) for pattern in patterns for path in folder.glob(pattern))
    return bundled[-1] if bundled else None


def chromium_path(configured: str = "") -> str | None:
    """The full browser: the configured one or nothing, else one on PATH, else Playwright's."""
    return _find(configured, FULL_NAMES, FULL_BUNDLED)


def headless_shell_path(configured: str = "") -> str | None:
    return _find(configured, SHELL_NAMES, SHELL_BUNDLED)


def accept_language(locale: str) -> str:
    """`en-US,en` for `en-US`."""
    language = locale.partition("-")[0]
    return locale if language == locale else f"{locale},{language}"


def egress_flags() -> tuple[str, ...]:
    """Nothing leaves but through the proxy: no name is resolved, no QUIC, no WebRTC datagram."""
    return (
        "--disable-quic",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--no-pings",
        "--disable-background-networking",
        "--disable-component-update",
    )


def launch_for(
    *, stealth: bool, locale: str, full: str | None, headless_shell: str | None, display: bool
) -> Launch | None:
    """The best there is for what is installed; None when nothing is. Stealth needs the full browser."""
    language = (f"--lang={locale}", f"--accept-lang={accept_language(locale)}")
    window = f"--window-size={WINDOW[0]},{WINDOW[1]}"
    gpu = ("--ignore-gpu-blocklist", "--use-gl=angle")
    common = (*language, *egress_flags())
    if stealth and full and display:
        return Launch(Mode.HEADFUL, full, (window, *gpu, "--use-angle=gl", *common))
    if stealth and full:
        screen = "--screen-info={1920x1080 workAreaBottom=40}"
        return Launch(Mode.HIDDEN, full, (window, *gpu, "--use-angle=gl-egl", screen, *common))
    if headless_shell:
        return Launch(Mode.SHELL, headless_shell, (window, *common))
    if full:
        return Launch(Mode.HEADLESS, full, (window, *common))
    return None


def own_launch(
    *,
    headless: bool,
    stealth: bool,
    kiosk: bool,
    size: tuple[int, int],
    locale: str,
    full: str | None,
    headless_shell: str | None,
    display: bool,
) -> Launch | None:
    """As `launch_for`, for a browser that its caller drives over a pipe: a window unless it is to have none."""
    shown = not headless and display and full is not None
    chosen = launch_for(
        stealth=stealth or shown,
        locale=locale,
        full=full,
        headless_shell=headless_shell if headless else None,
        display=shown,
    )
    if chosen is None:
        return None
    args = [flag for flag in chosen.args if not flag.startswith(("--window-size=", "--screen-info="))]
    width, height = size
    args += [f"--window-size={width},{height}", "--window-position=0,0", "--remote-debugging-pipe", *OWN_FLAGS]
    if chosen.mode is Mode.HIDDEN:
        args.append(f"--screen-info={{{width}x{height}}}")
    if chosen.mode in (Mode.HIDDEN, Mode.HEADLESS):
        args.append("--headless=new")
    if stealth:
        args.append("--disable-blink-features=AutomationControlled")
    if kiosk and shown:
        args.append("--kiosk")
    return Launch(chosen.mode, chosen.executable, tuple(args))


def plain_user_agent(version: str) -> str:
    """What a windowed Chromium of this version says it is: headless ones add their own word."""
    major = version.partition(".")[0]
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"


def environment(extra: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a browser process: a short list of ours, then `extra`."""
    return {name: environ[name] for name in ENVIRONMENT if name in environ} | dict(extra)
