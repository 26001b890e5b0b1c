"""Flow states as server-sent events. The database is followed; wake-ups only say when to look."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from flows.models import Flow, FlowEvent
from flows.selectors import event_last, events_after, flow_state, with_links
from flows.wake import Listener, listening
from vault.aio import run_db

HEARTBEAT_SECONDS = 15
TOGETHER_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Update:
    """One state to tell: `last` ends the stream."""

    event_id: int
    at: datetime
    state: dict[str, Any]
    last: bool


def frame(*, name: str, timestamp: datetime, data: dict[str, Any], event_id: int | None = None) -> bytes:
    """One event on the wire; the payload itself names the event, as the contract's clients expect."""
    payload = json.dumps({"event": name, "timestamp": timestamp.isoformat(), **data}, default=str)
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {payload}\n\n".encode()


def _first(flow_id: str, after: int) -> list[Update]:
    """The state now, or every state since `after` where the follower names the last one it saw."""
    flow = Flow.objects.filter(pk=flow_id).first()
    if flow is None:
        return []
    if after:
        missed = events_after(flow, after)
        if missed:
            return [_update(flow, event) for event in missed]
    now = timezone.now()
    last = event_last(flow)
    state = flow_state(flow, now=now)
    ended = state["flow_status"] != "IN_PROGRESS"
    return [Update(event_id=last.pk if last else 0, at=now, state=state, last=ended)]


def _update(flow: Flow, event: FlowEvent) -> Update:
    state = with_links(flow, event.state, now=timezone.now())
    return Update(event_id=event.pk, at=event.at, state=state, last=state["flow_status"] != "IN_PROGRESS")


def _next(flow_id: str, after: int) -> list[Update] | None:
    """None when the flow was deleted."""
    flow = Flow.objects.filter(pk=flow_id).first()
    if flow is None:
        return None
    updates = [_update(flow, event) for event in events_after(flow, after)]
    if not updates and flow.status_at(timezone.now()) == "EXPIRED":
        state = flow_state(flow, now=timezone.now())
        return [Update(event_id=after, at=timezone.now(), state=state, last=True)]
    return updates


async def flow_updates(
    flow_id: str, *, after: int = 0, heartbeat: float = HEARTBEAT_SECONDS
) -> AsyncGenerator[Update | None, None]:
    """States as they come, the current one first; None every `heartbeat` seconds of silence. Ends with the flow,
    or when the flow is deleted."""
    async with listening(flow_id) as listener:
        updates = await run_db(_first, flow_id, after)
        quiet_until = asyncio.get_running_loop().time() + heartbeat
        while True:
            for update in updates:
                yield update
                after = update.event_id
                quiet_until = asyncio.get_running_loop().time() + heartbeat
                if update.last:
                    return
            await _wait(listener, quiet_until)
            if asyncio.get_running_loop().time() >= quiet_until:
                yield None
                quiet_until = asyncio.get_running_loop().time() + heartbeat
            found = await _read_together(flow_id, after)
            if found is None:
                return
            updates = found


_reads: dict[tuple[asyncio.AbstractEventLoop, str, int], asyncio.Task[list[Update] | None]] = {}


async def _read_together(flow_id: str, after: int) -> list[Update] | None:
    """One look at the database for all followers of a flow that were woken together. A look that has begun may have
    missed what a later follower was woken for, so nobody joins it any more."""
    loop = asyncio.get_running_loop()
    key = (loop, flow_id, after)

    async def look() -> list[Update] | None:
        try:
            await asyncio.sleep(TOGETHER_SECONDS)
        finally:
            del _reads[key]
        return await run_db(_next, flow_id, after)

    task = _reads.get(key)
    if task is None:
        task = _reads[key] = loop.create_task(look())
    return await asyncio.shield(task)


async def _wait(listener: Listener, until: float) -> None:
    """Until a wake-up, `until`, or the next full second, so that followers who wait in vain look together."""
    now = asyncio.get_running_loop().time()
    await listener.wait(max(0.0, min(1.0 - now % 1.0, until - now)))


async def flow_stream(flow_id: str, *, after: int = 0) -> AsyncIterator[bytes]:
    """The contract's stream: `managed_auth_state` events and heartbeats."""
    async for update in flow_updates(flow_id, after=after):
        if update is None:
            yield frame(name="sse_heartbeat", timestamp=timezone.now(), data={})
        else:
            yield frame(
                name="managed_auth_state",
                timestamp=update.at,
                data=update.state,
                event_id=update.event_id or None,
            )
