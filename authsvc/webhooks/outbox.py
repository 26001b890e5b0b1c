"""Messages on their way: queued with the change they tell of, tried until they arrive or a day has passed."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import SystemRandom

from celery import current_app
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from authsvc.webhooks.models import Delivery, Endpoint, EventType
from authsvc.webhooks.sending import Sent, send

log = logging.getLogger(__name__)

DELIVER = "webhooks.deliver"
# After each try in vain; a day and a little in all.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800, 7200, 18_000, 28_800, 36_000))
JITTER = 0.2
CLAIM = timedelta(seconds=60)  # longer than a try takes: a worker that dies holds a message up for so long
BATCH = 500
KEPT = timedelta(days=30)

_random = SystemRandom()


def deliveries_queue(project_id: str, event: EventType, body: str, *, now: datetime) -> list[str]:
    """A message to each of the project's endpoints that wants the event; sent once the transaction is through."""
    rows = Endpoint.objects.filter(project_id=project_id, enabled=True)
    wanting = [endpoint for endpoint in rows if not endpoint.events or event.value in endpoint.events]
    return [delivery_queue(endpoint, event, body, now=now).id for endpoint in wanting]


def delivery_queue(endpoint: Endpoint, event: EventType, body: str, *, now: datetime) -> Delivery:
    delivery = Delivery.objects.create(
        organization_id=endpoint.organization_id,
        project_id=endpoint.project_id,
        endpoint=endpoint,
        type=event,
        payload=body,
        created_at=now,
        due_at=now,
    )
    transaction.on_commit(partial(_hand_over, delivery.id))
    return delivery


def _hand_over(delivery_id: str) -> None:
    """A broker that is away is no error: the beat finds what is due."""
    try:
        current_app.send_task(DELIVER, args=[delivery_id], ignore_result=True, retry=False)
    except (OperationalError, OSError):
        log.warning("broker unreachable", extra={"delivery_id": delivery_id})


def deliveries_hand_over(*, now: datetime) -> int:
    """Send a task for each message that is due; gives how many."""
    due = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=now).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    for delivery_id in ids:
        _hand_over(delivery_id)
    return len(ids)


def deliveries_forget(*, now: datetime) -> int:
    """Drop what is over and old."""
    old = Delivery.objects.filter(ended_at__lte=now - KEPT).values_list("pk", flat=True)[:BATCH]
    return Delivery.objects.filter(pk__in=list(old)).delete()[0]


def delivery_try(delivery_id: str, *, clock: Callable[[], datetime]) -> None:
    """Send the message once, if it is due and nobody else is at it. Raises the vault's `Sealed`, trying later."""
    now = clock()
    mine = Delivery.objects.filter(pk=delivery_id, state=Delivery.State.PENDING, due_at__lte=now)
    if not mine.update(due_at=now + CLAIM):
        return
    delivery = Delivery.objects.select_related("endpoint").get(pk=delivery_id)
    if not delivery.endpoint.enabled:
        _end(delivery, Delivery.State.FAILED, Sent(error="the webhook is switched off"), now=now)
        return
    sent = send(delivery, now=now)
    _record(delivery, sent, now=clock())


def _record(delivery: Delivery, sent: Sent, *, now: datetime) -> None:
    if sent.arrived:
        _end(delivery, Delivery.State.DELIVERED, sent, now=now)
    elif sent.gone:
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(enabled=False)
        _end(delivery, Delivery.State.FAILED, sent, now=now)
    elif delivery.attempts >= len(WAITS):
        _end(delivery, Delivery.State.FAILED, sent, now=now)
    else:
        _tried(delivery, sent, due_at=now + wait_after(delivery.attempts))


def wait_after(attempts: int, *, share: float | None = None) -> timedelta:
    """How long to wait after the try that followed `attempts` others."""
    at = _random.random() if share is None else share
    return WAITS[attempts] * (1 - JITTER + 2 * JITTER * at)


def _tried(delivery: Delivery, sent: Sent, *, due_at: datetime) -> None:
    rows = Delivery.objects.filter(pk=delivery.pk)
    rows.update(attempts=F("attempts") + 1, due_at=due_at, last_status=sent.status, last_error=sent.error[:200])


def _end(delivery: Delivery, state: Delivery.State, sent: Sent, *, now: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state,
        attempts=F("attempts") + 1,
        due_at=None,
        ended_at=now,
        last_status=sent.status,
        last_error=sent.error[:200],
    )
