"""One running service for the tests that need no process of their own to break."""

from collections.abc import Generator, Iterator

import pytest

from tests.service.stack import Stack, running

LOG_TAIL = 8000  # characters


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running(arguments=(), env={"AUTHSVC_FLOW_LEASE_SECONDS": "5", "AUTHSVC_BEAT_SECONDS": "1"}) as service:
        yield service


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what the service said."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            if isinstance(value, Stack):
                report.sections.append((f"log of {name}", value.log[-LOG_TAIL:]))
    return report
