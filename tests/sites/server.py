"""A small HTTP server for test sites: in the test's own event loop, on loopback, with real server-side sessions.

A site registers handlers by path; a handler gets a `Request` and returns a `Response` (or HTML text). Everything
that came in is kept in `seen`.
"""

import asyncio
import contextlib
import json
import secrets
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

COOKIE = "sid"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    session_id: str
    session: dict[str, Any]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Response:
    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def redirect(to: str, **headers: str) -> Response:
    return Response(status=303, headers={"Location": to, **headers})


def as_json(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status, {"Content-Type": "application/json"})


Handler = Callable[[Request], Awaitable[Response | str] | Response | str]


class SiteServer:
    """`async with SiteServer() as site:` and then `site.url`, `site.domain`."""

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.seen: list[Request] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self._tls = tls
        self._handlers: dict[str, Handler] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0

    async def __aenter__(self) -> "SiteServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        return self._port

    @property
    def domain(self) -> str:
        return f"{self.host}:{self._port}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.domain}"

    def on(self, path: str, handler: Handler) -> None:
        """Answer `path` (any method) with `handler`; "*" answers what nothing else does."""
        self._handlers[path] = handler

    def handler(self, path: str) -> Handler:
        return self._handlers[path]

    def page(self, path: str, html: str) -> None:
        self.on(path, lambda _: html)

    def posts(self, path: str) -> list[Request]:
        return [request for request in self.seen if request.method == "POST" and request.path == path]

    # --- HTTP ------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The streams library logs a handler that ends by cancellation, so closing ends it quietly.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._serve(reader, writer):
                pass
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = self._request(method, target, headers, body)
        self.seen.append(request)
        handler = self._handlers.get(request.path) or self._handlers.get("*")
        answer = handler(request) if handler is not None else Response("<h1>Not found</h1>", 404)
        if isinstance(answer, Awaitable):
            answer = await answer
        response = Response(answer) if isinstance(answer, str) else answer
        writer.write(self._bytes(response, request, head_only=method == "HEAD"))
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    def _request(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
        parts = urlsplit(target)
        cookies = SimpleCookie(headers.get("cookie", ""))
        session_id = cookies[COOKIE].value if COOKIE in cookies else ""
        if session_id not in self.sessions:
            session_id = secrets.token_urlsafe(12)
            self.sessions[session_id] = {}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(method, parts.path, query, headers, body, session_id, self.sessions[session_id])

    def _bytes(self, response: Response, request: Request, *, head_only: bool) -> bytes:
        body = response.body.encode() if isinstance(response.body, str) else response.body
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Set-Cookie": f"{COOKIE}={request.session_id}; Path=/; HttpOnly",
            **response.headers,
            "Content-Length": str(len(body)),
        }
        if headers["Set-Cookie"] == "":
            del headers["Set-Cookie"]
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {response.status} X\r\n{lines}\r\n".encode()
        return head if head_only else head + body


@contextlib.contextmanager
def serving() -> Iterator[SiteServer]:
    """A server on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SiteServer()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
