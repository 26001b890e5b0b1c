"""What every test shares."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections

from authsvc.system import browser_ensure
from vault.aio import db_threads

# The suite starts some fifty processes: what the first one compiles, the next ones find.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_sessionstart(session: pytest.Session) -> None:
    """What the browser tests need is installed where that is ours to do; with several processes, by the first."""
    if not hasattr(session.config, "workerinput"):
        browser_ensure(write=print)


def database_threads_release() -> None:
    """Close what the database threads hold; each of them meets the others at a barrier, so none is missed."""
    count = len(db_threads()._threads)
    if not count:
        return
    meeting = threading.Barrier(count)

    def close() -> None:
        connections.close_all()
        meeting.wait(10)

    for work in [db_threads().submit(close) for _ in range(count)]:
        work.result()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The suite's database; nothing of ours is connected to it when it is dropped."""
    yield
    database_threads_release()


@pytest.fixture
def flow_lease_seconds() -> int:
    return int(settings.FLOW_LEASE_SECONDS)
