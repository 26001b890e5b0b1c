"""The service and a person's browser, both real, in the test's own loop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from authsvc.asgi import application
from flows.engine.browsers import Browsers
from flows.engine.chromium import headless_shell_path
from flows.links import hosted_url
from flows.models import Flow
from flows.wake import wake
from tests.engine.conftest import options
from tests.sites.server import SiteServer
from vault.aio import run_db

SHOTS = os.environ.get("AUTHSVC_TEST_SHOTS")  # a folder for pictures of every step
OPEN = 10_000  # ms a page may take to show what the test waits for


class Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
async def service(settings: Any) -> AsyncIterator[str]:
    """The web process's application behind a real socket; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings.BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield settings.BASE_URL
    server.should_exit = True
    await serving


@dataclass(slots=True)
class Visitor:
    """One browser window and everything it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    async def heading(self, text: str) -> None:
        await self.page.get_by_role("heading", level=1, name=text).wait_for(timeout=OPEN)

    async def shot(self, name: str) -> None:
        """A picture for people, where somebody wants one."""
        if SHOTS:
            await self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)

    async def enter_consent(self, flow: Flow) -> None:
        """Follow the link."""
        await self.page.goto(await run_db(hosted_url, flow))
        await self.heading("asks you to sign in")

    async def enter(self, flow: Flow) -> None:
        """Follow the link and press Continue."""
        await self.enter_consent(flow)
        await self.page.get_by_role("button", name="Continue").click()


Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all of these tests; each window is a context of its own."""
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=headless_shell_path(), args=["--no-sandbox"])
        yield running
        await running.close()


@pytest.fixture
async def visit(service: str, browser: Browser) -> AsyncIterator[Visit]:
    """Open windows; at the end no page may have complained or asked anybody but the service."""
    visitors: list[Visitor] = []

    async def open_window(**options: Any) -> Visitor:
        context = await browser.new_context(**options)
        visitor = Visitor(await context.new_page())
        visitor.page.on("console", lambda message: _note(visitor, message))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on("request", lambda request: visitor.addresses.append(request.url))
        visitors.append(visitor)
        return visitor

    yield open_window
    for visitor in visitors:
        await visitor.page.context.close()
    for visitor in visitors:
        assert visitor.complaints == []
        assert all(url.removeprefix("blob:").startswith(f"{service}/") for url in visitor.addresses)


def _note(visitor: Visitor, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        visitor.complaints.append(message.text)


async def tell(flow: Flow, change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Change a flow as a worker does, and wake those who follow it."""
    result = await run_db(change, *args, **options)
    await wake(flow.id)
    return result


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    running = Browsers(options())
    yield running
    await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[SiteServer]:
    async with SiteServer() as server:
        yield server
