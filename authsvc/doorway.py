"""What stands before Django: a limit on bodies, kept before they are read, and a door for websockets."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from django.conf import settings

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CLOSE_NO_ROUTE = 4404


class BodyLimit:
    """Answers 413 to a body over the limit, whether it says its length or comes in chunks. Django would read all
    of it to disk first, and would not count one that does not say its length."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        declared = _declared_length(scope)
        if declared is not None and declared > limit:
            await _too_large(send)
            return
        if declared is None and _is_chunked(scope):
            body = await _read(receive, limit=limit)
            if body is None:
                await _too_large(send)
                return
            receive = _replay(body, receive)
        await self.application(scope, receive, send)


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _declared_length(scope: Scope) -> int | None:
    value = _header(scope, b"content-length") or b""
    return int(value) if value.isdigit() else None


def _is_chunked(scope: Scope) -> bool:
    return _header(scope, b"transfer-encoding") is not None


async def _read(receive: Receive, *, limit: int) -> bytes | None:
    """The whole body, or nothing when it is over the limit or the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


async def _too_large(send: Send) -> None:
    body = json.dumps({"code": "body_too_large", "message": "The request body is too large"}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-should-retry", b"false"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def websocket_refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """No websocket lives here."""
    await receive()
    await send({"type": "websocket.close", "code": CLOSE_NO_ROUTE})
