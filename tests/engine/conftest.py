"""Browsers shared by the engine's tests, and a small site per test."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from flows.engine.browsers import BrowserOptions, Browsers
from flows.engine.contract import BrowserSettings
from tests.sites.server import SiteServer

LOOPBACK = ("127.0.0.1",)


def options(**changes: object) -> BrowserOptions:
    """As `up` runs browsers: loopback allowed, the sandbox off only where it cannot be on."""
    settings: dict[str, object] = {"sandbox": os.geteuid() != 0, "ssrf_allow": LOOPBACK}
    return BrowserOptions(**(settings | changes))  # type: ignore[arg-type] # one helper for options of several types


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    running = Browsers(options())
    await running.start()
    yield running
    await running.close()


@pytest.fixture
def plain() -> BrowserSettings:
    """The fast browser."""
    return BrowserSettings(tenant="org_test", stealth=False)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[SiteServer]:
    async with SiteServer() as server:
        yield server
