"""Celery's doors to webhooks: ids in, nothing out."""

from threading import BoundedSemaphore

from celery import shared_task
from django.utils import timezone

from authsvc.webhooks.outbox import DELIVER, deliveries_forget, deliveries_hand_over, delivery_try
from vault.keys import vault_sealed

SENDING_MOST = 8  # threads of a worker that receivers may hold up at once; the others are for logins
_sending = BoundedSemaphore(SENDING_MOST)


@shared_task(name=DELIVER, ignore_result=True)
def deliver(delivery_id: str) -> None:
    """Try one message once. A sealed vault cannot sign, and slow receivers must not take the threads of logins: then
    the message stays due, and the next tick hands it out again."""
    if vault_sealed() or not _sending.acquire(blocking=False):
        return
    try:
        delivery_try(delivery_id, clock=timezone.now)
    finally:
        _sending.release()


@shared_task(name="webhooks.tick", ignore_result=True)
def tick() -> None:
    """Hand out what is due again. Any number may run at the same time."""
    now = timezone.now()
    deliveries_forget(now=now)
    if not vault_sealed():
        deliveries_hand_over(now=now)
