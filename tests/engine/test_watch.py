"""When a page counts as talking to its server."""

import asyncio

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings
from flows.engine.watch import PageWatch
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "<!doctype html><title>Codes</title><button onclick=\"fetch('/send', {method: 'POST'})\">Send code</button>"


async def test_an_answer_that_nobody_reads_does_not_keep_a_page_busy(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    arrived = asyncio.Event()

    def send(_: object) -> str:
        arrived.set()
        return "x" * 100_000

    site.page("/", PAGE)
    site.on("/send", send)
    async with browsers.open(plain) as session, asyncio.timeout(20):
        await session.page.goto(site.url)
        watch = PageWatch(session.page)
        await session.page.click("button")
        await arrived.wait()
        while watch.busy or watch.requests == 0:
            await watch.wait(0.1)
