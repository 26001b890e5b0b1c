"""Start a browser from a profile that is logged in already, and hand it to browser-use.

First: pip install browser-use kernel
"""

import asyncio
import os
import sys

from browser_use import Browser  # type: ignore[import-not-found]  # not among this project's own packages
from kernel import AsyncKernel

if len(sys.argv) != 2 or "DEMO_URL" not in os.environ:
    sys.exit(
        "usage: browser_agent.py PROFILE_NAME   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)"
    )
demo = os.environ["DEMO_URL"]
profile = sys.argv[1]  # the profile_name of a connection that is AUTHENTICATED
client = AsyncKernel()  # takes KERNEL_BASE_URL and KERNEL_API_KEY from the environment


async def main() -> None:
    session = await client.browsers.create(profile={"name": profile}, stealth=True, timeout_seconds=300)
    try:
        browser = Browser(cdp_url=session.cdp_ws_url)
        await browser.start()  # or hand it to an agent: Agent(task=…, llm=…, browser=browser)
        await browser.navigate_to(f"{demo}/account")
        state = await browser.get_browser_state_summary()
        print(state.dom_state.llm_representation())
        await browser.stop()
    finally:
        await client.browsers.delete_by_id(session.session_id)


asyncio.run(main())
