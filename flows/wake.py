"""Wake-ups over the channel layer. They are hints: whoever waits also looks at the database now and then, so a
lost one costs a short poll and never an event."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_TROUBLE = (OSError, TimeoutError, RedisError)


def _group(flow_id: str) -> str:
    return f"flow.{flow_id}"


async def wake(flow_id: str) -> None:
    """Tell everybody who waits for this flow to look now."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(2):
            await layer.group_send(_group(flow_id), {"type": "flow.changed"})
    except _TROUBLE:
        log.warning("wake-up lost, followers will poll", extra={"flow_id": flow_id})


wake_sync = async_to_sync(wake)


class Listener:
    """Waits for the next wake-up of one flow."""

    def __init__(self, flow_id: str) -> None:
        self.flow_id = flow_id
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float = POLL_SECONDS) -> None:
        """Return at a wake-up, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


async def _pump(listener: Listener) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    while True:
        try:
            channel = await layer.new_channel()
            await layer.group_add(_group(listener.flow_id), channel)
            try:
                listener.ring()  # whatever happened before we listened
                while True:
                    await layer.receive(channel)
                    listener.ring()
            finally:
                await layer.group_discard(_group(listener.flow_id), channel)
        except _TROUBLE:
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def listening(flow_id: str) -> AsyncIterator[Listener]:
    """Hear this flow's wake-ups while the block runs."""
    listener = Listener(flow_id)
    task = asyncio.create_task(_pump(listener), name=f"listen {flow_id}")
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, *_TROUBLE):
            await task
