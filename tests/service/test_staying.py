"""Sessions that end at the site: found on schedule, logged in again without a person, or somebody is told."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kernel import Kernel
from kernel.types.auth import ManagedAuth

from tests.service.driving import Account, drive
from tests.service.opening import page_text, profile_state
from tests.service.stack import Stack, running
from tests.sites.accounts import PASSWORD, USER, AccountSite, Behaviour
from tests.sites.server import serving

LIMIT = 60


@pytest.fixture(scope="module")
def staying() -> Iterator[Stack]:
    """A service whose hour is a few seconds."""
    with running(arguments=(), env={"AUTHSVC_CHECK_SPEED": "150", "AUTHSVC_BEAT_SECONDS": "1"}) as service:
        yield service


@contextmanager
def served(behaviour: Behaviour | None = None) -> Iterator[AccountSite]:
    """A site with accounts on a loop of its own."""
    with serving() as server:
        yield AccountSite(server, behaviour or Behaviour())


def signed_in(client: Kernel, site: AccountSite, **options: Any) -> ManagedAuth:
    name = f"p-{uuid.uuid4().hex[:8]}"
    client.credentials.create(name=name, domain=site.server.domain, values={"username": USER, "password": PASSWORD})
    connection = client.auth.connections.create(
        domain=site.server.domain,
        profile_name=name,
        login_url=site.login_url,
        credential={"name": name},
        health_check_interval=300,
        browser={"stealth": False},
        **options,
    )
    assert drive(client, connection, Account("", ""), mode="stored").status == "SUCCESS"
    return client.auth.connections.retrieve(connection.id)


def until(client: Kernel, connection: ManagedAuth, kind: str, wanted: Callable[[Any], bool]) -> Any:
    """The first event of the timeline that is wanted."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for event in client.auth.connections.timeline(connection.id, type=kind):  # type: ignore[arg-type]  # a literal
            if wanted(event):
                return event
        time.sleep(0.2)  # a polling customer
    raise TimeoutError(kind)


def test_a_session_that_ended_is_found_and_signed_in_again(staying: Stack) -> None:
    client = staying.client()
    with served() as site:
        connection = signed_in(client, site)
        assert (connection.can_reauth, connection.can_reauth_reason) == (True, "requirements_satisfiable")
        until(client, connection, "health_check", lambda event: event.status == "AUTHENTICATED")
        site.server.sessions.clear()
        found = until(client, connection, "health_check", lambda event: event.status == "NEEDS_AUTH")
        assert found.previous_status == "AUTHENTICATED"
        until(client, connection, "reauth", lambda event: event.status == "SUCCESS")
        assert client.auth.connections.retrieve(connection.id).status == "AUTHENTICATED"
        assert USER in page_text(site.server.url + "/home", profile_state(client, connection.profile_name))
        assert [word for _, word in site.attempts] == [PASSWORD, PASSWORD]


def test_r38_a_site_that_is_down_changes_nothing(staying: Stack) -> None:
    client = staying.client()
    with served() as site:
        connection = signed_in(client, site)
    event = until(client, connection, "health_check", lambda event: event.error_code == "indeterminate")
    assert (event.status, event.previous_status) == ("AUTHENTICATED", "AUTHENTICATED")
    assert not list(client.auth.connections.timeline(connection.id, type="reauth"))


def test_without_a_way_back_the_connection_needs_a_person(staying: Stack) -> None:
    client = staying.client()
    with served() as site:
        connection = signed_in(client, site, auto_reauth=False)
        site.server.sessions.clear()
        until(client, connection, "health_check", lambda event: event.status == "NEEDS_AUTH")
        assert client.auth.connections.retrieve(connection.id).status == "NEEDS_AUTH"
        assert not list(client.auth.connections.timeline(connection.id, type="reauth"))
