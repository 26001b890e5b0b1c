"""Asking the workers whether they are there."""

from celery import Celery
from kombu.exceptions import OperationalError

PING_SECONDS = 1.0


def broker_address(redis_url: str) -> str:
    """The same Redis as Celery writes it."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def workers_answering(broker: str) -> list[str]:
    """The names of the workers on this broker that answer at once; none when the broker does not answer."""
    with Celery("ask", broker=broker, set_as_current=False) as app:
        try:
            answers = app.control.ping(timeout=PING_SECONDS)
        except (OperationalError, OSError):
            return []
    return sorted(name for answer in answers or [] for name in answer)
