"""Connections to servers that a customer names: resolved here, checked, and made to the very address checked (R30).

Private, link-local and other special ranges are refused unless `AUTHSVC_SSRF_ALLOW` names the address, its network or
the host.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from vault.errors import Invalid
from vault.sources.base import SourceUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
URL_LENGTH = 2048
BODY_BYTES = 10_000_000
BODY_SECONDS = 30.0
REDIRECTS_MOST = 4
READER = [("User-Agent", "Mozilla/5.0 (compatible; authsvc)"), ("Accept", "*/*"), ("Accept-Encoding", "identity")]


def server_url_check(url: str) -> str:
    """The address without a closing slash. Raises `Invalid` for one that cannot be used; names are not resolved."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise Invalid("server_url is not an address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > URL_LENGTH:
        raise Invalid("server_url must begin with https:// and name a server")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid("server_url must not hold a user, a query or a fragment")
    named = _named(parts.hostname, port or (443 if parts.scheme == "https" else 80))
    literal = _literal(parts.hostname)
    if literal is not None and not address_allowed(literal, host=parts.hostname, port=port or 0):
        raise Invalid("server_url is at a private address")
    if parts.scheme == "http" and not named and not (literal is not None and literal.is_loopback):
        raise Invalid("server_url must be https")
    return url.strip().rstrip("/")


def address_resolve(host: str, port: int) -> str:
    """The first address of the host; every one of them must be allowed. Raises `SourceUnavailable`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceUnavailable("The credential source's name cannot be resolved") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(address_allowed(address, host=host, port=port) for address in addresses):
        raise SourceUnavailable("The credential source is at a private address")
    return str(addresses[0])


def address_allowed(address: Address, *, host: str, port: int) -> bool:
    real = _embedded(address)
    return (real.is_global and not real.is_multicast) or _named(host, port) or _network_named(real, port)


def _embedded(address: Address) -> Address:
    """Where packets for an IPv4-in-IPv6 address end up."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return ipaddress.ip_address("127.0.0.1") if host == "localhost" or host.endswith(".localhost") else None


def _entries() -> Iterable[tuple[str, int | None]]:
    for entry in settings.SSRF_ALLOW:
        host, colon, port = entry.rpartition(":")
        if colon and port.isdigit() and (":" not in host or host.startswith("[")):
            yield host.strip("[]").lower(), int(port)
        else:
            yield entry.strip("[]").lower(), None


def _named(host: str, port: int) -> bool:
    host = host.lower()
    return any(
        wanted in (None, port) and (host == entry or (entry.startswith("*.") and host.endswith(entry[1:])))
        for entry, wanted in _entries()
    )


def _network_named(address: Address, port: int) -> bool:
    for entry, wanted in _entries():
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue
        if wanted in (None, port, 0) and address.version == network.version and address in network:
            return True
    return False


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return super().connect_tcp(address_resolve(host, port), port, *args, **kwargs)


class GuardedTransport(httpx.BaseTransport):
    """For clients made of httpx. Without `read_body` an answer is its status and headers only."""

    def __init__(self, *, read_body: bool = True) -> None:
        self._read_body = read_body
        self._pool = httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=_Backend())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        try:
            answer = self._pool.handle_request(asked)
            if not self._read_body:
                answer.close()
                return httpx.Response(answer.status, request=request)
            return httpx.Response(answer.status, headers=answer.headers, content=_body(answer), request=request)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise httpx.TransportError(type(error).__name__, request=request) from None

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True, slots=True)
class Read:
    """What came, and from which address in the end."""

    url: str
    body: bytes


def guarded_read(url: str, *, most: int, seconds: float) -> Read:
    """The beginning of what is at `url`, `most` bytes; each redirect is judged like the first address. Raises
    `SourceUnavailable` and `Invalid`."""
    until = time.monotonic() + seconds
    try:
        with httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=_Backend()) as pool:
            for _ in range(REDIRECTS_MOST + 1):
                parts = urlsplit(url)
                server_url_check(f"{parts.scheme}://{parts.netloc}")
                limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}
                with pool.stream("GET", url, headers=READER, extensions=limits) as response:
                    if response.status in (301, 302, 303, 307, 308):
                        url = urljoin(url, dict(response.headers).get(b"Location", b"").decode("latin-1"))
                        continue
                    if response.status != 200:
                        raise SourceUnavailable(f"The server answers {response.status}")
                    return Read(url=url, body=_begun(response, most=most, until=until))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ValueError, OSError) as error:
        raise SourceUnavailable(type(error).__name__) from None
    raise SourceUnavailable("The server redirects too often")


def _begun(response: httpcore.Response, *, most: int, until: float) -> bytes:
    body = b""
    for chunk in response.iter_stream():
        body += chunk
        if len(body) >= most or time.monotonic() > until:
            break
    return body[:most]


def _body(answer: httpcore.Response) -> bytes:
    """The answer's body, unless it is one without an end."""
    parts: list[bytes] = []
    size, until = 0, time.monotonic() + BODY_SECONDS
    try:
        for part in answer.iter_stream():
            parts.append(part)
            size += len(part)
            if size > BODY_BYTES or time.monotonic() > until:
                raise httpcore.ReadError("the answer does not end")
    finally:
        answer.close()
    return b"".join(parts)


def _connect(connection: HTTPConnection) -> socket.socket:
    port = connection.port or connection.default_port
    return create_connection((address_resolve(connection.host, port), port), connection.timeout)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


def guarded_session() -> requests.Session:
    """For clients made of requests."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", _Adapter())
    session.mount("https://", _Adapter())
    return session
