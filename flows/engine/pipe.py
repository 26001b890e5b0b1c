"""One browser's debugging pipe, shared by any number of clients.

Chromium is started with a pipe instead of a port: nobody else on the machine can connect to it, and it ends when we
do. Each client gets a session of the browser target, to which everything it says without a session belongs; what the
browser says is passed on by the session it names. So clients do not see each other, as on separate connections.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from flows.engine.cdp_rules import Answer, Leave, Pass, command_judge, target_allowed
from flows.engine.errors import BrowserLost

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 128 * 2**20
BACKLOG_LIMIT = 64 * 2**20  # a client that reads more slowly than this is let go
CALL_SECONDS = 20.0
REFUSED = -32000
NUMBERS = 2**30  # our own commands count from here, where no client's do
# Chromium writes the session last; looking only there saves reading whole screenshots.
_SESSION = re.compile(rb',"sessionId":"([0-9A-F]{16,64})"\}$')
_TAIL = 96
_ATTACHED = b'{"method":"Target.attachedToTarget"'
_DETACHED = b'{"method":"Target.detachedFromTarget"'


Hear = Callable[[str, Mapping[str, Any]], None]


class Client:
    """One debugger. Its owner feeds it with `say` and carries away what `heard` gives until that ends."""

    def __init__(self, pipe: "Pipe", root: str) -> None:
        self.root = root
        self._pipe = pipe
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._backlog = 0
        self.closed = False

    async def say(self, text: str | bytes) -> None:
        """Pass on one message of the client. What is no command at all ends the connection."""
        try:
            command = json.loads(text)
            number, method = command["id"], command["method"]
            params = command.get("params") or {}
            judged = command_judge(str(method), params)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.close()
            return
        session = command.get("sessionId")
        if session is not None and not self._pipe.owns(self, session):
            self._reply(number, session, {"error": {"code": -32001, "message": "Session with given id not found."}})
            return
        match judged:
            case Pass(params=params):
                await self._pipe.send(
                    {"id": number, "method": method, "params": params, "sessionId": session or self.root}
                )
            case Answer():
                self._reply(number, session, {"result": {}})
            case Leave():
                self._reply(number, session, {"result": {}})
                self.close()
            case refused:
                log.info("a debugger's %s was refused", str(method)[:80])
                self._reply(number, session, {"error": {"code": REFUSED, "message": refused.reason}})

    async def heard(self) -> AsyncIterator[bytes]:
        """Messages for the client, until the browser ends or the client is let go."""
        while (message := await self._queue.get()) is not None:
            self._backlog -= len(message)
            yield message

    def put(self, message: bytes) -> None:
        if self.closed:
            return
        self._backlog += len(message)
        if self._backlog > BACKLOG_LIMIT:
            log.warning("a debugger reads too slowly and is let go")
            self.close()
            return
        self._queue.put_nowait(message)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._queue.put_nowait(None)

    def _reply(self, number: object, session: str | None, content: Mapping[str, Any]) -> None:
        message = {"id": number, **content} | ({"sessionId": session} if session else {})
        self.put(json.dumps(message, separators=(",", ":")).encode())


class Pipe:
    """The pipe of one browser process. `events` get what the browser says to nobody in particular."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._replies: dict[tuple[str | None, int], asyncio.Future[dict[str, Any]]] = {}  # by session, number
        self._owners: dict[str, Client] = {}  # by session
        self._hearers: dict[str, Hear] = {}  # of our own sessions
        self._number = NUMBERS
        self.closed = asyncio.Event()
        self.event: Callable[[str, Mapping[str, Any]], None] = lambda method, params: None
        self.let_go: Callable[[], None] = lambda: None  # some session ended, and took along what it had changed
        self._pump = asyncio.create_task(self._read(), name="browser pipe")

    async def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, session: str | None = None
    ) -> dict[str, Any]:
        """Our own command, judged by nobody. Raises `BrowserLost` when the browser ends, refuses or is silent."""
        self._number += 1
        number = self._number
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[session, number] = reply
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        try:
            await self.send(message | ({"sessionId": session} if session else {}))
            async with asyncio.timeout(CALL_SECONDS):
                answer = await reply
        except (TimeoutError, OSError):
            raise BrowserLost(f"{method} was not answered") from None
        finally:
            self._replies.pop((session, number), None)
        if "error" in answer:
            raise BrowserLost(f"{method} was refused by the browser")
        result: dict[str, Any] = answer.get("result", {})
        return result

    async def client(self) -> Client:
        """A debugger of its own. Raises `BrowserLost`."""
        root: str = (await self.call("Target.attachToBrowserTarget"))["sessionId"]
        client = Client(self, root)
        self._owners[root] = client
        return client

    async def attach(self, target: str, hear: Hear) -> str:
        """A session of our own with one target; `hear` gets its events. Raises `BrowserLost`."""
        session: str = (await self.call("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
        self.hear(session, hear)
        return session

    async def detach(self, session: str) -> None:
        """Raises `BrowserLost`."""
        self.unhear(session)
        await self.call("Target.detachFromTarget", {"sessionId": session})
        self.let_go()

    def hear(self, session: str, hear: Hear) -> None:
        """`hear` gets the events of this session of our own."""
        self._hearers[session] = hear

    def unhear(self, session: str) -> None:
        self._hearers.pop(session, None)

    async def leave(self, client: Client) -> None:
        """Forget a client; what it was attached to goes on without it."""
        client.close()
        with suppress(BrowserLost):
            await self.call("Target.detachFromTarget", {"sessionId": client.root})
        self._owners = {session: owner for session, owner in self._owners.items() if owner is not client}
        self.let_go()

    @property
    def clients(self) -> int:
        return len({id(owner) for owner in self._owners.values() if not owner.closed})

    def owns(self, client: Client, session: object) -> bool:
        return isinstance(session, str) and self._owners.get(session) is client and session != client.root

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.closed.is_set():
            raise BrowserLost("the browser ended")
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\0")
        await self._writer.drain()

    async def close(self) -> None:
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        self._writer.close()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._reader.readuntil(b"\0")
                self._take(message[:-1])
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            log.info("a browser's pipe ended: %s", type(error).__name__)
        finally:
            self.closed.set()
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(BrowserLost("the browser ended"))
            for client in set(self._owners.values()):
                client.close()

    def _take(self, message: bytes) -> None:
        found = _SESSION.search(message[-_TAIL:])
        if found is None:
            self._take_own(json.loads(message))
            return
        session = found[1].decode()
        owner = self._owners.get(session)
        if owner is None:  # of a client that left, or an answer to our own command
            content = json.loads(message)
            if "id" in content:
                self._take_own(content)
            elif hear := self._hearers.get(session):
                hear(content["method"], content.get("params", {}))
            return
        if message.startswith(_ATTACHED) and not self._attached(json.loads(message), owner):
            return
        if message.startswith(_DETACHED):
            self._owners.pop(json.loads(message)["params"]["sessionId"], None)
            self.let_go()
        if session == owner.root:
            message = message[: -len(found[0])] + b"}"
        owner.put(message)

    def _attached(self, content: Mapping[str, Any], owner: Client) -> bool:
        params = content["params"]
        if target_allowed(params["targetInfo"]):
            self._owners[params["sessionId"]] = owner
            return True
        detach = {"id": 0, "method": "Target.detachFromTarget", "params": {"sessionId": params["sessionId"]}}
        self._writer.write(json.dumps(detach).encode() + b"\0")
        return False

    def _take_own(self, content: Mapping[str, Any]) -> None:
        if "id" in content:
            session, number = content.get("sessionId"), content["id"]
            reply = self._replies.get((session, number))
            if reply is None and session is None:  # of a session that is gone already Chromium writes no name
                reply = next((other for (_, asked), other in self._replies.items() if asked == number), None)
            if reply is not None and not reply.done():
                reply.set_result(dict(content))
            return
        self.event(content["method"], content.get("params", {}))
