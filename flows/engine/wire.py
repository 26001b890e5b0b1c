"""HTTP/1.1 as a forward proxy meets it: reading requests, relaying bodies, tunnels and answers."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flows.engine.origins import host_normalise

CHUNK = 65536
HEAD_LIMIT = 65536
MARK = "proxy-status"  # the header that tells our own answers from the site's
PAGE = b"<!doctype html><title>unreachable</title>"
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CLIENT_ERRORS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


@dataclass(frozen=True, slots=True)
class Head:
    method: bytes
    target: bytes
    lines: tuple[bytes, ...]

    def header(self, name: bytes) -> bytes:
        prefix = name.lower() + b":"
        return next((line[len(prefix) :].strip() for line in self.lines if line.lower().startswith(prefix)), b"")


async def head_read(reader: asyncio.StreamReader) -> Head | None:
    """The next request's head; None when the client is done. Raises ValueError for nonsense."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw[:-4].split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not TOKEN.fullmatch(words[0]) or not words[2].startswith(b"HTTP/1."):
        raise ValueError("not a request")
    return Head(words[0], words[1], tuple(lines))


def destination(head: Head) -> tuple[str, int, bytes]:
    """(host, port, path) of a request. Raises ValueError, InvalidDomain."""
    text = head.target.decode("ascii")
    if head.method == b"CONNECT":
        parts = urlsplit(f"//{text}")
        if not parts.hostname or parts.port is None:
            raise ValueError("CONNECT needs host:port")
        return host_normalise(parts.hostname), parts.port, b""
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("a request to a proxy names its host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query or text.endswith("?") else "")
    return host_normalise(parts.hostname), parts.port or 80, path.encode()


async def answer(writer: asyncio.StreamWriter, status: bytes, more: bytes = b"") -> None:
    """Refuse with a page of our own: an empty answer would have Chromium load its error page on top. `more` are
    headers."""
    head = b"HTTP/1.1 " + status + b"\r\n" + MARK.encode() + b": authsvc\r\nContent-Type: text/html\r\n" + more
    writer.write(head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PAGE) + PAGE)
    await writer.drain()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, then say so to the other side."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def both(up: Coroutine[Any, Any, None], down: Coroutine[Any, Any, None]) -> None:
    """Run both directions until one ends: Chromium never closes half a connection."""
    tasks = (asyncio.ensure_future(up), asyncio.ensure_future(down))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def body_relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head) -> None:
    if b"chunked" in head.header(b"transfer-encoding").lower():
        await _chunks_relay(reader, writer)
        return
    left = int(head.header(b"content-length") or 0)
    while left > 0:
        data = await reader.read(min(left, CHUNK))
        if not data:
            raise ConnectionResetError("the body ended early")
        left -= len(data)
        writer.write(data)
        await writer.drain()


async def _chunks_relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        size_line = await reader.readuntil(b"\r\n")
        writer.write(size_line)
        size = int(size_line.split(b";")[0], 16)
        if size == 0:
            break
        writer.write(await reader.readexactly(size + 2))
        await writer.drain()
    while (trailer := await reader.readuntil(b"\r\n")) != b"\r\n":
        writer.write(trailer)
    writer.write(b"\r\n")


def client_hello(host: str) -> bytes:
    """The first bytes of a TLS conversation."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    conversation = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        conversation.do_handshake()
    return outgoing.read()


def trouble_of(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "the name does not exist"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the server refused the connection"
    return "the server could not be reached"
