"""Celery's Redis transport, so that a worker outlives its broker.

When Redis dies, Celery closes the connection it lost and connects again. Closing puts back what was not acknowledged,
for which the transport asks for a new connection of one that is already gone; it fails over that in a way nobody
catches, and the worker ends with every login it carries. Told that there is no connection, it goes on. What is not put
back is handed out again by the beat (`flows.services.flows.flows_abandoned`).
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as NotConnected


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if getattr(self.connection, "client", None) is None:
            raise NotConnected("the connection to the broker is closed")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]  # the stubs leave it out


class Transport(redis.Transport):
    Channel = Channel


def transport_register() -> None:
    """Have every Redis address use it."""
    for alias in ("redis", "rediss"):
        TRANSPORT_ALIASES[alias] = f"{__name__}:{Transport.__name__}"
