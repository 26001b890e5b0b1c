"""A person's path: a real browser on the hosted page, a real worker behind it, the demo site at the end."""

import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from authsvc.demo.accounts import ACCOUNTS
from flows.engine.chromium import chromium_path, headless_shell_path
from tests.service.opening import page_text, profile_state
from tests.service.stack import Stack

ADA = ACCOUNTS["ada@demo.test"]
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
SLOW = 30_000


def shot(page: Page, name: str) -> None:
    """Pictures for people: `AUTHSVC_TEST_SHOTS=folder` keeps them."""
    if folder := os.environ.get("AUTHSVC_TEST_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize(("device", "theme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"])
def test_a_person_mistypes_once_and_succeeds(stack: Stack, device: dict[str, Any], theme: Any, script: bool) -> None:
    client = stack.client()
    connection = client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        profile_name=f"p-{uuid.uuid4().hex[:8]}",
        login_url=f"{stack.demo_url}/login",
        browser={"stealth": False},
    )
    login = client.auth.connections.login(connection.id)
    name = f"{'phone' if device is PHONE else 'desktop'}-{theme}-{'script' if script else 'plain'}"
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=headless_shell_path() or chromium_path(), chromium_sandbox=False
        )
        page = browser.new_context(**device, color_scheme=theme, java_script_enabled=script).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(login.hosted_url)
        expect(page).not_to_have_url(re.compile("code="))  # R18
        expect(page.get_by_text(connection.domain).first).to_be_visible()  # R23
        shot(page, f"{name}-1-consent")
        page.get_by_role("button", name="Continue").click()

        password = page.get_by_label("Password", exact=True)
        expect(password).to_be_visible(timeout=SLOW)
        shot(page, f"{name}-2-form")
        page.get_by_label(re.compile("email", re.IGNORECASE)).first.fill(ADA.email)
        password.fill("mistyped-password")
        page.locator("main form button[type=submit]").first.click()

        expect(page.get_by_text(re.compile("is wrong")).first).to_be_visible(timeout=SLOW)
        shot(page, f"{name}-3-rejected")
        assert "mistyped-password" not in page.content()
        page.get_by_label(re.compile("email", re.IGNORECASE)).first.fill(ADA.email)
        page.get_by_label("Password", exact=True).fill(ADA.password)
        page.locator("main form button[type=submit]").first.click()

        expect(page.get_by_role("heading", name=re.compile("signed in", re.IGNORECASE))).to_be_visible(timeout=SLOW)
        shot(page, f"{name}-4-success")
        page.go_back()
        expect(page.get_by_label("Password", exact=True)).to_have_count(0, timeout=SLOW)
        browser.close()
    assert [text for text in complaints if "Content Security Policy" in text] == []
    after = client.auth.connections.retrieve(connection.id)
    assert (after.status, after.flow_status) == ("AUTHENTICATED", "SUCCESS")
    assert ADA.name in page_text(f"{stack.demo_url}/account", profile_state(client, connection.profile_name))
