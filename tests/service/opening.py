"""What an agent does with a profile: opens the site in a browser of its own, signed in."""

import json
from typing import Any

from kernel import Kernel
from playwright.sync_api import sync_playwright

from flows.engine.chromium import chromium_path, headless_shell_path


def profile_state(client: Kernel, name: str) -> dict[str, Any]:
    """The downloaded profile as Playwright takes it."""
    state = json.loads(client.profiles.download(name).read())
    return {"cookies": state["cookies"], "origins": state["origins"]}


def page_text(url: str, state: dict[str, Any] | None) -> str:
    """What a fresh browser with `state` reads at `url`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=headless_shell_path() or chromium_path(), chromium_sandbox=False
        )
        try:
            page = browser.new_context(storage_state=state).new_page()  # type: ignore[arg-type]  # JSON as downloaded
            page.goto(url)
            return page.inner_text("body")
        finally:
            browser.close()
