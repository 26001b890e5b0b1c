"""The websocket of a live view: lets a person through to the worker that has the page.

A plain ASGI application: no channel layer is involved, messages are passed on as they come. The first message says who
is there; nothing of it is logged. Only our own pages may open it (`Origin`), wherever they are embedded.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.http.request import validate_host
from django.utils import timezone

from flows.link import Line, LinkRefused, dial
from flows.live_links import link_secret
from flows.services.live import LiveOpen, live_open
from flows.views.cookies import session_name
from vault.aio import run_db
from vault.errors import VaultError

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HELLO_SECONDS = 10.0
LIMIT = 16_384  # characters of one message from a person
FRAME, NOTICE = b"F", b"N"
CLOSE_OVER, CLOSE_REFUSED, CLOSE_GONE = 1000, 4404, 1013


async def live_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """One person at one login or browser."""
    await receive()  # websocket.connect
    if not _is_ours(scope):
        await send({"type": "websocket.close", "code": CLOSE_REFUSED})
        return
    await send({"type": "websocket.accept"})
    found = await _judge(scope, receive)
    if found is None:
        await _close(send, CLOSE_REFUSED)
        return
    try:
        line = await dial(found.address, {"shows": found.shown_id, "right": found.right}, secret=link_secret())
    except LinkRefused:
        await _close(send, CLOSE_GONE)
        return
    try:
        await _carry(receive, send, line)
    finally:
        line.close()


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _is_ours(scope: Scope) -> bool:
    """Browsers always say where the page that opens a websocket comes from."""
    headers = _headers(scope)
    origin = urlsplit(headers.get("origin", ""))
    if headers.get("origin") == _origin(settings.BASE_URL):
        return True
    host = headers.get("host", "")
    return origin.netloc == host != "" and validate_host(origin.hostname or "", settings.ALLOWED_HOSTS)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _judge(scope: Scope, receive: Receive) -> LiveOpen | None:
    shown_id = scope["url_route"]["kwargs"]["shown_id"]
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = _content(await receive())
    except TimeoutError:
        return None
    if hello is None:
        return None
    source = (scope.get("client") or ("",))[0]
    cookies = parse_cookie(_headers(scope).get("cookie", ""))
    try:
        return await run_db(
            live_open,
            shown_id,
            token=str(hello.get("token") or ""),
            page_token=cookies.get(session_name(shown_id), ""),
            read_only=bool(hello.get("readOnly")),
            source=source,
            now=timezone.now(),
        )
    except VaultError as error:
        log.warning("a live view was refused: %s", error.code)
        return None


def _content(message: MutableMapping[str, Any]) -> dict[str, Any] | None:
    text = message.get("text") or ""
    if message["type"] != "websocket.receive" or len(text) > LIMIT:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


async def _carry(receive: Receive, send: Send, line: Line) -> None:
    """Both ways until either side goes."""
    tasks = [asyncio.create_task(_up(receive, line)), asyncio.create_task(_down(line, send))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[1].done():
            over = not tasks[1].exception() and tasks[1].result()
            await _close(send, CLOSE_OVER if over else CLOSE_GONE)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _up(receive: Receive, line: Line) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        content = _content(message)
        if content is not None:
            await line.send(json.dumps(content).encode())


async def _down(line: Line, send: Send) -> bool:
    """True when what it shows is over, False when its worker went away."""
    while (message := await line.receive()) is not None:
        kind, content = message[:1], message[1:]
        if kind == FRAME:
            await send({"type": "websocket.send", "bytes": content})
        elif kind == NOTICE:
            await send({"type": "websocket.send", "text": content.decode()})
            if json.loads(content).get("t") == "over":
                return True
    return False


async def _close(send: Send, code: int) -> None:
    with suppress(RuntimeError):  # the person went at the same moment
        await send({"type": "websocket.close", "code": code})
