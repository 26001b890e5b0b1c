"""Handing flows, checks and site icons to workers. A lost flow is found by the beat (`flows_abandoned`), so it is no
error; a lost check is one that was not made, a lost icon one that is missing."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

RUN_FLOW = "flows.run_flow"
RUN_CHECK = "flows.check"
RUN_BROWSER = "flows.browser"
FETCH_ICON = "flows.fetch_icon"
ICON_WAITS_SECONDS = 60
CHECK_WAITS_SECONDS = 100  # for a worker; after that the next one that is due is worth more
BROWSER_WAITS_SECONDS = 45


def flow_dispatch(flow_id: str) -> None:
    _send(RUN_FLOW, flow_id)


def check_dispatch(check_id: str) -> None:
    _send(RUN_CHECK, check_id, expires=CHECK_WAITS_SECONDS)


def browser_dispatch(session_id: str) -> None:
    _send(RUN_BROWSER, session_id, expires=BROWSER_WAITS_SECONDS)


def icon_dispatch(connection_id: str) -> None:
    _send(FETCH_ICON, connection_id, expires=ICON_WAITS_SECONDS)


def _send(task: str, row_id: str, *, expires: int | None = None) -> None:
    try:
        current_app.send_task(task, args=[row_id], ignore_result=True, retry=False, expires=expires)
    except (OperationalError, OSError):
        log.warning("broker unreachable", extra={"task": task, "row_id": row_id})
