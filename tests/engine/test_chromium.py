"""Which Chromium is started how."""

from pathlib import Path

import pytest

from flows.engine import chromium
from flows.engine.browsers import process_key
from flows.engine.chromium import Mode, launch_for
from flows.engine.contract import BrowserSettings
from flows.engine.display import xauthority
from tests.engine.hosts import TestSecret


def test_stealth_takes_the_full_browser_with_a_window() -> None:
    launch = launch_for(stealth=True, locale="de-DE", full="/c", headless_shell="/s", display=True)
    assert launch is not None
    assert (launch.mode, launch.executable, launch.headless, launch.stealth) == (Mode.HEADFUL, "/c", False, True)
    assert "--accept-lang=de-DE,de" in launch.args
    assert "--window-size=1600,900" in launch.args


def test_stealth_without_a_display_is_the_second_choice() -> None:
    launch = launch_for(stealth=True, locale="en-US", full="/c", headless_shell="/s", display=False)
    assert launch is not None
    assert (launch.mode, launch.headless) == (Mode.HIDDEN, True)
    assert any(arg.startswith("--screen-info=") for arg in launch.args)


def test_plain_takes_the_shell_else_the_full_browser() -> None:
    shell = launch_for(stealth=False, locale="en-US", full="/c", headless_shell="/s", display=True)
    full = launch_for(stealth=False, locale="en-US", full="/c", headless_shell=None, display=True)
    assert shell is not None
    assert full is not None
    assert (shell.mode, shell.executable) == (Mode.SHELL, "/s")
    assert (full.mode, full.executable) == (Mode.HEADLESS, "/c")
    assert launch_for(stealth=True, locale="en-US", full=None, headless_shell="/s", display=True) == shell
    assert launch_for(stealth=False, locale="en-US", full=None, headless_shell=None, display=True) is None


def test_r30_nothing_leaves_around_the_proxy() -> None:
    for stealth in (True, False):
        launch = launch_for(stealth=stealth, locale="en-US", full="/c", headless_shell="/s", display=True)
        assert launch is not None
        assert "--disable-quic" in launch.args
        assert any(arg.startswith("--host-resolver-rules=MAP * ~NOTFOUND") for arg in launch.args)
        assert any("disable_non_proxied_udp" in arg for arg in launch.args)


def test_a_browser_sees_a_short_environment() -> None:
    environ = {"PATH": "/bin", "AUTHSVC_KEK": "secret", "DATABASE_URL": "postgres://x", "HOME": "/root"}
    assert chromium.environment({"TZ": "Asia/Tokyo"}, environ) == {"PATH": "/bin", "HOME": "/root", "TZ": "Asia/Tokyo"}


def test_browsers_are_found_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "bundled"))
    assert chromium.chromium_path() is None
    assert chromium.chromium_path(str(tmp_path / "missing")) is None
    bundled = tmp_path / "bundled" / "chromium-1200" / "chrome-linux" / "chrome"
    on_path = tmp_path / "bin" / "chromium"
    for executable in (bundled, on_path):
        executable.parent.mkdir(parents=True)
        executable.touch(mode=0o755)
        assert chromium.chromium_path() == str(executable)
    assert chromium.headless_shell_path() is None


def test_r32_what_is_per_process_is_part_of_the_key() -> None:
    base = BrowserSettings(tenant="a")
    others = [
        BrowserSettings(tenant="b"),
        BrowserSettings(tenant="a", stealth=False),
        BrowserSettings(tenant="a", timezone="Asia/Tokyo"),
        BrowserSettings(tenant="a", locale="de-DE"),
        BrowserSettings(tenant="a", proxy_server="http://p:1"),
        BrowserSettings(tenant="a", proxy_server="http://p:1", proxy_username="u", proxy_password=TestSecret("x")),
        BrowserSettings(tenant="a", proxy_server="http://p:1", proxy_username="u", proxy_password=TestSecret("y")),
    ]
    keys = {process_key(settings) for settings in (base, *others)}
    assert len(keys) == len(others) + 1
    assert process_key(BrowserSettings(tenant="a")) == process_key(base)
    assert "'x'" not in repr(keys)


def test_an_authority_file_holds_one_entry_for_any_display() -> None:
    data = xauthority(b"0123456789abcdef")
    assert data == b"\xff\xff\x00\x00\x00\x00\x00\x12MIT-MAGIC-COOKIE-1\x00\x100123456789abcdef"


def test_accept_language() -> None:
    assert chromium.accept_language("de-DE") == "de-DE,de"
    assert chromium.accept_language("fr") == "fr"
