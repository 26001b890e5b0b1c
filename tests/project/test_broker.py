"""Celery's worker outlives its broker."""

from types import SimpleNamespace
from typing import Any

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as NotConnected

from authsvc.broker import Channel, Transport, transport_register


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "redis+socket:///none.sock"])
def test_every_redis_address_uses_it(address: str) -> None:
    transport_register()
    assert Connection(address).get_transport_cls() is Transport


def test_a_closed_connection_is_told_in_words_that_celery_knows() -> None:
    channel: Any = SimpleNamespace(connection=SimpleNamespace(client=None))
    with pytest.raises(NotConnected):
        Channel._connparams(channel)
    assert issubclass(NotConnected, Transport.connection_errors)
