"""The stream of a flow's states: the present one first, every later one once, and an end."""

import asyncio
import json
import threading
from typing import Any

import pytest
from django.utils import timezone
from kernel.types.auth.connection_follow_response import ManagedAuthStateEvent
from kernel.types.shared import HeartbeatEvent

from flows import sse
from flows.engine.contract import ErrorCode
from flows.models import Flow, FlowEvent
from flows.services.flows import Claim, flow_cancel, flow_claim, flow_end, flow_pause, flow_progress
from flows.sse import Update, flow_stream, flow_updates
from flows.transitions import FlowInput
from flows.wake import wake
from tests.flows.factories import make_connection, make_flow, make_pause, make_principal
from vault.aio import run_db

pytestmark = pytest.mark.django_db(transaction=True)


async def started() -> tuple[Flow, Claim]:
    flow = await run_db(lambda: make_flow(make_connection(make_principal()), now=timezone.now()))
    claim = await run_db(flow_claim, flow.id, holder="t", now=timezone.now())
    assert claim is not None
    return flow, claim


async def collect(flow: Flow, **options: Any) -> list[Update]:
    return [update async for update in flow_updates(flow.id, **options) if update is not None]


async def test_a_follower_sees_the_present_state_and_every_later_one() -> None:
    flow, claim = await started()
    updates = flow_updates(flow.id)
    first = await anext(updates)
    assert first is not None
    assert first.state["flow_step"] == "DISCOVERING"
    assert first.state["hosted_url"].startswith("http")
    await run_db(flow_pause, claim, make_pause(), now=timezone.now())
    await wake(flow.id)
    second = await asyncio.wait_for(anext(updates), 5)
    assert second is not None
    assert second.state["flow_step"] == "AWAITING_INPUT"
    assert [field["name"] for field in second.state["discovered_fields"]] == ["login", "pw"]
    await run_db(flow_progress, claim, FlowInput.ACT, now=timezone.now())
    await run_db(flow_end, flow.id, FlowInput.FAIL, now=timezone.now(), code=ErrorCode.ACCOUNT_LOCKED)
    rest = [update.state["flow_status"] async for update in updates if update is not None]
    assert rest == ["IN_PROGRESS", "FAILED"]


async def test_a_lost_wake_up_costs_a_short_poll() -> None:
    flow, claim = await started()
    updates = flow_updates(flow.id)
    await anext(updates)
    await run_db(flow_pause, claim, make_pause(), now=timezone.now())  # and nobody wakes
    update = await asyncio.wait_for(anext(updates), 5)
    assert update is not None
    assert update.state["flow_step"] == "AWAITING_INPUT"


async def test_last_event_id_resumes_with_what_was_missed() -> None:
    flow, claim = await started()
    seen = (await run_db(lambda: list(FlowEvent.objects.filter(flow=flow))))[-1].pk
    await run_db(flow_pause, claim, make_pause(), now=timezone.now())
    await run_db(flow_progress, claim, FlowInput.ACT, now=timezone.now())
    await run_db(flow_cancel, flow.id, now=timezone.now())
    missed = await collect(flow, after=seen)
    assert [update.state["flow_step"] for update in missed] == ["AWAITING_INPUT", "SUBMITTING", "COMPLETED"]
    assert [update.event_id for update in missed] == sorted(update.event_id for update in missed)


async def test_an_ended_flow_gives_its_end_and_closes() -> None:
    flow, _ = await started()
    await run_db(flow_cancel, flow.id, now=timezone.now())
    updates = await collect(flow)
    assert [update.state["flow_status"] for update in updates] == ["CANCELED"]
    assert "hosted_url" not in updates[0].state


async def test_a_flow_past_its_time_ends_the_stream_before_anybody_noted_it() -> None:
    flow, _ = await started()
    updates = flow_updates(flow.id)
    await anext(updates)
    await run_db(Flow.objects.filter(pk=flow.id).update, expires_at=timezone.now())
    states = [update.state["flow_status"] async for update in updates if update is not None]
    assert states == ["EXPIRED"]


async def test_deleting_the_flow_ends_the_stream() -> None:
    flow, _ = await started()
    updates = flow_updates(flow.id)
    await anext(updates)
    await run_db(Flow.objects.filter(pk=flow.id).delete)
    await wake(flow.id)
    assert [update async for update in updates if update is not None] == []


async def test_silence_is_filled_with_heartbeats() -> None:
    flow, _ = await started()
    updates = flow_updates(flow.id, heartbeat=0.05)
    await anext(updates)
    assert await asyncio.wait_for(anext(updates), 5) is None


async def test_frames_are_what_the_sdk_parses() -> None:
    flow, _ = await started()
    await run_db(flow_cancel, flow.id, now=timezone.now())
    frames = [frame.decode() async for frame in flow_stream(flow.id)]
    lines = dict(line.split(": ", 1) for line in frames[0].strip().splitlines())
    assert int(lines["id"]) > 0
    event = ManagedAuthStateEvent.model_validate(json.loads(lines["data"]))
    assert event.flow_status == "CANCELED"
    assert HeartbeatEvent.model_validate({"event": "sse_heartbeat", "timestamp": timezone.now()}).event


async def test_followers_woken_together_look_once_and_a_later_one_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def look(flow_id: str, after: int) -> None:
        looks.append(after)
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(sse, "_next", look)
    together = asyncio.gather(*(sse._read_together("flow_x", 1) for _ in range(50)))
    assert await asyncio.to_thread(begun.wait, 10)
    later = asyncio.create_task(sse._read_together("flow_x", 1))
    go_on.set()
    await asyncio.gather(together, later)
    assert looks == [1, 1]
    assert sse._reads == {}
