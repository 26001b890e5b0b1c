"""What may be changed in a browser that runs, and what ends one."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kernel import APIConnectionError, APIStatusError, ConflictError, Kernel, NotFoundError, RateLimitError, omit
from kernel.types import BrowserNetworkConfigParam
from playwright.sync_api import Browser, sync_playwright

from tests.service.stack import Stack
from tests.service.test_browsers import heading, kept, signed_in

pytestmark = pytest.mark.timeout(300)
LIMIT_SECONDS = 120


@pytest.fixture
def client(stack: Stack) -> Kernel:
    return stack.client(max_retries=0, timeout=120)


@contextmanager
def driven(url: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.connect_over_cdp(url)


def until(reached: Callable[[], bool]) -> None:
    """Ask again and again, through restarts of the web process."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if reached():
                return
        except APIConnectionError:
            pass
        time.sleep(0.1)  # a polling customer
    raise TimeoutError


def over(client: Kernel, session_id: str) -> bool:
    try:
        client.browsers.retrieve(session_id)
    except NotFoundError:
        return True
    return False


def unique(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


@contextmanager
def answering_proxy() -> Iterator[int]:
    """A customer's proxy that answers every request itself; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<h1>from the proxy</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_profile_loaded_while_the_browser_runs_is_signed_in_and_saved(stack: Stack, client: Kernel) -> None:
    profile = unique("later")
    signed_in(client, stack, profile)
    made = client.browsers.create(headless=True, timeout_seconds=300)
    with driven(made.cdp_ws_url) as browser:
        page = browser.contexts[0].pages[0]
        page.goto(f"{stack.demo_url}/account")
        assert "login" in page.url
        changed = client.browsers.update(made.session_id, profile={"name": profile, "save_changes": True})
        assert changed.profile is not None
        assert (changed.profile.name, changed.profile_save_changes) == (profile, True)
        assert "Ada" in heading(browser, stack)
        page.evaluate("localStorage.setItem('mark', 'later')")
        with pytest.raises(APIStatusError) as refusal:
            client.browsers.update(made.session_id, profile={"name": profile})
        assert refusal.value.body["code"] == "profile_loaded"  # type: ignore[index]
        with pytest.raises(ConflictError) as refusal:
            client.browsers.create(profile={"name": profile, "save_changes": True})
        assert refusal.value.body["code"] == "profile_in_use"  # type: ignore[index]
    client.browsers.delete_by_id(made.session_id)
    assert kept(client, profile)["mark"] == "later"


def test_a_running_browser_changes_its_proxy(stack: Stack, client: Kernel) -> None:
    made = client.browsers.create(headless=True, timeout_seconds=300)
    with answering_proxy() as port, driven(made.cdp_ws_url) as browser:
        page = browser.contexts[0].pages[0]
        proxy = client.proxies.create(
            type="custom", name=unique("proxy"), protocol="http", config={"host": "127.0.0.1", "port": port}
        )
        page.goto(f"{stack.demo_url}/login")
        assert "from the proxy" not in page.content()
        changed = client.browsers.update(made.session_id, proxy={"id": str(proxy.id)})
        assert changed.proxy_id == proxy.id
        page.goto(f"{stack.demo_url}/login")
        assert "from the proxy" in page.content()
        assert client.browsers.update(made.session_id, proxy={"mode": "direct"}).proxy_id is None
        page.goto(f"{stack.demo_url}/login")
        assert "from the proxy" not in page.content()
    client.browsers.delete_by_id(made.session_id)


def test_a_list_of_hosts_leaves_a_profile_whole(stack: Stack, client: Kernel) -> None:
    """What is kept of a site that may not be reached goes in and comes out again all the same."""
    profile = unique("listed")
    client.profiles.create(name=profile)
    for value, network in (("first", omit), (None, BrowserNetworkConfigParam(allowed_hosts=["example.com"]))):
        made = client.browsers.create(
            headless=True, timeout_seconds=300, profile={"name": profile, "save_changes": True}, network=network
        )
        with driven(made.cdp_ws_url) as browser:
            page = browser.contexts[0].pages[0]
            answer = page.goto(f"{stack.demo_url}/login")
            assert answer is not None
            assert answer.ok is (value is not None)
            if value:
                page.evaluate("value => localStorage.setItem('mark', value)", value)
        client.browsers.delete_by_id(made.session_id)
    assert kept(client, profile) == {"mark": "first"}


def test_a_browser_that_nobody_uses_ends_and_saves(stack: Stack, client: Kernel) -> None:
    profile = unique("idle")
    client.profiles.create(name=profile)
    made = client.browsers.create(headless=True, timeout_seconds=10, profile={"name": profile, "save_changes": True})
    with driven(made.cdp_ws_url) as browser:
        page = browser.contexts[0].pages[0]
        page.goto(f"{stack.demo_url}/login")
        page.evaluate("localStorage.setItem('mark', 'idle')")
    until(lambda: over(client, made.session_id))
    assert client.browsers.retrieve(made.session_id, include_deleted=True).deleted_at is not None
    assert kept(client, profile)["mark"] == "idle"
    again = client.browsers.create(headless=True, profile={"name": profile, "save_changes": True})
    client.browsers.delete_by_id(again.session_id)


def test_of_many_who_ask_at_once_a_project_gets_its_share(client: Kernel) -> None:
    project = client.projects.create(name=unique("small"))
    client.projects.limits.update(project.id, max_concurrent_sessions=1)
    mine = client.with_options(default_headers={"X-Kernel-Project-Id": project.id})

    def ask(number: int) -> str:
        try:
            return mine.browsers.create(headless=True, timeout_seconds=300).session_id
        except RateLimitError as refusal:
            return f"wait {refusal.response.headers['Retry-After']}"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    got = [answer for answer in answers if not answer.startswith("wait ")]
    assert [item.session_id for item in mine.browsers.list()] == got
    assert len(got) == 1
    mine.browsers.delete_by_id(got[0])
    mine.browsers.delete_by_id(mine.browsers.create(headless=True).session_id)
