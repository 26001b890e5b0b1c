"""Wake-ups: within a process, over Redis between processes, and what is left of them when Redis is gone."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.wake import Listener, _listeners, listening, wake

ROOT = Path(__file__).resolve().parents[2]


async def heard(flow_id: str, *, seconds: float = 5.0) -> float:
    """How long it took to be woken."""
    loop = asyncio.get_running_loop()
    async with listening(flow_id) as listener:
        begun = loop.time()
        waiting = asyncio.create_task(listener.wait(seconds))
        await asyncio.sleep(0)
        await wake(flow_id)
        await waiting
        return loop.time() - begun


async def test_a_listener_hears_its_flow_and_no_other() -> None:
    async with listening("flow_a") as listener:
        await wake("flow_b")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await listener.wait(5)
    assert await heard("flow_a") < 4


async def test_waiting_tells_a_wake_up_from_silence() -> None:
    """Also one that came before anybody waited; and each counts once. Rung by hand: others are heard twice where
    Redis brings back what this process said itself."""
    listener = Listener()
    listener.ring()
    async with asyncio.timeout(5):
        assert await listener.wait(60)
    assert not await listener.wait(0.001)


async def test_listeners_come_and_go_by_the_hundred() -> None:
    """Leaving never waits for anything, whatever the moment."""

    async def visit(number: int) -> None:
        async with listening(f"flow_{number % 7}") as listener:
            await listener.wait(0.001 * (number % 3))

    async with asyncio.timeout(20):
        for _ in range(20):
            tasks = [asyncio.create_task(visit(number)) for number in range(50)]
            await asyncio.sleep(0.002)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert not _listeners


async def test_another_loop_of_this_process_is_heard() -> None:
    async with listening("flow_t") as listener:
        thread = threading.Thread(target=lambda: asyncio.run(wake("flow_t")))
        async with asyncio.timeout(5):
            thread.start()
            await listener.wait(60)
        thread.join()


@pytest.mark.skipif(not os.environ.get("REDIS_URL"), reason="between processes only with REDIS_URL (CI's legs set it)")
async def test_another_process_is_heard() -> None:
    code = "import asyncio, django; django.setup(); from flows.wake import wake; asyncio.run(wake('flow_p'))"
    async with listening("flow_p") as listener:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(_told, code, listener):
                pass


def _told(code: str, listener: Listener) -> bool:
    """Wake from another process; True once this one heard it (the first call may come before the subscription)."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True
    )
    return done.returncode == 0 and getattr(listener, "_event").is_set()  # noqa: B009 - looking without waiting
