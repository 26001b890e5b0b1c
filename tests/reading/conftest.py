"""A real browser for pages written in the tests; nothing leaves the machine."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest_asyncio
from playwright.async_api import async_playwright

from flows.engine import chromium
from flows.engine.observe import Observation, observe
from flows.engine.reading import read
from flows.engine.reading.model import Reading

HOME = "https://site.test/"
PATIENCE = 15  # seconds a frame may take: the machine may be busy with other tests
Look = Callable[..., Awaitable[Observation]]
Read = Callable[..., Awaitable[Reading]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def context() -> AsyncIterator[Any]:
    async with async_playwright() as driver:
        path = chromium.headless_shell_path() or chromium.chromium_path()
        browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        yield await browser.new_context(viewport={"width": 1280, "height": 900})
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: Any) -> AsyncIterator[Any]:
    page = await context.new_page()
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def look(page: Any) -> Look:
    """`await look(html, url=…, frames={url: html})`: an observation of the page at that address."""

    async def looking(html: str, *, url: str = HOME, frames: Mapping[str, str] | None = None) -> Observation:
        answers = {url: html, **(frames or {})}

        async def answer(route: Any) -> None:
            body = answers.get(route.request.url)
            if body is None:
                await route.abort()
            else:
                await route.fulfill(body=body, content_type="text/html; charset=utf-8")

        await page.route("**/*", answer)
        await page.goto(url)
        return await observe(page, frame_seconds=PATIENCE)

    return looking


@pytest_asyncio.fixture(loop_scope="session")
async def reading(look: Look) -> Read:
    """`await reading(html, …)`: what the reader makes of the page."""

    async def reads(html: str, **options: Any) -> Reading:
        return read((await look(html, **options)).snapshot)

    return reads
