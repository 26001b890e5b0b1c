"""What stands before Django: bodies are limited before they are read."""

from collections.abc import Mapping
from typing import Any

import pytest

from authsvc.doorway import BodyLimit, websocket_refuse

LIMIT = 2048


class Recorder:
    """An application that reads its body, and the client's side of one exchange."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.sent: list[Mapping[str, Any]] = []
        self.body: bytes | None = None
        self.taken = 0

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.body = b""
        more = True
        while more:
            message = await receive()
            self.body += message["body"]
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive(self) -> dict[str, Any]:
        if self.taken == len(self.chunks):
            return {"type": "http.disconnect"}
        chunk = self.chunks[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": chunk, "more_body": self.taken < len(self.chunks)}

    async def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(message)

    async def run(self, *headers: tuple[bytes, bytes]) -> int:
        scope = {"type": "http", "headers": list(headers)}
        await BodyLimit(self.application)(scope, self.receive, self.send)
        status: int = self.sent[0]["status"]
        return status


@pytest.fixture(autouse=True)
def limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


async def test_a_declared_length_over_the_limit_is_refused_unread():
    client = Recorder([b"x" * LIMIT, b"x"])
    assert await client.run((b"content-length", b"2049")) == 413
    assert client.taken == 0


async def test_chunks_over_the_limit_are_refused_when_they_pass_it():
    client = Recorder([b"x" * 1024] * 50)
    assert await client.run((b"transfer-encoding", b"chunked")) == 413
    assert client.taken == 3
    assert client.body is None


async def test_chunks_within_the_limit_arrive_whole():
    client = Recorder([b"x" * 1024, b"y" * 1024])
    assert await client.run((b"transfer-encoding", b"chunked")) == 200
    assert client.body == b"x" * 1024 + b"y" * 1024


async def test_a_body_at_the_limit_passes():
    client = Recorder([b"x" * LIMIT])
    assert await client.run((b"content-length", b"2048")) == 200


async def test_a_websocket_finds_nothing():
    client = Recorder([b""])
    await websocket_refuse({}, client.receive, client.send)
    assert client.sent == [{"type": "websocket.close", "code": 4404}]
