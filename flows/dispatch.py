"""Handing flows to workers. A lost hand-over is found by the beat (`flows_abandoned`), so it is no error."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

RUN_FLOW = "flows.run_flow"


def flow_dispatch(flow_id: str) -> None:
    try:
        current_app.send_task(RUN_FLOW, args=[flow_id], ignore_result=True, retry=False)
    except (OperationalError, OSError):
        log.warning("broker unreachable, the beat will send the flow again", extra={"flow_id": flow_id})
