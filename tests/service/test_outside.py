"""A login with a one-time code whose every value is only in an outside source: real worker, real Chromium."""

import uuid

from kernel import Kernel

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import Account, drive
from tests.service.opening import page_text, profile_state
from tests.service.stack import Stack
from tests.vault.connect_server import TOKEN as CONNECT_TOKEN
from tests.vault.connect_server import connect_server
from tests.vault.kv_engine import MOUNT, kv_engine
from tests.vault.kv_engine import TOKEN as KV_TOKEN

GRACE = ACCOUNTS["grace@demo.test"]
VALUES = {"username": GRACE.email, "password": GRACE.password, "totp": GRACE.totp_secret}


def logged_in(stack: Stack, client: Kernel, **reference: object) -> None:
    connection = client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        profile_name=f"p-{uuid.uuid4().hex[:8]}",
        login_url=f"{stack.demo_url}/login",
        browser={"stealth": False},
        credential=reference,  # type: ignore[arg-type]  # one of the three forms
    )
    run = drive(client, connection, Account("", ""), mode="stored")
    assert (run.status, run.asked) == ("SUCCESS", [])
    assert GRACE.name in page_text(f"{stack.demo_url}/account", profile_state(client, connection.profile_name))
    after = client.auth.connections.retrieve(connection.id)
    assert after.credential is not None
    assert after.credential.provider == reference["provider"]
    listed = [item.name for item in client.credentials.list()]
    assert not [name for name in listed if connection.id in name]


def test_from_a_connect_server_by_path(stack: Stack) -> None:
    client = stack.client()
    with connect_server() as server:
        server.add("Demo", urls=(stack.demo_url,), **VALUES)
        name = f"op-{uuid.uuid4().hex[:8]}"
        client.credential_providers.create(
            token=CONNECT_TOKEN, name=name, provider_type="onepassword", extra_body={"server_url": server.server.url}
        )
        logged_in(stack, client, provider=name, path="Team/Demo")


def test_from_a_key_value_engine_by_domain(stack: Stack) -> None:
    client = stack.client()
    with kv_engine() as engine:
        engine.add("demo/Grace", urls=(stack.demo_url,), **VALUES)
        name = f"kv-{uuid.uuid4().hex[:8]}"
        body = {"name": name, "token": KV_TOKEN, "provider_type": "vault_kv", "server_url": engine.server.url}
        client.post("/org/credential_sources", cast_to=object, body=body | {"options": {"mount": MOUNT}})
        logged_in(stack, client, provider=name, auto=True)
