"""Processes that die in the middle of a login: every flow ends, nothing stored is harmed."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from kernel import APIConnectionError, Kernel
from kernel.types.auth import ManagedAuth

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import ENDED, Account, canonical_answer, drive
from tests.service.opening import page_text, profile_state
from tests.service.stack import CHROMIUM, Stack, running

ADA = ACCOUNTS["ada@demo.test"]
KNOWN = Account(ADA.email, ADA.password)
LIMIT = 60


@pytest.fixture(scope="module")
def broken() -> Iterator[Stack]:
    """A service whose processes these tests may kill."""
    with running(arguments=(), env={"AUTHSVC_FLOW_LEASE_SECONDS": "3", "AUTHSVC_BEAT_SECONDS": "1"}) as service:
        yield service


def connect(stack: Stack, client: Kernel, **options: Any) -> ManagedAuth:
    return client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        profile_name=f"p-{uuid.uuid4().hex[:8]}",
        login_url=f"{stack.demo_url}/login",
        **{"browser": {"stealth": False}, **options},
    )


def until(client: Kernel, connection: ManagedAuth, reached: Callable[[ManagedAuth], bool]) -> ManagedAuth:
    """Poll as a customer would, through restarts of the web process."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            state = client.auth.connections.retrieve(connection.id)
        except APIConnectionError:
            continue
        if reached(state):
            return state
        time.sleep(0.1)  # a polling customer
    raise TimeoutError(f"{state.flow_status} {state.flow_step}")


def waiting(state: ManagedAuth) -> bool:
    return state.flow_step == "AWAITING_INPUT"


def ended(state: ManagedAuth) -> bool:
    return state.flow_status in ENDED


def kill(stack: Stack, word: str, *, signal_number: int = signal.SIGKILL) -> int:
    """Kill this service's processes whose command line has `word`; only ones it started itself."""
    found = [pid for pid, command in stack.children().items() if word in command]
    for pid in found:
        os.kill(pid, signal_number)
    return len(found)


def submit(client: Kernel, connection: ManagedAuth, state: ManagedAuth) -> None:
    client.auth.connections.submit(connection.id, **canonical_answer(KNOWN, state, since=0))


def test_a_killed_worker_starts_the_login_again(broken: Stack) -> None:
    client = broken.client()
    connection = connect(broken, client)
    client.auth.connections.login(connection.id)
    first = until(client, connection, waiting)
    assert kill(broken, "celery -A authsvc --quiet worker")
    again = until(client, connection, lambda state: waiting(state) and state.interaction_id != first.interaction_id)
    submit(client, connection, again)
    assert until(client, connection, ended).flow_status == "SUCCESS"
    assert ADA.name in page_text(f"{broken.demo_url}/account", profile_state(client, connection.profile_name))


def test_values_given_before_the_worker_died_are_not_asked_again(broken: Stack) -> None:
    client = broken.client()
    connection = connect(broken, client)
    client.auth.connections.login(connection.id)
    state = until(client, connection, waiting)
    kill(broken, "celery -A authsvc --quiet worker", signal_number=signal.SIGSTOP)
    submit(client, connection, state)
    kill(broken, "celery -A authsvc --quiet worker")
    assert until(client, connection, ended).flow_status == "SUCCESS"


def test_a_killed_browser_is_replaced(broken: Stack) -> None:
    client = broken.client()
    connection = connect(broken, client)
    client.auth.connections.login(connection.id)
    first = until(client, connection, waiting)
    os_pids = browser_pids(broken)
    assert os_pids
    for pid in os_pids:
        os.kill(pid, signal.SIGKILL)
    again = until(client, connection, lambda state: waiting(state) and state.interaction_id != first.interaction_id)
    submit(client, connection, again)
    assert until(client, connection, ended).flow_status == "SUCCESS"


def browser_pids(stack: Stack) -> list[int]:
    return [process.pid for process in stack.below(*CHROMIUM)]


def test_a_killed_web_process_costs_the_login_nothing(broken: Stack) -> None:
    client = broken.client(max_retries=5)
    connection = connect(broken, client)
    client.auth.connections.login(connection.id)
    until(client, connection, waiting)
    assert kill(broken, "uvicorn authsvc.asgi")
    state = until(client, connection, waiting)
    submit(client, connection, state)
    assert until(client, connection, ended).flow_status == "SUCCESS"


def test_r33_a_login_that_fails_leaves_profile_and_credential(broken: Stack) -> None:
    client = broken.client()
    connection = connect(broken, client)
    assert drive(client, connection, KNOWN, mode="programmatic").status == "SUCCESS"
    before = profile_state(client, connection.profile_name)
    kept = client.auth.connections.retrieve(connection.id).credential
    login = client.auth.connections.login(connection.id)
    assert login.flow_type == "REAUTH"
    client.post(f"/auth/connections/{connection.id}/cancel", cast_to=object)
    after = client.auth.connections.retrieve(connection.id)
    assert after.flow_status in ("CANCELED", "SUCCESS")
    assert after.credential == kept
    if after.flow_status == "CANCELED":
        assert profile_state(client, connection.profile_name) == before
    assert after.status == "AUTHENTICATED"


def test_stopping_leaves_no_process_behind() -> None:
    with running(arguments=()) as service:
        client = service.client()
        connection = connect(service, client, browser={"stealth": True})
        client.auth.connections.login(connection.id)
        until(client, connection, waiting)
        below = service.below()
        assert service.below(*CHROMIUM)
        service.stop()
        assert service.process.returncode == 0
        _, alive = psutil.wait_procs(below, timeout=5)
        assert not alive, [process.cmdline()[:3] for process in alive]
