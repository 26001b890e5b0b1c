"""How long a step may take."""

import asyncio

import pytest

from flows.engine.errors import BrowserLost
from flows.engine.limits import StepLimit


async def test_a_step_without_an_end_is_a_lost_browser() -> None:
    with pytest.raises(BrowserLost):
        async with StepLimit(0.01).step():
            await asyncio.Event().wait()


async def test_another_wait_that_ran_out_is_told_as_such() -> None:
    with pytest.raises(TimeoutError):
        async with StepLimit(60).step():
            raise TimeoutError


async def test_people_are_waited_for_without_a_limit() -> None:
    limit = StepLimit(60)
    async with limit.step():
        running = limit._running
        assert running is not None
        with limit.suspended():
            assert running.when() is None
        assert running.when() is not None
    with limit.suspended():
        pass
