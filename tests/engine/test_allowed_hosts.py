"""A caller's list of destinations: what may stand in it, what it covers, and a browser that is held to it."""

import asyncio
from collections.abc import Sequence

import pytest

from flows.engine.allowed_hosts import AllowedHosts, InvalidEntry
from flows.engine.egress import Egress
from flows.engine.guard import Guard
from flows.engine.own_browser import OwnSettings
from tests.engine.test_egress import ask, everything_at, running
from tests.engine.test_own_browser import behind
from tests.sites.server import SiteServer

PUBLIC = Guard()
LOCAL = Guard(("127.0.0.0/8", "[::1]:80"))
DENIED = b"X-Kernel-Proxy-Error: network_policy_denied"


def hosts(*entries: str, guard: Guard = PUBLIC) -> AllowedHosts:
    return AllowedHosts.parse(entries, guard=guard)


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("example.com", ["example.com"], ["www.example.com", "xexample.com", "example.com.evil.test", "com"]),
        ("EXAMPLE.com", ["example.com"], []),
        ("bücher.example", ["xn--bcher-kva.example"], ["bücher.example"]),
        ("*.example.com", ["a.example.com", "b.a.example.com"], ["example.com", "xexample.com"]),
        ("_.example.com", ["a.example.com"], ["example.com", "_.example.org"]),
        ("*.example.co.uk", ["a.example.co.uk"], ["example.co.uk", "a.other.co.uk"]),
        ("8.8.8.8", ["8.8.8.8"], ["8.8.8.9", "::ffff:8.8.8.8", "dns.google"]),
        ("[2001:4860:4860::8888]", ["2001:4860:4860::8888"], ["2001:4860:4860::8844", "8.8.8.8"]),
        ("8.8.4.0/24", ["8.8.4.4"], ["8.8.5.4", "name.test"]),
        ("2001:4860::/32", ["2001:4860:4860::8844"], ["2001:4861::1"]),
        ("localhost", ["localhost"], ["127.0.0.1", "a.localhost"]),
    ],
)
def test_an_entry_covers_what_it_says(entry: str, inside: Sequence[str], outside: Sequence[str]) -> None:
    allowed = hosts(entry)
    assert [host for host in inside if not allowed.covers(host)] == []
    assert [host for host in outside if allowed.covers(host)] == []


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "*",
        "*.",
        "a..b",
        " example.com",
        "example.com.",
        "example.com:443",
        "https://example.com",
        "example.com/path",
        "a.*.example.com",
        "*.*.example.com",
        "*.com",
        "*.co.uk",
        "*.github.io",
        "*.internal",
        "*.8.8.8.8",
        "8.8.8.8:53",
        "8.8.8",
        "0x8.8.8.8",
        "[8.8.8.8]",
        "2001:4860:4860::8888",
        "[2001:4860:4860:0::8888]",
        "[2001:4860::/32]",
        "[2001:4860:4860::8888]:443",
        "8.8.4.1/24",
        "8.8.4.0/255.255.255.0",
        "127.0.0.1",
        "10.0.0.0/8",
        "9.0.0.0/7",
        "0.0.0.0/0",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "fc00::/8",
        "::/0",
    ],
)
def test_what_can_be_no_entry_is_refused(entry: str) -> None:
    with pytest.raises(InvalidEntry):
        hosts("example.com", entry)


def test_what_the_installation_opened_may_be_listed() -> None:
    assert hosts("127.0.0.1", "127.0.0.0/16", "[::1]", guard=LOCAL).covers("127.0.3.4")
    with pytest.raises(InvalidEntry):
        hosts("126.0.0.0/7", guard=LOCAL)


@pytest.mark.parametrize("request_line", ["GET http://{}/ HTTP/1.1", "CONNECT {} HTTP/1.1"])
async def test_r30_other_destinations_are_refused_by_policy(site: SiteServer, request_line: str) -> None:
    egress = Egress(LOCAL, allowed=hosts("example.com"))
    async with running(egress) as place:
        answer = await ask(place, request_line.format(site.domain).encode() + b"\r\nHost: example.com\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert DENIED in answer
    assert site.seen == []
    assert egress.trouble("127.0.0.1") == "it is not among the browser's allowed hosts"


async def test_r30_a_list_opens_nothing_that_the_guard_refuses(site: SiteServer) -> None:
    egress = Egress(PUBLIC, allowed=hosts("name.example"), resolver=everything_at("127.0.0.1"))  # type: ignore[arg-type]
    async with running(egress) as place:
        answer = await ask(place, f"GET http://name.example:{site.port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert DENIED not in answer
    assert site.seen == []


async def test_a_new_list_ends_what_it_no_longer_allows_and_nothing_else(site: SiteServer) -> None:
    site.page("/", "ok")
    both = hosts("one.example", "two.example")
    egress = Egress(LOCAL, allowed=both, resolver=everything_at("127.0.0.1"))  # type: ignore[arg-type]
    async with running(egress) as place, asyncio.timeout(20):
        lines = {}
        for name in ("one.example", "two.example"):
            reader, writer = lines[name] = await asyncio.open_connection(*place)
            writer.write(f"CONNECT {name}:{site.port} HTTP/1.1\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        idle, idle_writer = await asyncio.open_connection(*place)
        await egress.restrict(hosts("two.example"))
        assert await lines["one.example"][0].read() == b""
        reader, writer = lines["two.example"]
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"ok")
        idle_writer.write(f"CONNECT one.example:{site.port} HTTP/1.1\r\n\r\n".encode())  # was open before the change
        assert DENIED in await idle.read()
        await egress.restrict(None)
        tunnel = f"CONNECT one.example:{site.port} HTTP/1.1\r\n\r\n".encode()
        assert b" 200 " in await ask(place, tunnel, until=b"\r\n\r\n")
        for _, writer in lines.values():
            writer.close()
        idle_writer.close()


TRIED = """async ([url, socket]) => {
  await fetch(url, {mode: 'no-cors'}).catch(() => null);
  await new Promise((done) => {
    const line = new WebSocket(socket);
    line.onopen = line.onerror = done;
  });
}"""


@pytest.mark.asyncio(loop_scope="session")
async def test_r30_a_real_browser_reaches_its_allowed_hosts_only(site: SiteServer) -> None:
    """By its pages, by what they fetch and by their websockets, through the same port."""
    site.page("*", "<h1>here</h1>")
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    settings = OwnSettings(headless=True, allowed=hosts("127.0.0.1", guard=LOCAL))
    async with behind(settings, ssrf_allow=("127.0.0.1", "localhost")) as one, one.driven() as driven:
        page = driven.contexts[0].pages[0]
        answer = await page.goto(elsewhere)
        assert answer is not None
        assert (answer.status, answer.headers.get("x-kernel-proxy-error")) == (403, "network_policy_denied")
        await page.goto(site.url)
        assert await page.inner_text("h1") == "here"
        asked = [elsewhere + "/data", elsewhere.replace("http", "ws") + "/line"]
        await page.evaluate(TRIED, asked)
        assert seen(site, "localhost") == set()
        await one.browser.egress.restrict(hosts("127.0.0.1", "localhost", guard=LOCAL))
        await page.evaluate(TRIED, asked)
        assert seen(site, "localhost") == {"/data", "/line"}


def seen(site: SiteServer, host: str) -> set[str]:
    return {request.path for request in site.seen if request.headers["host"].partition(":")[0] == host}
