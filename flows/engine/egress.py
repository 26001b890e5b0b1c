"""The one place where a browser's way out is decided (R30).

Each browser process leaves through a forward proxy on loopback that lives in our own event loop. It resolves names
itself, shows every address to the guard, and connects to exactly the address that was shown; or it passes the
request on to the customer's proxy. It understands what Chromium sends to an HTTP proxy: CONNECT (https, websockets)
and requests in absolute form (http). Requests are parsed because they are rewritten; responses are relayed as they
come. One client connection serves one destination, as Chromium uses it.
"""

import asyncio
import base64
import ipaddress
import logging
import socket
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from flows.engine.allowed_hosts import AllowedHosts
from flows.engine.contract import BrowserSettings, Secret
from flows.engine.guard import Address, Guard, Refused
from flows.engine.origins import InvalidDomain, host_normalise, is_address
from flows.engine.wire import (
    CLIENT_ERRORS,
    HEAD_LIMIT,
    Head,
    answer,
    body_relay,
    both,
    client_hello,
    destination,
    head_read,
    relay,
    trouble_of,
)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 8.0
PROBE_SECONDS = 2.0
REMEMBERED = 512
POLICY = b"X-Kernel-Proxy-Error: network_policy_denied\r\n"  # as the SDK's types name it
# What Chromium itself calls for its maker's services. Some of it would tell them which forms are filled in.
CHATTER = frozenset(
    {
        "android.clients.google.com",
        "clients2.google.com",
        "clients4.google.com",
        "content-autofill.googleapis.com",
        "edgedl.me.gvt1.com",
        "optimizationguide-pa.googleapis.com",
        "redirector.gvt1.com",
        "safebrowsing.googleapis.com",
        "safebrowsingohttpgateway.googleapis.com",
        "update.googleapis.com",
    }
)


class Resolver(Protocol):
    """Turns a name into addresses."""

    async def __call__(self, host: str, port: int) -> list[Address]: ...


async def resolve(host: str, port: int) -> list[Address]:
    """The system's resolver, on a thread. Raises OSError."""
    if is_address(host):
        return [ipaddress.ip_address(host)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found))


@dataclass(frozen=True, slots=True)
class Upstream:
    """The customer's proxy: `http://host:port` or `https://host:port`, and hosts that go around it."""

    server: str
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    bypass: tuple[str, ...] = ()

    def place(self) -> tuple[bool, str, int]:
        """(TLS, host, port). Raises ValueError."""
        parts = urlsplit(self.server if "://" in self.server else f"http://{self.server}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a proxy must be http://host:port or https://host:port")
        return (
            parts.scheme == "https",
            host_normalise(parts.hostname),
            parts.port or (443 if parts.scheme == "https" else 80),
        )

    def authorization(self) -> bytes:
        if self.username is None:
            return b""
        pair = f"{self.username}:{self.password.reveal() if self.password else ''}"
        return b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n"

    def bypasses(self, host: str) -> bool:
        return any(
            host == entry.lstrip("*.").lower() or host.endswith("." + entry.lstrip("*.").lower())
            for entry in self.bypass
            if entry.lstrip("*.")
        )


def upstream_of(settings: BrowserSettings) -> Upstream | None:
    if not settings.proxy_server:
        return None
    return Upstream(settings.proxy_server, settings.proxy_username, settings.proxy_password, settings.proxy_bypass)


@dataclass(slots=True)
class _Line:
    """An open connection to a site or a proxy."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chained: bool


class Egress:
    """The proxy of one browser process. `url` is what Chromium is told; valid between `start` and `close`."""

    def __init__(
        self,
        guard: Guard,
        upstream: Upstream | None = None,
        *,
        allowed: AllowedHosts | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        """`allowed` are the only destinations, None means any. Raises ValueError for a proxy address that cannot be
        read."""
        self._guard = guard
        self._upstream = upstream
        self._proxy = upstream.place() if upstream else None
        self._allowed = allowed
        self._resolve = resolver
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], str] = {}  # connections and where they lead
        self._connected: OrderedDict[tuple[str, int], Address] = OrderedDict()
        self._refusals: OrderedDict[str, str] = OrderedDict()
        self._tls: ssl.SSLContext | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT)

    async def switch(self, upstream: Upstream | None) -> None:
        """Leave through another proxy, or none, from now on; open connections end. Raises ValueError."""
        self._proxy = upstream.place() if upstream else None
        self._upstream = upstream
        await self._hang_up(tuple(self._clients))

    async def restrict(self, allowed: AllowedHosts | None) -> None:
        """Only these destinations from now on, or any; open connections to others end, the rest go on."""
        self._allowed = allowed
        await self._hang_up([task for task, host in self._clients.items() if host and not self._allows(host)])

    def _allows(self, host: str) -> bool:
        return self._allowed is None or self._allowed.covers(host)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._hang_up(tuple(self._clients))

    async def _hang_up(self, clients: Sequence[asyncio.Task[None]]) -> None:
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the proxy was not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def plain_http(self, host: str, port: int) -> bool:
        """Whether http is good enough there: the address last connected to is loopback, or the allow-list names
        the host."""
        address = self._connected.get((host, port))
        return self._guard.names_host(host, port) or (address is not None and address.is_loopback)

    def trouble(self, host: str) -> str | None:
        """Why `host` could not be reached the last time, in words for people."""
        return self._refusals.get(host)

    async def speaks_tls(self, host: str, port: int) -> bool:
        """Whether a TLS handshake gets an answer there; judged without trust, it decides nothing but http or https.
        True where it cannot be told (behind the customer's proxy)."""
        if self._proxy is not None:
            return True
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reader, writer, address = await self._dial(host, port)
        except (Refused, OSError, TimeoutError):
            return True
        self._remember(host, port, address)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                writer.write(client_hello(host))
                # A handshake record (22) or an alert (21): either is TLS.
                return (await reader.read(1)) in (b"\x16", b"\x15")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()

    # --- one client connection -------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._clients[task] = ""
        task.add_done_callback(lambda done: self._clients.pop(done, None))
        try:
            await self._serve(reader, writer, task)
        except CLIENT_ERRORS as error:
            log.debug("proxy connection ended: %s", type(error).__name__)
        except asyncio.CancelledError:
            # Closing down: the streams library logs a cancelled handler as an error, so it ends quietly here.
            log.debug("proxy connection canceled")
        finally:
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        head = await head_read(reader)
        if head is None:
            return
        try:
            host, port, path = destination(head)
        except (ValueError, InvalidDomain):
            await answer(writer, b"400 Bad Request")
            return
        if host in CHATTER:
            await answer(writer, b"403 Forbidden")
            return
        self._clients[task] = host
        if not self._allows(host):
            self._note(host, "it is not among the browser's allowed hosts")
            await answer(writer, b"403 Forbidden", POLICY)
            return
        try:
            line = await self._connect(host, port)
        except Refused as error:
            self._note(host, str(error))
            await answer(writer, b"403 Forbidden")
            return
        except (OSError, TimeoutError) as error:
            self._note(host, trouble_of(error))
            await answer(writer, b"502 Bad Gateway")
            return
        self._refusals.pop(host, None)
        try:
            if head.method == b"CONNECT":
                await self._tunnel(reader, writer, line, host, port)
            else:
                await self._forward(reader, writer, line, head, path)
        finally:
            line.writer.close()

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line, host: str, port: int
    ) -> None:
        if line.chained and not await self._tunnel_upstream(line, host, port):
            self._note(host, "the proxy refused the connection")
            await answer(writer, b"502 Bad Gateway")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await both(relay(reader, line.writer), relay(line.reader, writer))

    async def _tunnel_upstream(self, line: _Line, host: str, port: int) -> bool:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        auth = self._upstream.authorization() if self._upstream else b""
        line.writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode() + auth + b"\r\n")
        async with asyncio.timeout(CONNECT_SECONDS):
            status = (await line.reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        return len(status) > 1 and status[1] == b"200"

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: _Line,
        head: Head,
        path: bytes,
    ) -> None:
        """Send requests for one destination one after another while answers flow back."""
        await both(
            self._requests(reader, line, head, path),
            relay(line.reader, writer),
        )

    async def _requests(self, reader: asyncio.StreamReader, line: _Line, head: Head, path: bytes) -> None:
        first = destination(head)[:2]
        while True:
            line.writer.write(self._rewritten(head, path, chained=line.chained))
            await body_relay(reader, line.writer, head)
            if head.header(b"upgrade"):
                await relay(reader, line.writer)
                return
            following = await head_read(reader)
            if following is None:
                return  # the browser closed the connection
            head = following
            host, port, path = destination(head)
            if (host, port) != first:
                raise ConnectionResetError("one connection serves one destination")

    def _rewritten(self, head: Head, path: bytes, *, chained: bool) -> bytes:
        auth = self._upstream.authorization() if chained and self._upstream else b""
        kept = [line for line in head.lines if not line.lower().startswith(b"proxy-")]
        target = head.target if chained else path
        lines = [head.method + b" " + target + b" HTTP/1.1", *kept]
        return b"\r\n".join(lines) + b"\r\n" + auth + b"\r\n"

    # --- connecting ------------------------------------------------------------------------------------------

    async def _connect(self, host: str, port: int) -> _Line:
        """Connect to the site or to the customer's proxy. Raises Refused, OSError, TimeoutError."""
        if self._proxy is None or (self._upstream and self._upstream.bypasses(host)):
            reader, writer, address = await self._dial(host, port)
            self._remember(host, port, address)
            return _Line(reader, writer, chained=False)
        # The customer's proxy resolves names in its own network; what can be judged here is judged.
        self._guard.check_host(host, port)
        tls, proxy_host, proxy_port = self._proxy
        reader, writer, _ = await self._dial(proxy_host, proxy_port, tls=tls)
        return _Line(reader, writer, chained=True)

    async def _dial(
        self, host: str, port: int, *, tls: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Address]:
        self._guard.check_host(host, port)
        async with asyncio.timeout(CONNECT_SECONDS):
            addresses = await self._resolve(host, port)
        context = await self._tls_context() if tls else None
        allowed = []
        refused: Refused | None = None
        for address in addresses:
            try:
                self._guard.check_address(address, host=host, port=port)
                allowed.append(address)
            except Refused as error:
                refused = error
        last: OSError = OSError("the name has no address")
        for address in allowed:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(
                        str(address),
                        port,
                        ssl=context,
                        server_hostname=host if context else None,
                        limit=HEAD_LIMIT,
                    )
                return reader, writer, address
            except (OSError, TimeoutError) as error:
                last = error if isinstance(error, OSError) else OSError("timed out")
        raise refused if refused is not None and not allowed else last

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return self._tls

    def _remember(self, host: str, port: int, address: Address) -> None:
        self._connected[host, port] = address
        self._connected.move_to_end((host, port))
        while len(self._connected) > REMEMBERED:
            self._connected.popitem(last=False)

    def _note(self, host: str, why: str) -> None:
        log.info("egress to %s failed: %s", host, why)
        self._refusals[host] = why
        self._refusals.move_to_end(host)
        while len(self._refusals) > REMEMBERED:
            self._refusals.popitem(last=False)
