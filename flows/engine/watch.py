"""What goes on in a page, by its events: is it loading, did it navigate, is it talking to its server."""

import asyncio
from typing import Any

from flows.engine.drivers import DRIVER_ERRORS

# Requests that may change what the page shows. Streams never end and say nothing about being done.
AWAITED = frozenset({"document", "xhr", "fetch", "script", "stylesheet"})
SENDING = frozenset({"document", "xhr", "fetch", "websocket", "ping", "other"})
POLL_SECONDS = 1.0
BODY_SECONDS = 2.0
REPLY_SECONDS = 6.0  # what is sent over a socket may not be meant to be answered


class PageWatch:
    """Counts and flags of one page; `wait` returns at the next event."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.documents = 0  # documents loaded
        self.sent = 0  # requests that may carry what was submitted
        self.requests = 0
        self.status: int | None = None  # of the last main document
        self.asks_basic_auth = False
        self.loaded = True
        self.complete = True
        self.answered_at = 0.0  # when something awaited came last, by the loop's clock
        self.asked = False  # a script of this document has asked its server for something
        self._inflight: dict[Any, float] = {}  # awaited requests, and since when
        self._answered: dict[Any, float] = {}  # those of them whose answer has begun
        self._document: Any = None
        self._unanswered: dict[Any, float] = {}  # sockets, and when the first frame went out that nothing followed
        self._event = asyncio.Event()
        self._last = asyncio.get_running_loop().time()
        self._handlers = {
            "request": self._requested,
            "response": self._responded,
            "requestfinished": self._finished,
            "requestfailed": self._finished,
            "framenavigated": self._navigated,
            "domcontentloaded": self._dom_loaded,
            "load": self._load,
            "close": self._closed,
            "websocket": self._socket,
        }
        for name, handler in self._handlers.items():
            page.on(name, handler)

    def stop(self) -> None:
        for name, handler in self._handlers.items():
            self.page.remove_listener(name, handler)

    @property
    def busy(self) -> bool:
        """A document is on its way or something awaited is in flight."""
        return self._document is not None or not self.loaded or any(map(self._is_awaited, self._inflight))

    def _is_awaited(self, request: Any) -> bool:
        """A script that does not read what it is answered leaves the request open for ever."""
        answered = self._answered.get(request)
        return answered is None or asyncio.get_running_loop().time() - answered < BODY_SECONDS

    @property
    def only_polls(self) -> bool:
        """What is in flight waits for news from the server: it was asked a good while ago."""
        now = asyncio.get_running_loop().time()
        return not self.navigating and all(now - since > POLL_SECONDS for since in self._inflight.values())

    @property
    def navigating(self) -> bool:
        return self._document is not None or not self.loaded

    @property
    def reply_due(self) -> bool:
        """A socket has sent and not heard since, so the site may still be judging what it was sent."""
        now = asyncio.get_running_loop().time()
        return any(now - sent < REPLY_SECONDS for sent in self._unanswered.values())

    @property
    def quiet_seconds(self) -> float:
        """Time since the last event."""
        return asyncio.get_running_loop().time() - self._last

    async def wait(self, seconds: float) -> bool:
        """Wait for the next event; False when none came in time."""
        self._event.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

    def touch(self) -> None:
        """Something happened that may show."""
        self._last = asyncio.get_running_loop().time()
        self._event.set()

    def _is_main(self, request: Any) -> bool:
        try:
            return request.frame is self.page.main_frame
        except DRIVER_ERRORS:
            return True  # the first document of a page that is just opening has no frame yet

    def _requested(self, request: Any) -> None:
        self.requests += 1
        if request.resource_type in SENDING:
            self.sent += 1
        if request.is_navigation_request():
            if self._is_main(request):
                self._document = request
        elif request.resource_type in AWAITED:
            self.asked = self.asked or request.resource_type in ("xhr", "fetch")
            self._inflight[request] = asyncio.get_running_loop().time()
        self.touch()

    def _responded(self, response: Any) -> None:
        request = response.request
        if request in self._inflight and request.resource_type in ("xhr", "fetch"):
            self._answered[request] = asyncio.get_running_loop().time()
        if request.is_navigation_request() and self._is_main(request):
            self.status = response.status
            self.asks_basic_auth = response.status == 401 and "www-authenticate" in response.headers

    def _finished(self, request: Any) -> None:
        if self._inflight.pop(request, None) is not None:
            self.answered_at = asyncio.get_running_loop().time()
        self._answered.pop(request, None)
        if self._document is request and (request.failure is not None or self.status in (204, 205)):
            self._document = None
        self.touch()

    def _navigated(self, frame: Any) -> None:
        # In-page address changes come here as well: only a document that was asked for restarts loading.
        if frame is self.page.main_frame and self._document is not None:
            self._document = None
            self._inflight.clear()
            self._answered.clear()
            self.loaded = self.complete = self.asked = False
            self.documents += 1
        self.touch()

    def _dom_loaded(self, _: Any) -> None:
        self.loaded = True
        self.touch()

    def _load(self, _: Any) -> None:
        self.loaded = self.complete = True
        self.touch()

    def _socket(self, socket: Any) -> None:
        self.sent += 1
        socket.on("framesent", lambda *_: self._frame_sent(socket))
        socket.on("framereceived", lambda *_: self._frame_received(socket))
        socket.on("close", lambda *_: self._frame_received(socket))

    def _frame_sent(self, socket: Any) -> None:
        self.sent += 1
        self._unanswered.setdefault(socket, asyncio.get_running_loop().time())
        self.touch()

    def _frame_received(self, socket: Any) -> None:
        self._unanswered.pop(socket, None)
        self.touch()

    def _closed(self, _: Any) -> None:
        self.touch()
