"""Makes the recordings of one view and hands each to the vault when it is over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.utils import timezone

from flows.engine.live import LiveView
from flows.engine.recorder import Recorder, RecordOptions
from flows.models import Replay
from flows.services.replays import replay_fail, replay_keep
from vault.aio import run_db

log = logging.getLogger(__name__)

KEEP_SECONDS = 10.0


class Recordings:
    """Of one view, while it lasts."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._running: dict[str, tuple[Recorder, asyncio.Task[None]]] = {}

    def start(self, replay: Replay) -> None:
        recorder = Recorder(self._view, RecordOptions(replay.framerate, float(replay.max_seconds)))
        task = asyncio.create_task(_record(replay.id, recorder), name=f"recording {replay.id}")
        self._running[replay.id] = (recorder, task)
        task.add_done_callback(lambda _: self._running.pop(replay.id, None))

    async def stop(self, replay_id: str) -> None:
        """Returns when it is kept; at once for one that is over."""
        if replay_id in self._running:
            recorder, task = self._running[replay_id]
            recorder.stop()
            await asyncio.wait([task], timeout=KEEP_SECONDS)

    async def close(self) -> None:
        """Keep what there is."""
        await asyncio.gather(*(self.stop(replay_id) for replay_id in tuple(self._running)))
        for _, task in tuple(self._running.values()):
            task.cancel()


@asynccontextmanager
async def recorded(view: LiveView, replay: Replay | None) -> AsyncIterator[None]:
    """Record while the block runs, if that is wanted."""
    recordings = Recordings(view)
    if replay is not None:
        recordings.start(replay)
    try:
        yield
    finally:
        await recordings.close()


async def _record(replay_id: str, recorder: Recorder) -> None:
    try:
        video = await recorder.run()
        await run_db(replay_keep, replay_id, video, now=timezone.now())
    except Exception as error:  # the last line: what is recorded goes on without it
        log.error("a recording ended by %s", type(error).__name__, extra={"replay_id": replay_id})
        await run_db(replay_fail, replay_id, "an internal error", now=timezone.now())
