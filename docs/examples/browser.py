"""Start a browser from a profile that is logged in already, and drive it with Playwright from here."""

import os
import sys

from kernel import Kernel
from playwright.sync_api import sync_playwright

if len(sys.argv) != 2 or "DEMO_URL" not in os.environ:
    sys.exit("usage: browser.py PROFILE_NAME   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)")
demo = os.environ["DEMO_URL"]
profile = sys.argv[1]  # the profile_name of a connection that is AUTHENTICATED
client = Kernel()  # takes KERNEL_BASE_URL and KERNEL_API_KEY from the environment

browser = client.browsers.create(profile={"name": profile}, stealth=True, timeout_seconds=300)
try:
    with sync_playwright() as playwright:
        driven = playwright.chromium.connect_over_cdp(browser.cdp_ws_url)
        page = driven.contexts[0].pages[0]  # the profile is in the first context
        page.goto(f"{demo}/account")
        print(page.get_by_role("heading").inner_text())
finally:
    client.browsers.delete_by_id(browser.session_id)
