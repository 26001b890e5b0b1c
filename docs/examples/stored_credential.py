"""Log in to the demo site with a stored credential, one-time code included, and open it signed in."""

import os
import shutil
import sys
import uuid

from kernel import Kernel
from playwright.sync_api import sync_playwright

if "DEMO_URL" not in os.environ:
    sys.exit("usage: stored_credential.py   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)")
demo = os.environ["DEMO_URL"]
domain = demo.removeprefix("http://")
name = f"grace-{uuid.uuid4().hex[:8]}"
client = Kernel()  # takes KERNEL_BASE_URL and KERNEL_API_KEY from the environment

client.credentials.create(
    name=name,
    domain=domain,
    values={"email": "grace@demo.test", "password": "cobol-forever"},
    totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",  # noqa: S106 - the demo's
)
connection = client.auth.connections.create(
    domain=domain, login_url=f"{demo}/login", profile_name=name, credential={"name": name}
)
client.auth.connections.login(connection.id)

for event in client.auth.connections.follow(connection.id):  # ends with the login
    if event.event == "managed_auth_state":
        print(event.flow_status, event.flow_step, event.error_code or "")

state = client.profiles.download(name).json()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
    page = browser.new_context(storage_state=state).new_page()
    page.goto(f"{demo}/account")
    print(page.get_by_role("heading").inner_text())
    browser.close()
