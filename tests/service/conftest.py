"""One running service for the tests that need no process of their own to break."""

from collections.abc import Iterator

import pytest

from tests.service.stack import Stack, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running(arguments=(), env={"AUTHSVC_FLOW_LEASE_SECONDS": "5", "AUTHSVC_BEAT_SECONDS": "1"}) as service:
        yield service
