"""Handing flows and checks to workers. A lost flow is found by the beat (`flows_abandoned`), so it is no error; a lost
check is one that was not made."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

RUN_FLOW = "flows.run_flow"
RUN_CHECK = "flows.check"


def flow_dispatch(flow_id: str) -> None:
    _send(RUN_FLOW, flow_id)


def check_dispatch(check_id: str) -> None:
    _send(RUN_CHECK, check_id)


def _send(task: str, row_id: str) -> None:
    try:
        current_app.send_task(task, args=[row_id], ignore_result=True, retry=False)
    except (OperationalError, OSError):
        log.warning("broker unreachable", extra={"task": task, "row_id": row_id})
