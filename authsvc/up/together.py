"""Web, worker and beat in one process, where there is no Redis: `python -m authsvc.up.together HOST PORT`.

The broker is then a queue in memory, so all three must share this process.
"""

import os
import sys
import threading
from typing import Any

import django
import uvicorn
from celery import Celery
from celery.beat import Service
from celery.signals import worker_ready
from celery.worker import WorkController

WORKER_SECONDS = 60.0


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authsvc.settings")
    django.setup()

    from authsvc.celery import app
    from authsvc.checks import start_refuse_unready

    start_refuse_unready()
    _worker_start(app)
    threading.Thread(target=Service(app, scheduler_cls=app.conf.beat_scheduler).start, name="beat", daemon=True).start()
    host, port = sys.argv[1:3]
    uvicorn.run(
        "authsvc.asgi:application",
        host=host,
        port=int(port),
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
    )
    # Flows of this process wait on threads that end only with it; their leases lapse and they are taken up again.
    sys.stdout.flush()
    os._exit(0)


class Worker(WorkController):
    """A worker on a thread: the one of the command line wants signals, which only the main thread may have."""

    def on_consumer_ready(self, consumer: Any) -> None:
        worker_ready.send(sender=consumer)


def _worker_start(app: Celery) -> None:
    """Run the worker on a thread and return when it takes tasks."""
    ready = threading.Event()

    def announce(**_: object) -> None:
        ready.set()

    worker_ready.connect(announce, weak=False)
    worker = Worker(app=app, pool_cls="threads", without_gossip=True, without_mingle=True, without_heartbeat=True)
    threading.Thread(target=worker.start, name="worker", daemon=True).start()
    if not ready.wait(WORKER_SECONDS):
        sys.exit("the worker did not start")


if __name__ == "__main__":
    main()
