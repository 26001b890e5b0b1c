"""Waiting for a person and for the page at the same time: whoever moves first decides how the login goes on."""

import asyncio
import random
from collections.abc import Iterator

from flows.engine.contract import Answer, Host
from flows.engine.tabs import Sight, Tabs

WATCH_SECONDS = 5.0
PAUSE_SECONDS = 0.3
BACKOFF_SECONDS = (0.4, 0.9, 2.0)
_random = random.SystemRandom()


def backoff() -> Iterator[float | None]:
    """The wait after each try, with jitter; None after the last."""
    for seconds in BACKOFF_SECONDS:
        yield seconds * (0.5 + _random.random())
    yield None


async def answer_or_change(host: Host, tabs: Tabs, sight: Sight, *, external: bool) -> Answer | Sight:
    """The answer to the open pause, or the page as it is after it became another one than `sight`.

    `external`: the person acts outside the browser, so the page is looked at now and then even if nothing seems to
    happen in it. Raises what the host raises, and Unreachable.
    """
    answer = asyncio.ensure_future(host.answer())
    change = asyncio.ensure_future(_changed(tabs, sight, external=external))
    try:
        await asyncio.wait({answer, change}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else change.result()
    finally:
        for task in (answer, change):
            task.cancel()
        await asyncio.gather(answer, change, return_exceptions=True)


async def _changed(tabs: Tabs, sight: Sight, *, external: bool) -> Sight:
    """A page that waits for a form costs nothing: it is looked at only when something happened in it."""
    while True:
        tab = tabs.current
        happened = await tab.watch.wait(WATCH_SECONDS)
        if not happened and not external and tab is sight.tab:
            continue
        now = await tabs.settle(sight, patience=PAUSE_SECONDS)
        if now.page != sight.page or (external and now.reading.instruction != sight.reading.instruction):
            return now
        await asyncio.sleep(PAUSE_SECONDS)
