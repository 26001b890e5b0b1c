"""Browsers from a profile, as the official guide ends: log in once, start a browser, be signed in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kernel import APIStatusError, Kernel, NotFoundError
from playwright.sync_api import Browser, sync_playwright

from tests.service.driving import Account, drive
from tests.service.stack import Stack
from tests.service.test_staying import served
from tests.sites.accounts import PASSWORD, USER

pytestmark = pytest.mark.timeout(300)
ADA = Account(username="ada@demo.test", password="engine-no-1")


def signed_in(client: Kernel, stack: Stack, profile: str) -> str:
    """Log the profile in to the demo site; gives the connection's id."""
    domain = stack.demo_url.removeprefix("http://")
    connection = client.auth.connections.create(
        domain=domain, login_url=f"{stack.demo_url}/login", profile_name=profile, health_checks=False
    )
    assert drive(client, connection, ADA, mode="programmatic").status == "SUCCESS"
    return connection.id


def heading(browser: Browser, stack: Stack) -> str:
    page = browser.contexts[0].pages[0]
    page.goto(f"{stack.demo_url}/account")
    return page.get_by_role("heading").inner_text()


def kept(client: Kernel, profile: str) -> dict[str, str]:
    state: Any = client.profiles.download(profile).json()
    return {item["name"]: item["value"] for origin in state["origins"] for item in origin["localStorage"]}


def refused(code: str, call: Callable[[], Any]) -> None:
    with pytest.raises(APIStatusError) as refusal:
        call()
    assert refusal.value.body["code"] == code  # type: ignore[index]  # the SDK leaves the body untyped


def test_a_browser_from_a_profile_is_signed_in_and_saves_its_changes(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    signed_in(client, stack, "guide")
    made = client.browsers.create(
        profile={"name": "guide", "save_changes": True},
        headless=True,
        name="one",
        tags={"team": "a", "7": "x"},
        timeout_seconds=300,
    )
    assert made.profile is not None
    assert (made.profile.name, made.profile_save_changes, made.name) == ("guide", True, "one")
    refused("profile_in_use", lambda: client.browsers.create(profile={"name": "guide", "save_changes": True}))
    refused("conflict", lambda: client.browsers.create(name="one"))
    assert [item.session_id for item in client.browsers.list(tags={"team": "a", "7": "x"})] == [made.session_id]
    assert client.browsers.list(tags={"team": "b"}).items == []
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(made.cdp_ws_url)
        assert "Ada" in heading(browser, stack)
        browser.contexts[0].pages[0].evaluate("localStorage.setItem('mark', 'by the agent')")
        browser.close()
        again = playwright.chromium.connect_over_cdp(client.browsers.retrieve("one").cdp_ws_url)
        assert "Ada" in heading(again, stack)
        with pytest.raises(Exception, match="403"):
            playwright.chromium.connect_over_cdp(made.cdp_ws_url[:-4] + "0000")
        changed = client.browsers.update(made.session_id, name="two", tags={}, viewport={"width": 800, "height": 600})
        assert (changed.name, changed.tags) == ("two", None)
        client.browsers.delete_by_id("two")
    assert kept(client, "guide")["mark"] == "by the agent"
    with pytest.raises(NotFoundError):
        client.browsers.retrieve(made.session_id)
    over = client.browsers.retrieve(made.session_id, include_deleted=True)
    assert (over.cdp_ws_url, over.deleted_at is not None) == ("", True)
    token = made.cdp_ws_url.partition("token=")[2]
    assert token not in stack.log
    actions = {entry.route for entry in client.audit_logs.list(limit=100, **span())}
    assert {"browser.create", "browser.connect", "browser.address", "browser.end", "profile.use"} <= actions


def test_one_profile_is_signed_in_to_several_sites(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    signed_in(client, stack, "both")
    with served() as site:
        other = site.server.url.replace("127.0.0.1", "localhost")  # a host of its own, with its own cookies
        connection = client.auth.connections.create(
            domain=other.removeprefix("http://"),
            login_url=f"{other}/login",
            profile_name="both",
            health_checks=False,
            browser={"stealth": False},
        )
        assert drive(client, connection, Account(USER, PASSWORD), mode="programmatic").status == "SUCCESS"
        made = client.browsers.create(profile={"name": "both"}, headless=True, timeout_seconds=300)
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(made.cdp_ws_url)
            assert "Ada" in heading(browser, stack)
            page = browser.contexts[0].pages[0]
            page.goto(f"{other}/home")
            assert USER in page.locator("body").inner_text()
        client.browsers.delete_by_id(made.session_id)


def test_a_browser_reaches_its_allowed_hosts_only(stack: Stack) -> None:
    """From its first request on; a change holds when it is answered, its page is opened after it."""
    client = stack.client(max_retries=0, timeout=120)
    made = client.browsers.create(headless=True, network={"allowed_hosts": ["example.com"]}, timeout_seconds=300)
    assert made.network is not None
    assert made.network.allowed_hosts == ["example.com"]
    with sync_playwright() as playwright:
        page = playwright.chromium.connect_over_cdp(made.cdp_ws_url).contexts[0].pages[0]
        answer = page.goto(stack.demo_url)
        assert answer is not None
        assert (answer.status, answer.headers["x-kernel-proxy-error"]) == (403, "network_policy_denied")
        client.browsers.update(
            made.session_id, network={"allowed_hosts": ["127.0.0.1"]}, start_url=f"{stack.demo_url}/login"
        )
        page.get_by_label("Email").wait_for()
        client.browsers.update(made.session_id, network={"allowed_hosts": ["example.com"]})
        answer = page.goto(stack.demo_url)
        assert answer is not None
        assert answer.status == 403
        client.browsers.update(made.session_id, network={"allowed_hosts": None})
        answer = page.goto(stack.demo_url)
        assert answer is not None
        assert answer.ok
    client.browsers.delete_by_id(made.session_id)


def span() -> dict[str, Any]:

    now = datetime.now(UTC)
    return {"start": now - timedelta(hours=1), "end": now + timedelta(minutes=1)}
