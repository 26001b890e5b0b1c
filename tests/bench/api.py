"""The API under load, on PostgreSQL: reading among many connections, and many followers of one login.

    uv run python -m tests.bench.api [--connections 100000] [--clients 50] [--seconds 10] [--streams 500] [--json]

`retrieve` and `list` are asked for by all clients at once, in turns with an empty route (`/healthz`: no key, no
database) and with `/auth/context` (a key, nothing else) in the same run. Then every stream follows one login, which is
canceled: how long until the last follower knows, and how many database connections the web process held at most.
"""

import argparse
import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import psutil
import psycopg
from kernel import Kernel

from tests.service.stack import Stack, running

SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
UNLIMITED = {"AUTHSVC_KEY_REQUESTS": "0", "AUTHSVC_DOMAIN_LOGINS": "0"}
TURN_SECONDS = 1.0


def connections_fill(stack: Stack, client: Kernel, count: int) -> None:
    """Many rows like one that the API made."""
    made = client.auth.connections.create(domain="first.example", profile_name="bench")
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as server:
        columns = [
            name
            for (name,) in server.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'flows_connection'"
            )
        ]
        own = {
            "id": "'ma_bench' || n",
            "domain": "'site' || n || '.example'",
            "created_at": "created_at - n * interval '1 second'",
        }
        wanted = ", ".join(own.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        server.execute(
            f"INSERT INTO flows_connection ({names}) SELECT {wanted} "
            "FROM flows_connection CROSS JOIN generate_series(1, %s) AS n WHERE id = %s",
            (count, made.id),
        )
        server.execute("VACUUM ANALYZE")


@dataclass
class Line:
    """One keep-alive connection, with as little work per request as there can be."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, head: bytes) -> tuple[int, bytes]:
        self.writer.write(head)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(answer[9:12]), await self.reader.readexactly(length)


def request(stack: Stack, path: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{stack.port}", f"Authorization: Bearer {stack.api_key}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def reading(stack: Stack, *, connections: int, clients: int, seconds: float) -> dict[str, dict[str, float]]:
    """Milliseconds by route. All clients ask for the same route for a moment, then all for the next."""
    numbers = cycle(range(1, connections + 1, 97))
    routes: dict[str, Iterator[bytes]] = {
        "empty": cycle([request(stack, "/healthz")]),
        "context": cycle([request(stack, "/auth/context")]),
        "retrieve": (request(stack, f"/auth/connections/ma_bench{number}") for number in numbers),
        "list": cycle([request(stack, "/auth/connections?limit=20")]),
    }
    lines = [Line(*await asyncio.open_connection("127.0.0.1", stack.port)) for _ in range(clients)]
    took: defaultdict[str, list[float]] = defaultdict(list)

    async def client(line: Line, route: str, until: float) -> None:
        while (start := time.perf_counter()) < until:
            status, _ = await line.get(next(routes[route]))
            if status != 200:
                raise RuntimeError(f"{route} answered {status}")
            took[route].append((time.perf_counter() - start) * 1000)

    for turn in range(max(2, round(seconds / TURN_SECONDS)) + 1):
        for route in routes:
            until = time.perf_counter() + TURN_SECONDS
            await asyncio.gather(*(client(line, route, until) for line in lines))
        if turn == 0:  # warming up
            took.clear()
    for line in lines:
        line.writer.close()
    return {route: figures(values) for route, values in took.items()}


def figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {share: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95)}
    return {"requests": len(ordered), "median_ms": round(at[0.5], 1), "p95_ms": round(at[0.95], 1)}


def database_links(stack: Stack) -> int:
    """How many connections to the database the web process has now."""
    port = 5432
    web = [pid for pid, command in stack.children().items() if "authsvc.asgi" in command]
    found = 0
    for pid in web:
        found += sum(bool(link.raddr) and link.raddr.port == port for link in psutil.Process(pid).net_connections())
    return found


async def following(stack: Stack, client: Kernel, streams: int) -> dict[str, float]:
    """Seconds from the cancellation until the first and the last of the followers of one login know."""
    connection = await asyncio.to_thread(
        client.auth.connections.create,
        domain=stack.demo_url.removeprefix("http://"),
        profile_name="followed",
        login_url=f"{stack.demo_url}/login",
        browser={"stealth": False},
    )
    await asyncio.to_thread(client.auth.connections.login, connection.id)
    heard: list[float] = []
    waiting = asyncio.Event()
    opened = 0

    async def follow() -> None:
        nonlocal opened
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
        with closing(writer):
            writer.write(request(stack, f"/auth/connections/{connection.id}/events"))
            async for state in states(reader):
                if state["flow_step"] == "AWAITING_INPUT":
                    opened += 1
                    if opened == streams:
                        waiting.set()
                elif state["flow_status"] == "CANCELED":
                    heard.append(time.perf_counter())
                    return

    followers = [asyncio.create_task(follow()) for _ in range(streams)]
    links = 0
    async with asyncio.timeout(180):
        await waiting.wait()
        for _ in range(20):  # how it is while nothing happens
            links = max(links, await asyncio.to_thread(database_links, stack))
            await asyncio.sleep(0.2)
        processor = await asyncio.to_thread(web_processor, stack)
        start = time.perf_counter()
        await asyncio.to_thread(client.post, f"/auth/connections/{connection.id}/cancel", cast_to=object)
        links = max(links, await asyncio.to_thread(database_links, stack))
        await asyncio.gather(*followers)
    return {
        "streams": streams,
        "first_s": round(min(heard) - start, 3),
        "last_s": round(max(heard) - start, 3),
        "database_connections": links,
        "idle_processor_percent": processor,
    }


def web_processor(stack: Stack) -> float:
    """Of one core, while the streams are open and nothing happens."""
    web = [psutil.Process(pid) for pid, command in stack.children().items() if "authsvc.asgi" in command]
    return sum(process.cpu_percent(interval=2) for process in web)


async def states(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    while line := await reader.readline():
        if line.startswith(b"data: "):
            data = json.loads(line[6:])
            if data["event"] == "managed_auth_state":
                yield data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DATABASE_URL", SERVER)
    with running(arguments=(), env=UNLIMITED) as stack:
        client = stack.client()
        connections_fill(stack, client, options.connections)
        load = reading(stack, connections=options.connections, clients=options.clients, seconds=options.seconds)
        found: dict[str, Any] = asyncio.run(load)
        empty = found["empty"]["p95_ms"]
        for route in ("context", "retrieve", "list"):
            found[route]["p95_by_empty"] = round(found[route]["p95_ms"] / empty, 2)
        found["streams"] = asyncio.run(following(stack, client, options.streams))
    if options.json:
        print(json.dumps(found))
        return
    for name, figure in found.items():
        print(f"{name:<10} {figure}")


if __name__ == "__main__":
    main()
