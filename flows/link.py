"""A direct line between the web process, where a person's websocket ends, and the worker, where the browser is.

Frames and keys do not go through the broker: it has no back-pressure, and what a person types has no business there.
The worker listens on a socket of its own and its address stands in the database. Both ends know the service's secret;
everything but two random numbers is sealed with a key made of them and it, so whoever does not know it can neither
read a message nor send one.
"""

import asyncio
import json
import logging
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

log = logging.getLogger(__name__)

NONCE_BYTES = 16
GREETING_SECONDS = 5.0
SEND_SECONDS = 15.0  # a peer that takes nothing for so long is gone
LIMIT_BYTES = 8 * 1024 * 1024
WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - names, not an address to bind
_LENGTH = struct.Struct("!I")


class LinkRefused(Exception):
    """The other end is not there, does not know the secret, or has nothing under that name."""


class Line:
    """One end. Messages are whole and in order; what was sent twice, altered or left out closes the line."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, sends: AESGCM, receives: AESGCM
    ) -> None:
        self._reader, self._writer = reader, writer
        self._sends, self._receives = sends, receives
        self._sent = self._received = 0
        self._sending = asyncio.Lock()

    async def send(self, message: bytes) -> None:
        """Raises `LinkRefused` when the other end is gone."""
        async with self._sending:
            sealed = self._sends.encrypt(_counted(self._sent), message, None)
            self._sent += 1
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    self._writer.write(_LENGTH.pack(len(sealed)) + sealed)
                    await self._writer.drain()
            except (OSError, TimeoutError):
                self.close()
                raise LinkRefused("the other end is gone") from None

    async def receive(self) -> bytes | None:
        """The next message; None once the line is closed."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > LIMIT_BYTES:
                raise InvalidTag
            message = self._receives.decrypt(_counted(self._received), await self._reader.readexactly(length), None)
        except (OSError, asyncio.IncompleteReadError, InvalidTag):
            self.close()
            return None
        self._received += 1
        return message

    def close(self) -> None:
        """What was sent before still arrives."""
        self._writer.close()


def _counted(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _keys(secret: bytes, caller: bytes, callee: bytes) -> tuple[AESGCM, AESGCM]:
    """For what the caller says and for what it hears."""
    made = HKDF(algorithm=SHA256(), length=64, salt=caller + callee, info=b"authsvc worker line").derive(secret)
    return AESGCM(made[:32]), AESGCM(made[32:])


async def dial(address: str, greeting: Mapping[str, Any], *, secret: bytes) -> Line:
    """A line to whatever `greeting` names at `address` ("host:port"). Raises `LinkRefused`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise LinkRefused("no address")
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            mine = secrets.token_bytes(NONCE_BYTES)
            writer.write(mine)
            says, hears = _keys(secret, mine, await reader.readexactly(NONCE_BYTES))
            line = Line(reader, writer, sends=says, receives=hears)
            await line.send(json.dumps(greeting).encode())
            answer = await line.receive()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        answer = None
    if answer != b"ok" or writer is None:
        if writer is not None:
            writer.close()
        raise LinkRefused("not there")
    return line


Serve = Callable[[Line], Awaitable[None]]
Find = Callable[[dict[str, Any]], Serve | None]
"""What serves a greeting; None for what is not here."""


class Exchange:
    """The worker's side: accepts lines and gives each to what its greeting names."""

    def __init__(self, find: Find, *, secret: bytes) -> None:
        self._find = find
        self._secret = secret
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self.address = ""

    async def start(self, listen: str, advertise: str) -> None:
        """Listen on a free port; once is enough. Raises OSError. Who listens everywhere is known by its host's name."""
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._accept, listen, 0)
        port = self._server.sockets[0].getsockname()[1]
        host = socket.gethostname() if advertise in WILDCARDS else advertise
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._lines):
            task.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
        with suppress(asyncio.CancelledError):  # at the end of the process; asyncio would log it
            try:
                await self._carry(reader, writer)
            except LinkRefused:
                log.debug("a line ended")
            finally:
                writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = secrets.token_bytes(NONCE_BYTES)
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                theirs = await reader.readexactly(NONCE_BYTES)
                writer.write(mine)
                hears, says = _keys(self._secret, theirs, mine)
                line = Line(reader, writer, sends=says, receives=hears)
                greeting = await line.receive()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return
        serve = self._find(json.loads(greeting)) if greeting is not None else None
        if serve is None:
            return
        await line.send(b"ok")
        await serve(line)
