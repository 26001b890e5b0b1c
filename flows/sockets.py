"""The websocket at `cdp_ws_url`: lets a debugger through to the worker that holds its browser.

A plain ASGI application, since nothing here needs a channel layer: messages are passed on as they come. Who may come in
is said by the token in the address alone; it is on record before the first message (R35).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from flows.browser_links import cdp_session_id
from flows.models import BrowserSession
from flows.relay import TROUBLE, relay_open
from flows.services.sessions import State, session_use_record
from vault.aio import run_db
from vault.errors import VaultError

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLOSE_NO_SESSION = 4404
CLOSE_GONE = 1011
CLOSE_OVER = 1000


async def cdp_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Refused before it opens, with an HTTP 403, unless the token belongs to a browser that runs."""
    await receive()  # websocket.connect
    token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
    try:
        session = await run_db(_session, token)
    except VaultError as error:
        log.warning("a debugger was refused: %s", error.code)
        session = None
    if session is None:
        await send({"type": "websocket.close", "code": CLOSE_NO_SESSION})
        return
    try:
        relay = await relay_open(session, "cdp")
    except TROUBLE:
        await send({"type": "websocket.close", "code": CLOSE_GONE})
        return
    async with relay:
        await send({"type": "websocket.accept"})
        await _carry(receive, send, relay)


async def _carry(receive: Receive, send: Send, relay: ClientConnection) -> None:
    """Both ways until either side goes."""
    upward = asyncio.create_task(_up(receive, relay))
    downward = asyncio.create_task(_down(relay, send))
    try:
        await asyncio.wait({upward, downward}, return_when=asyncio.FIRST_COMPLETED)
        if downward.done():
            with suppress(RuntimeError):  # the client went at the same moment
                await send({"type": "websocket.close", "code": CLOSE_OVER})
    finally:
        for task in (upward, downward):
            task.cancel()
        await asyncio.gather(upward, downward, return_exceptions=True)


async def _up(receive: Receive, relay: ClientConnection) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        await relay.send(text if text is not None else message.get("bytes", b""), text=True)


async def _down(relay: ClientConnection, send: Send) -> None:
    with suppress(ConnectionClosed):
        async for message in relay:
            await send({"type": "websocket.send", "text": message if isinstance(message, str) else message.decode()})


def _session(token: str) -> BrowserSession | None:
    session_id = cdp_session_id(token)
    if session_id is None:
        return None
    session: BrowserSession | None = BrowserSession.objects.filter(pk=session_id, state=State.RUNNING).first()
    if session is not None:
        session_use_record(session, actor=f"browser:{session.id}", action="browser.connect")
    return session
