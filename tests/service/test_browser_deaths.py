"""Processes that are killed while a caller's browser runs: nothing is left running, nothing half-written."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kernel import Kernel
from kernel.types import BrowserCreateResponse

from flows.engine.own_browser import FOLDER
from tests.service.stack import CHROMIUM, Stack, running
from tests.service.test_browser_changes import driven, over, unique, until
from tests.service.test_browsers import kept
from tests.service.test_trouble import kill

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Stack]:
    with running(arguments=(), env={"AUTHSVC_FLOW_LEASE_SECONDS": "3", "AUTHSVC_BEAT_SECONDS": "1"}) as service:
        yield service


@pytest.fixture
def client(mortal: Stack) -> Kernel:
    return mortal.client(max_retries=5, timeout=120)


def parts_of(stack: Stack) -> dict[psutil.Process, list[str]]:
    """Every Chromium and display below the service, with its command line."""
    return stack.below(*CHROMIUM, "Xvfb")


def begun(stack: Stack, client: Kernel, profile: str) -> tuple[BrowserCreateResponse, set[psutil.Process], Path]:
    """A browser with a window that changed something, its processes and its folder."""
    client.profiles.create(name=profile)
    first = client.browsers.create(headless=True, profile={"name": profile, "save_changes": True})
    mark(stack, first.cdp_ws_url, "before")
    client.browsers.delete_by_id(first.session_id)
    there = parts_of(stack)
    made = client.browsers.create(profile={"name": profile, "save_changes": True}, timeout_seconds=600)
    mark(stack, made.cdp_ws_url, "unsaved")
    new = {process: words for process, words in parts_of(stack).items() if process not in there}
    folders = [
        word.partition("=")[2]
        for words in new.values()
        for word in words
        if word.startswith("--user-data-dir=") and FOLDER in word
    ]
    assert folders
    return made, set(new), Path(folders[0])


def mark(stack: Stack, url: str, value: str) -> None:
    with driven(url) as browser:
        page = browser.contexts[0].pages[0]
        page.goto(f"{stack.demo_url}/login")
        page.evaluate("value => localStorage.setItem('mark', value)", value)


def gone(processes: set[psutil.Process], folder: Path) -> bool:
    return not any(process.is_running() for process in processes) and not folder.exists()


def free(client: Kernel, profile: str) -> None:
    """Somebody else may write the profile now."""
    again = client.browsers.create(headless=True, profile={"name": profile, "save_changes": True})
    client.browsers.delete_by_id(again.session_id)


def test_r33_a_killed_browser_ends_its_session_and_saves_nothing(mortal: Stack, client: Kernel) -> None:
    profile = unique("crash")
    made, processes, folder = begun(mortal, client, profile)
    for process, words in parts_of(mortal).items():
        if str(folder) in " ".join(words):
            process.kill()
    until(lambda: over(client, made.session_id))
    until(lambda: gone(processes, folder))
    assert kept(client, profile) == {"mark": "before"}
    free(client, profile)


def test_r33_a_killed_worker_takes_its_browsers_along_and_frees_the_profile(mortal: Stack, client: Kernel) -> None:
    profile = unique("worker")
    made, processes, folder = begun(mortal, client, profile)
    assert kill(mortal, "celery -A authsvc --quiet worker")
    until(lambda: over(client, made.session_id))
    until(lambda: gone(processes, folder))
    assert kept(client, profile) == {"mark": "before"}
    free(client, profile)


def test_a_killed_web_process_costs_a_browser_nothing(mortal: Stack, client: Kernel) -> None:
    profile = unique("web")
    made, processes, folder = begun(mortal, client, profile)
    assert kill(mortal, "uvicorn authsvc.asgi", signal_number=signal.SIGKILL)
    until(lambda: client.browsers.retrieve(made.session_id).session_id == made.session_id)
    with driven(made.cdp_ws_url) as browser:
        assert browser.contexts[0].pages[0].evaluate("localStorage.mark") == "unsaved"
    client.browsers.delete_by_id(made.session_id)
    until(lambda: gone(processes, folder))
    assert kept(client, profile) == {"mark": "unsaved"}


def test_a_worker_told_to_stop_saves_what_its_browsers_changed(mortal: Stack, client: Kernel) -> None:
    profile = unique("stop")
    made, processes, folder = begun(mortal, client, profile)
    assert kill(mortal, "celery -A authsvc --quiet worker", signal_number=signal.SIGTERM)
    until(lambda: over(client, made.session_id))
    until(lambda: gone(processes, folder))
    assert kept(client, profile) == {"mark": "unsaved"}
    free(client, profile)
