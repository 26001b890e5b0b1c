"""Wake-ups over the channel layer. They are hints: whoever waits also looks at the database now and then, so a lost
one costs a short poll and never an event.

Each event loop subscribes once, to one group that carries the ids of changed flows, and rings its own listeners.
Nothing is subscribed or unsubscribed per listener: a cancellation in the middle of that can be lost inside the client
library, and whoever waited for it would wait for ever.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SEND_SECONDS = 2.0
GROUP = "flows"
_TROUBLE = (OSError, TimeoutError, RedisError)


class Listener:
    """Waits for the next wake-up of one flow."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        """From any thread; a loop that is closed meanwhile has nobody left to wake."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float = POLL_SECONDS) -> bool:
        """Return at a wake-up, or after `seconds`; gives whether it was a wake-up, which is used up by that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        rung = self._event.is_set()
        self._event.clear()
        return rung


_listeners: defaultdict[str, set[Listener]] = defaultdict(set)
_receivers: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]]" = WeakKeyDictionary()


def _ring(flow_id: str) -> None:
    for listener in tuple(_listeners.get(flow_id, ())):
        listener.ring()


def _layer() -> Any:
    """What leads to other processes. The layer in memory leads nowhere, and its queues belong to one loop only."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


async def wake(flow_id: str) -> None:
    """Tell everybody who waits for this flow, in this process and in others, to look now."""
    _ring(flow_id)
    layer = _layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await layer.group_send(GROUP, {"type": "flow.changed", "flow_id": flow_id})
    except _TROUBLE:
        log.warning("wake-up lost, followers will poll", extra={"flow_id": flow_id})


wake_sync = async_to_sync(wake)


async def _receive() -> None:
    """For as long as the loop lives: pass on what other processes say."""
    layer = _layer()
    while layer is not None:
        try:
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            while True:
                message = await layer.receive(channel)
                _ring(message["flow_id"])
        except _TROUBLE as error:
            log.warning("wake-ups are out of reach, followers poll: %s", type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)


def _receiving() -> None:
    """Make sure that this loop's receiver runs."""
    loop = asyncio.get_running_loop()
    task = _receivers.get(loop)
    if task is None or task.done():
        _receivers[loop] = loop.create_task(_receive(), name="wake-ups")


@asynccontextmanager
async def listening(flow_id: str) -> AsyncIterator[Listener]:
    """Hear this flow's wake-ups while the block runs."""
    _receiving()
    listener = Listener()
    _listeners[flow_id].add(listener)
    try:
        yield listener
    finally:
        _listeners[flow_id].discard(listener)
        if not _listeners[flow_id]:
            del _listeners[flow_id]
