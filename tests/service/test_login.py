"""Whole logins from outside: the unmodified SDK, a real worker, real Chromium, the bundled demo site."""

import time
import uuid
from typing import Any

import pytest
from kernel import BadRequestError, ConflictError, Kernel
from kernel.types.auth import ManagedAuth

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import Account, Mode, canonical_answer, drive
from tests.service.opening import page_text, profile_state
from tests.service.stack import Stack

ADA, GRACE = ACCOUNTS["ada@demo.test"], ACCOUNTS["grace@demo.test"]
CODES = Account(username=GRACE.email, password=GRACE.password, totp_secret=GRACE.totp_secret)


@pytest.fixture
def client(stack: Stack) -> Kernel:
    return stack.client()


def connect(stack: Stack, client: Kernel, **options: Any) -> ManagedAuth:
    return client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        profile_name=f"p-{uuid.uuid4().hex[:8]}",
        **{"login_url": f"{stack.demo_url}/login", "browser": {"stealth": False}, **options},
    )


def store(stack: Stack, client: Kernel, **options: Any) -> str:
    name = f"c-{uuid.uuid4().hex[:8]}"
    client.credentials.create(name=name, domain=stack.demo_url.removeprefix("http://"), **options)
    return name


def assert_signed_in(stack: Stack, client: Kernel, connection: ManagedAuth, name: str) -> None:
    state = profile_state(client, connection.profile_name)
    assert name not in page_text(f"{stack.demo_url}/account", None)
    assert name in page_text(f"{stack.demo_url}/account", state)
    after = client.auth.connections.retrieve(connection.id)
    assert after.status == "AUTHENTICATED"
    assert after.flow_status == "SUCCESS"
    assert after.post_login_url == f"{stack.demo_url}/account"
    assert after.health_check_unavailable_reason is None


def test_a_stored_credential_logs_in_by_itself(stack: Stack, client: Kernel) -> None:
    credential = store(stack, client, values={"email": ADA.email, "password": ADA.password})
    connection = connect(stack, client, credential={"name": credential})
    run = drive(client, connection, Account("", ""), mode="stored")
    assert (run.status, run.asked) == ("SUCCESS", [])
    assert_signed_in(stack, client, connection, ADA.name)


def test_stealth_finds_the_login_page_from_the_bare_domain(stack: Stack, client: Kernel) -> None:
    credential = store(stack, client, values={"username": ADA.email, "password": ADA.password})
    connection = connect(
        stack, client, credential={"name": credential}, login_url=f"{stack.demo_url}/", browser={"stealth": True}
    )
    assert drive(client, connection, Account("", ""), mode="stored").status == "SUCCESS"
    assert_signed_in(stack, client, connection, ADA.name)


@pytest.mark.parametrize("mode", ["programmatic", "legacy"])
def test_a_person_gives_everything_and_it_is_kept(stack: Stack, client: Kernel, mode: Mode) -> None:
    connection = connect(stack, client)
    run = drive(client, connection, CODES, mode=mode)
    assert run.status == "SUCCESS"
    assert len(run.asked) == 2
    assert_signed_in(stack, client, connection, GRACE.name)
    after = client.auth.connections.retrieve(connection.id)
    assert after.credential is not None
    kept = client.credentials.retrieve(str(after.credential.name))
    assert set(kept.value_keys or []) >= {"password"}
    assert kept.has_totp_secret is False
    assert not {"code", "totp_code", "totp"} & set(kept.value_keys or [])


def test_r15_the_seed_makes_the_code(stack: Stack, client: Kernel) -> None:
    credential = store(
        stack,
        client,
        values={"username": GRACE.email, "password": GRACE.password},
        totp_secret=GRACE.totp_secret,
    )
    connection = connect(stack, client, credential={"name": credential})
    run = drive(client, connection, Account("", ""), mode="stored")
    assert (run.status, run.asked) == ("SUCCESS", [])


def test_r16_a_wrong_password_is_shown_asked_again_and_never_resubmitted(stack: Stack, client: Kernel) -> None:
    credential = store(stack, client, values={"username": ADA.email, "password": "canary-wrong"})
    connection = connect(stack, client, credential={"name": credential})
    states: list[Any] = []

    def answer(state: Any) -> dict[str, Any]:
        states.append(state)
        return canonical_answer(Account(ADA.email, ADA.password), state, since=0)

    run = drive(client, connection, Account("", ""), mode="programmatic", on_ask=answer)
    assert run.status == "SUCCESS"
    (asked,) = states
    assert "wrong" in asked.website_error
    assert {field.reason for field in asked.fields if field.type == "password"} == {"rejected"}
    assert "canary-wrong" not in str(states)


def test_a_second_login_joins_the_first(stack: Stack, client: Kernel) -> None:
    connection = connect(stack, client)
    first = client.auth.connections.login(connection.id)
    second = client.auth.connections.login(connection.id)
    assert first.flow_expires_at == second.flow_expires_at
    assert first.hosted_url != second.hosted_url
    assert len(client.auth.connections.list(query=connection.id).items) == 1
    client.post(f"/auth/connections/{connection.id}/cancel", cast_to=object)


def test_cancel_ends_the_stream(stack: Stack, client: Kernel) -> None:
    connection = connect(stack, client)
    client.auth.connections.login(connection.id)
    with client.auth.connections.follow(connection.id) as states:
        assert next(iter(states)).event == "managed_auth_state"
        client.post(f"/auth/connections/{connection.id}/cancel", cast_to=object)
        last = list(states)[-1]
    assert (last.flow_status, last.error_code) == ("CANCELED", "canceled")  # type: ignore[union-attr]  # a state


def test_refused_submissions_are_plain_400s_that_the_sdk_does_not_repeat(stack: Stack, client: Kernel) -> None:
    connection = connect(stack, client)
    with pytest.raises(BadRequestError, match="not_awaiting_input"):
        client.auth.connections.submit(connection.id, fields={"a": "b"})
    client.auth.connections.login(connection.id)
    with client.auth.connections.follow(connection.id) as events:
        for event in events:
            if event.event == "managed_auth_state" and event.flow_step == "AWAITING_INPUT":
                break
    with pytest.raises(BadRequestError, match="unknown_field"):
        client.auth.connections.submit(connection.id, fields={"nope": "b"})
    with pytest.raises(BadRequestError, match="interaction_stale"):
        client.auth.connections.submit(connection.id, interaction_id="int_old", field_values={"a": "b"})
    assert client.auth.connections.retrieve(connection.id).flow_step == "AWAITING_INPUT"
    client.auth.connections.delete(connection.id)


def test_the_same_connection_twice_is_a_conflict_tried_once(stack: Stack, client: Kernel) -> None:
    connection = connect(stack, client)
    start = time.monotonic()
    with pytest.raises(ConflictError):
        client.auth.connections.create(domain=connection.domain, profile_name=connection.profile_name)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"login_url": "http://127.0.0.1:9/login"}, "site_unreachable"),
        ({"domain": "no-such-host.invalid", "login_url": ""}, "site_unreachable"),
    ],
)
def test_sites_in_trouble_end_with_a_code(stack: Stack, client: Kernel, options: dict[str, Any], code: str) -> None:
    given = {"domain": "127.0.0.1", "profile_name": uuid.uuid4().hex, "browser": {"stealth": False}, **options}
    connection = client.auth.connections.create(**{name: value for name, value in given.items() if value})
    run = drive(client, connection, Account("", ""), mode="stored")
    assert (run.status, run.error_code) == ("FAILED", code)
    assert run.final.error_message
    assert client.auth.connections.retrieve(connection.id).status == "NEEDS_AUTH"


def test_a_site_without_a_login_says_so(stack: Stack, client: Kernel) -> None:
    connection = connect(stack, client, login_url=f"{stack.demo_url}/style.css")
    run = drive(client, connection, Account("", ""), mode="stored")
    assert run.status in ("FAILED",)
    assert run.error_code == "login_page_not_found"
