"""The line between web and worker: whole messages, in order, for those who know the secret."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flows.link import Exchange, Line, LinkRefused, dial

SECRET, OTHER = b"s" * 32, b"o" * 32


async def echo(line: Line) -> None:
    while (message := await line.receive()) is not None:
        await line.send(message[::-1])


@asynccontextmanager
async def exchange() -> AsyncIterator[str]:
    running = Exchange(lambda greeting: echo if greeting.get("flow") == "known" else None, secret=SECRET)
    await running.start("127.0.0.1", "127.0.0.1")
    await running.start("127.0.0.1", "127.0.0.1")  # once is enough
    yield running.address
    await running.close()


@asynccontextmanager
async def tapped(address: str, change: Any) -> AsyncIterator[str]:
    """Somebody in between, who may alter what the caller says after the greeting."""
    host, _, port = address.rpartition(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection(host, int(port))
        down.write(await reader.readexactly(16))

        async def back() -> None:
            while data := await up.read(65536):
                writer.write(data)
            writer.close()

        going = asyncio.create_task(back())
        number = 0
        while head := await reader.read(4):
            body = await reader.readexactly(int.from_bytes(head, "big"))
            for piece in change(number, head + body):
                down.write(piece)
            number += 1
        down.close()
        await going

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_messages_arrive_whole_and_in_order() -> None:
    async with exchange() as address:
        line = await dial(address, {"flow": "known"}, secret=SECRET)
        for message in (b"", b"abc", b"\0" * 100_000 + b"x"):
            await line.send(message)
            assert await line.receive() == message[::-1]
        line.close()


async def test_nobody_gets_a_line_without_the_secret_or_to_what_is_not_there() -> None:
    async with exchange() as address:
        for greeting, secret in (({"flow": "known"}, OTHER), ({"flow": "unknown"}, SECRET), ({}, SECRET)):
            with pytest.raises(LinkRefused):
                await dial(address, greeting, secret=secret)
    for nowhere in (address, "", "127.0.0.1", "127.0.0.1:x"):
        with pytest.raises(LinkRefused):
            await dial(nowhere, {"flow": "known"}, secret=SECRET)


@pytest.mark.parametrize(
    "change",
    [
        lambda number, data: [data[:-1] + bytes([data[-1] ^ 1])] if number else [data],
        lambda number, data: [data, data] if number else [data],
        lambda number, data: [] if number == 1 else [data],
    ],
    ids=["altered", "repeated", "left out"],
)
async def test_r03_what_is_not_as_it_was_sent_ends_the_line(change: Any) -> None:
    async with exchange() as address, tapped(address, change) as between:
        line = await dial(between, {"flow": "known"}, secret=SECRET)
        await line.send(b"one")
        await line.send(b"two")
        heard = [await line.receive(), await line.receive()]
        assert None in heard
        assert b"owt" not in heard
        line.close()


async def test_r09_what_crosses_the_network_cannot_be_read() -> None:
    crossed: list[bytes] = []

    def keep(number: int, data: bytes) -> list[bytes]:
        crossed.append(data)
        return [data]

    async with exchange() as address, tapped(address, keep) as between:
        line = await dial(between, {"flow": "known"}, secret=SECRET)
        await line.send(b"canary-typed")
        assert await line.receive() == b"canary-typed"[::-1]
        line.close()
    assert crossed
    assert not any(b"canary" in data or b"known" in data for data in crossed)
