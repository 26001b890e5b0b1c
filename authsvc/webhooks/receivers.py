"""Turns what happens to flows and connections into messages, in the transaction of the change itself."""

from datetime import datetime
from typing import Any

from authsvc.webhooks.events import connection_data, connection_event, flow_data, flow_event, message
from authsvc.webhooks.outbox import deliveries_queue
from flows.models import Connection, Flow
from flows.signals import connection_changed, flow_changed


def receivers_connect() -> None:
    flow_changed.connect(on_flow, dispatch_uid="webhooks.flow")
    connection_changed.connect(on_connection, dispatch_uid="webhooks.connection")


def on_flow(*, flow: Flow, now: datetime, **_: Any) -> None:
    event = flow_event(flow)
    if event is not None:
        body = message(event, flow_data(flow, now=now), now=now)
        deliveries_queue(flow.project_id, event, body, now=now)


def on_connection(*, connection: Connection, now: datetime, **_: Any) -> None:
    event = connection_event(connection)
    deliveries_queue(connection.project_id, event, message(event, connection_data(connection), now=now), now=now)
