"""The forward proxy, spoken to directly."""

import asyncio
import base64
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flows.engine.egress import Egress, Upstream
from flows.engine.guard import Address, Guard
from tests.engine.hosts import TestSecret
from tests.sites.server import SiteServer


@asynccontextmanager
async def running(egress: Egress) -> AsyncIterator[tuple[str, int]]:
    await egress.start()
    try:
        yield "127.0.0.1", int(egress.url.rpartition(":")[2])
    finally:
        await egress.close()


def everything_at(address: str) -> "object":
    async def resolve(host: str, port: int) -> list[Address]:
        return [ipaddress.ip_address(address)]

    return resolve


async def ask(place: tuple[str, int], request: bytes, *, until: bytes = b"") -> bytes:
    """Send `request`, read until the other side closes (or `until` was seen)."""
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            if until:
                return await reader.readuntil(until)
            return await reader.read()
    finally:
        writer.close()


async def test_a_plain_request_is_passed_on_in_origin_form(site: SiteServer) -> None:
    site.page("/a", "hello")
    async with running(Egress(Guard(("127.0.0.1",)))) as place:
        answer = await ask(
            place,
            f"GET {site.url}/a?b=1 HTTP/1.1\r\nHost: {site.domain}\r\nProxy-Connection: keep-alive\r\n"
            "Connection: close\r\n\r\n".encode(),
        )
    assert answer.endswith(b"hello")
    assert site.seen[0].query == {"b": "1"}
    assert "proxy-connection" not in site.seen[0].headers


async def test_one_connection_serves_several_requests_with_bodies(site: SiteServer) -> None:
    site.on("/echo", lambda request: request.body.decode() or "empty")
    host = f"Host: {site.domain}\r\n"
    async with running(Egress(Guard(("127.0.0.1",)))) as place:
        answer = await ask(
            place,
            (
                f"POST {site.url}/echo HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nfirst"
                f"POST {site.url}/echo HTTP/1.1\r\n{host}Content-Length: 6\r\nConnection: close\r\n\r\nsecond"
            ).encode(),
        )
    assert b"first" in answer
    assert answer.endswith(b"second")


async def test_a_tunnel_carries_bytes_both_ways(site: SiteServer) -> None:
    site.page("/", "through the tunnel")
    async with running(Egress(Guard(("127.0.0.1",)))) as place:
        answer = await ask(
            place,
            f"CONNECT {site.domain} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(),
        )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"through the tunnel")


@pytest.mark.parametrize("request_line", ["GET http://{}/ HTTP/1.1", "CONNECT {} HTTP/1.1"])
async def test_r30_private_addresses_are_refused(site: SiteServer, request_line: str) -> None:
    egress = Egress(Guard())
    async with running(egress) as place:
        answer = await ask(place, request_line.format(site.domain).encode() + b"\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert site.seen == []
    assert egress.trouble("127.0.0.1") == "127.0.0.1 is at a private address"


async def test_r30_a_name_is_judged_by_the_address_it_has(site: SiteServer) -> None:
    inside = Egress(Guard(), resolver=everything_at("127.0.0.1"))  # type: ignore[arg-type] # a plain function
    async with running(inside) as place:
        answer = await ask(place, f"GET http://public.example:{site.port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert site.seen == []


async def test_r30_what_was_checked_is_what_is_connected_to(site: SiteServer) -> None:
    """A name that changes its address after the check gains nothing: it is resolved once."""
    answers = [[ipaddress.ip_address("127.0.0.1")], [ipaddress.ip_address("127.0.0.2")]]

    async def rebinding(host: str, port: int) -> list[Address]:
        return list(answers.pop(0))

    site.page("/", "ok")
    async with running(Egress(Guard(("127.0.0.1",)), resolver=rebinding)) as place:
        request = f"GET http://name.example:{site.port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        first = await ask(place, request)
        second = await ask(place, request)
    assert first.endswith(b"ok")
    assert second.startswith(b"HTTP/1.1 403 ")
    assert len(site.seen) == 1


async def test_plain_http_is_good_enough_for_loopback_and_named_hosts(site: SiteServer) -> None:
    site.page("/", "ok")
    egress = Egress(Guard(("127.0.0.1", "wiki.internal")), resolver=everything_at("127.0.0.1"))  # type: ignore[arg-type]
    async with running(egress) as place:
        assert not egress.plain_http("name.example", site.port)
        await ask(place, f"GET http://name.example:{site.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        assert egress.plain_http("name.example", site.port)
        assert egress.plain_http("wiki.internal", 80)
        assert not egress.plain_http("other.example", 80)


@pytest.mark.parametrize(
    "request_text",
    [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET https://x/ HTTP/1.1\r\n\r\n",
        "CONNECT x HTTP/1.1\r\n\r\n",
        "GET http://a b/ HTTP/1.1\r\n\r\n",
        "CONNECT x:99999 HTTP/1.1\r\n\r\n",
        "GET http://%00/ HTTP/1.1\r\n\r\n",
    ],
)
async def test_nonsense_is_refused_and_the_proxy_lives_on(site: SiteServer, request_text: str) -> None:
    site.page("/", "ok")
    async with running(Egress(Guard(("127.0.0.1",)))) as place:
        answer = await ask(place, request_text.encode())
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        assert (await ask(place, f"GET {site.url}/ HTTP/1.1\r\nConnection: close\r\n\r\n".encode())).endswith(b"ok")


async def test_an_oversized_head_is_refused() -> None:
    async with running(Egress(Guard(("127.0.0.1",)))) as place:
        try:
            answer = await ask(place, b"GET http://x/ HTTP/1.1\r\nA: " + b"a" * 200_000)
        except ConnectionResetError:
            answer = b""
    assert answer == b""


async def test_an_unreachable_site_is_told_apart() -> None:
    async with SiteServer() as gone:
        url, host = gone.url, gone.host
    egress = Egress(Guard(("127.0.0.1",)))
    async with running(egress) as place:
        answer = await ask(place, f"GET {url}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert egress.trouble(host) == "the server refused the connection"


async def test_requests_chain_to_the_customers_proxy_with_its_password(site: SiteServer) -> None:
    site.page("*", "from the proxy")
    upstream = Upstream(site.url, "cust", TestSecret("pw"))
    expected = "Basic " + base64.b64encode(b"cust:pw").decode()
    async with running(Egress(Guard(("127.0.0.1",)), upstream)) as place:
        answer = await ask(
            place, b"GET http://far.example/x HTTP/1.1\r\nHost: far.example\r\nConnection: close\r\n\r\n"
        )
    assert answer.endswith(b"from the proxy")
    assert site.seen[0].headers["proxy-authorization"] == expected
    assert "pw" not in repr(upstream)


async def test_tunnels_chain_to_the_customers_proxy() -> None:
    asked: list[bytes] = []

    async def customer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.write(b"got " + await reader.readexactly(4))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(customer, "127.0.0.1", 0)
    upstream = Upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "cust", TestSecret("pw"))
    async with running(Egress(Guard(("127.0.0.1",)), upstream)) as place:
        answer = await ask(place, b"CONNECT far.example:443 HTTP/1.1\r\n\r\nping")
    server.close()
    assert answer.endswith(b"got ping")
    assert asked[0].startswith(b"CONNECT far.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " in asked[0]


async def test_r30_a_customers_proxy_does_not_open_private_addresses(site: SiteServer) -> None:
    site.page("*", "from the proxy")
    async with running(Egress(Guard((f"127.0.0.1:{site.port}",)), Upstream(site.url))) as place:
        for target in ("http://169.254.169.254/", "http://localhost/", "http://10.0.0.1/"):
            answer = await ask(place, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 403 "), target
    async with running(Egress(Guard(), Upstream(site.url))) as place:
        answer = await ask(place, b"GET http://far.example/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert site.seen == []


async def test_bypassed_hosts_go_around_the_customers_proxy(site: SiteServer) -> None:
    site.page("/", "direct")
    upstream = Upstream("http://127.0.0.1:9", bypass=("127.0.0.1", "*.local.example"))
    assert upstream.bypasses("a.local.example")
    assert not upstream.bypasses("example")
    async with running(Egress(Guard(("127.0.0.1",)), upstream)) as place:
        answer = await ask(place, f"GET {site.url}/ HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    assert answer.endswith(b"direct")


@pytest.mark.parametrize("server", ["socks5://x:1", "http://", "http://x:99999"])
def test_a_proxy_that_cannot_be_used_is_refused_at_once(server: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Egress(Guard(), Upstream(server))
