"""The worker's door for browser sessions: a websocket server that only our own processes can open.

Each session has two doors. `cdp` joins a client to the browser's pipe; `control` takes one command of ours as JSON and
answers when it is done. What opens them is an HMAC over the session; a page in some browser that finds the port has
none, and says its origin besides.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from flows.browser_links import relay_token
from flows.engine.errors import BrowserLost
from flows.engine.pipe import Client, Pipe
from flows.relay import HEADER

log = logging.getLogger(__name__)

Control = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Served:
    """A session behind the doors. `used` is the loop's time of the last sign of a client; `own` clients are ours."""

    pipe: Pipe
    control: Control
    used: float
    clients: set[Client] = field(default_factory=set)

    def idle_seconds(self, now: float) -> float:
        return 0.0 if self.clients else now - self.used


class Relay:
    """All sessions of one worker. `address` is where other processes reach it, once started."""

    def __init__(self, *, listen: str, advertise: str) -> None:
        self._listen = listen
        self._advertise = advertise
        self._server: Server | None = None
        self._served: dict[str, Served] = {}
        self._lock = asyncio.Lock()
        self.address = ""

    async def start(self) -> None:
        """Listen, if that was not done yet. Raises OSError."""
        async with self._lock:
            if self._server is not None:
                return
            self._server = await serve(
                self._serve,
                self._listen,
                0,
                process_request=self._admit,
                compression=None,
                max_size=None,
                logger=logging.getLogger("websockets.relay"),
            )
            port = next(iter(self._server.sockets)).getsockname()[1]
            self.address = f"{self._advertise}:{port}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def add(self, session_id: str, served: Served) -> None:
        self._served[session_id] = served

    def remove(self, session_id: str) -> None:
        self._served.pop(session_id, None)

    def local_url(self, session_id: str, door: str) -> str:
        """For our own driver, in this process."""
        return f"ws://127.0.0.1:{self.address.rpartition(':')[2]}/{session_id}/{door}"

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        session_id, _, door = request.path.strip("/").partition("/")
        given = request.headers.get(HEADER, "")
        wanted = f"Bearer {relay_token(session_id)}"
        if "Origin" in request.headers or not hmac.compare_digest(given.encode(), wanted.encode()):
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        if session_id not in self._served or door not in ("cdp", "own", "control"):
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        session_id, _, door = path.strip("/").partition("/")
        served = self._served.get(session_id)
        if served is None:
            return
        with suppress(ConnectionClosed, BrowserLost):
            if door == "control":
                await _control(connection, served)
            else:
                await _debug(connection, served, counted=door == "cdp")


async def _control(connection: ServerConnection, served: Served) -> None:
    command = json.loads(await connection.recv())
    try:
        await served.control(command)
        answer: dict[str, str] = {}
    except BrowserLost as error:
        answer = {"error": str(error)}
    await connection.send(json.dumps(answer))


async def _debug(connection: ServerConnection, served: Served, *, counted: bool) -> None:
    """Carry one debugger's messages until either side goes. Only `counted` ones keep the browser alive."""
    loop = asyncio.get_running_loop()
    client = await served.pipe.client()
    if counted:
        served.clients.add(client)

    async def down() -> None:
        async for message in client.heard():
            await connection.send(message, text=True)
        await connection.close()

    downward = asyncio.create_task(down())
    try:
        async for message in connection:
            await client.say(message)
    finally:
        served.clients.discard(client)
        served.used = loop.time()
        client.close()
        with suppress(ConnectionClosed):
            await downward
        await served.pipe.leave(client)
