"""A customer's proxy that looks into TLS: its own authority is trusted, by the browsers that go through it only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from flows.engine.browsers import Browsers, process_key
from flows.engine.contract import BrowserSettings
from flows.engine.drivers import DRIVER_ERRORS
from flows.engine.errors import BrowserUnavailable
from flows.engine.trust import trust_home
from tests.sites.certificates import Authority, authority_new, server_context

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = b"<title>inside</title><h1>signed anew</h1>"


class LookingProxy:
    """Answers every CONNECT itself, with a certificate of its own for the host that was asked for."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.server: asyncio.Server | None = None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            host = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().partition(":")[0]
            self.asked.append(host)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.start_tls(server_context(self.authority, host))
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n\r\n"
            writer.write(head.encode() + PAGE)
            await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy() -> AsyncIterator[LookingProxy]:
    looking = LookingProxy(authority_new("Office"))
    looking.server = await asyncio.start_server(looking.answer, "127.0.0.1", 0)
    yield looking
    looking.server.close()


@pytest.mark.parametrize("stealth", [False, True])
async def test_a_site_signed_by_the_proxys_authority_opens(
    browsers: Browsers, proxy: LookingProxy, stealth: bool
) -> None:
    bundle = authority_new("Another").pem + proxy.authority.pem
    behind = BrowserSettings("org_trust", stealth=stealth, proxy_server=proxy.url, proxy_authorities=bundle)
    async with browsers.open(behind) as session:
        await session.page.goto("https://shop.example/")
        assert await session.page.inner_text("h1") == "signed anew"
    assert "shop.example" in proxy.asked


async def test_r32_no_other_browser_trusts_it(browsers: Browsers, proxy: LookingProxy) -> None:
    behind = BrowserSettings("org_trust", stealth=False, proxy_server=proxy.url)
    trusting = BrowserSettings(
        "org_trust", stealth=False, proxy_server=proxy.url, proxy_authorities=proxy.authority.pem
    )
    assert process_key(behind) != process_key(trusting)
    assert "CERTIFICATE" not in repr(trusting)
    async with browsers.open(behind) as session:
        with pytest.raises(DRIVER_ERRORS, match="ERR_CERT_AUTHORITY_INVALID"):
            await session.page.goto("https://shop.example/")


async def test_a_home_can_be_removed() -> None:
    home = await trust_home(authority_new("Office").pem)
    stored = Path(home.path, ".pki/nssdb/cert9.db")
    assert await asyncio.to_thread(stored.exists)
    home.remove()
    assert not await asyncio.to_thread(Path(home.path).exists)


async def test_a_bundle_that_nss_does_not_take_is_told() -> None:
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(BrowserUnavailable, match="certificates"):
        await trust_home(broken)
