"""Celery's doors to webhooks: ids in, nothing out."""

from celery import shared_task
from django.utils import timezone

from authsvc.webhooks.outbox import DELIVER, deliveries_forget, deliveries_hand_over, delivery_try
from vault.keys import vault_sealed


@shared_task(name=DELIVER, ignore_result=True)
def deliver(delivery_id: str) -> None:
    """Try one message once. A sealed vault cannot sign: the message stays due."""
    if not vault_sealed():
        delivery_try(delivery_id, clock=timezone.now)


@shared_task(name="webhooks.tick", ignore_result=True)
def tick() -> None:
    """Hand out what is due again. Any number may run at the same time."""
    now = timezone.now()
    deliveries_forget(now=now)
    if not vault_sealed():
        deliveries_hand_over(now=now)
