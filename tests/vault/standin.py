"""A server on loopback that answers as a test's handler says, and stops with the test."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


Answer = tuple[int, Any]
Handler = Callable[[Asked], Answer]


@dataclass(slots=True)
class StandIn:
    """`release` ends the wait of a handler that plays a slow server."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(handler: Handler, *, content_type: str = "application/json") -> Iterator[StandIn]:
    """Run `handler` behind http://127.0.0.1:…; its answers are a status and something to send as JSON."""
    stand_in = StandIn()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, headers, self.rfile.read(length))
            stand_in.asked.append(asked)
            status, content = handler(asked)
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    for method in ("GET", "POST", "PUT", "LIST", "DELETE"):
        setattr(Door, f"do_{method}", Door._any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
