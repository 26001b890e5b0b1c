"""Celery's doors: ids in, nothing out."""

import logging
import time

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.db import close_old_connections
from django.utils import timezone

from flows.dispatch import (
    FETCH_ICON,
    RUN_BROWSER,
    RUN_CHECK,
    RUN_FLOW,
    browser_dispatch,
    check_dispatch,
    flow_dispatch,
)
from flows.models import Connection
from flows.runner.loop import worker_loop
from flows.services.checks import checks_lost
from flows.services.claims import checks_claim
from flows.services.flows import flow_expire_overdue, flows_abandoned
from flows.services.history import history_turn
from flows.services.icons import icon_refresh
from flows.services.pictures import pictures_forget
from flows.services.refusals import refusals_expire
from flows.services.replays import replays_forget
from flows.services.sessions import session_waiting, sessions_lapsed
from flows.wake import wake_sync
from vault.keys import vault_sealed

log = logging.getLogger(__name__)

ROOM_SECONDS = 0.5  # between two looks for a worker that has room for a browser


@shared_task(name=RUN_FLOW, ignore_result=True)
def run_flow(flow_id: str) -> None:
    """Carry one flow on the process's loop; this thread only waits."""
    worker_loop().run(flow_id)


@shared_task(name=RUN_CHECK, ignore_result=True)
def check(check_id: str) -> None:
    """Hand one health check to the process's loop and go on: a burst of them must not take the threads of logins. One
    whose process dies is found by the tick (`checks_lost`)."""
    worker_loop().check(check_id)


@shared_task(name=FETCH_ICON, ignore_result=True)
def fetch_icon(connection_id: str) -> None:
    """The icon of the connection's site, for the hosted page."""
    connection = Connection.objects.get_queryset().filter(pk=connection_id).first()
    if connection is not None:
        icon_refresh(connection, now=timezone.now())


@shared_task(name=RUN_BROWSER, ignore_result=True)
def browser(session_id: str) -> None:
    """Start one browser on the process's loop. Without room here another worker may have some; its row knows when it
    is too late."""
    if worker_loop().browser(session_id) or not session_waiting(session_id, now=timezone.now()):
        return
    time.sleep(ROOM_SECONDS)
    browser_dispatch(session_id)


@shared_task(name="flows.tick", ignore_result=True)
def tick() -> None:
    """End what is over, hand out again what nobody works on, and the checks that are due. Any number may run at the
    same time."""
    now = timezone.now()
    for flow_id in flow_expire_overdue(now=now):
        wake_sync(flow_id)
    for session_id in sessions_lapsed(now=now):
        wake_sync(session_id)
    pictures_forget(now=now)
    history_turn(now=now)
    refusals_expire(now=now)
    replays_forget(now=now)
    if vault_sealed():  # a worker could only fail what waits; it is handed out when the vault is open again
        return
    for flow_id in flows_abandoned(now=now):
        log.info("handing out again", extra={"flow_id": flow_id})
        flow_dispatch(flow_id)
    checks_lost(now=now)
    for check in checks_claim(now=now):
        check_dispatch(check.id)


@worker_ready.connect
def warm_up(**_: object) -> None:
    loop = worker_loop()
    loop.warm()
    freed = loop.take_over()
    close_old_connections()  # of the worker's main thread, which has no other use for one
    if freed:
        log.warning("taking over what a dead worker held", extra={"number": freed})
        tick.delay()


@worker_shutting_down.connect
def drain(**_: object) -> None:
    """Told to stop: waiting flows would keep the tasks, and so the worker, for minutes."""
    if worker_loop.cache_info().currsize:
        worker_loop().drain()


@worker_shutdown.connect
def shut_down(**_: object) -> None:
    if worker_loop.cache_info().currsize:
        worker_loop().close()
