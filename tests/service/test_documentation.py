"""The loops that the hosted service's guides show, with the asynchronous SDK and a real login."""

import uuid
from collections.abc import AsyncIterator

import pytest_asyncio
from kernel import AsyncKernel
from kernel.types.auth.connection_follow_response import ManagedAuthStateEvent

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import Account
from tests.service.opening import page_text, profile_state
from tests.service.stack import Stack
from vault.aio import run_db

GRACE = ACCOUNTS["grace@demo.test"]


@pytest_asyncio.fixture
async def kernel(stack: Stack) -> AsyncIterator[AsyncKernel]:
    async with AsyncKernel(api_key=stack.api_key, base_url=stack.url, _strict_response_validation=True) as client:
        yield client


def name() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


async def test_one_loop_answers_login_and_second_factor(stack: Stack, kernel: AsyncKernel) -> None:
    """Only a domain is given: the service finds the login page by itself."""
    profile = name()
    auth = await kernel.auth.connections.create(domain=stack.demo_url.removeprefix("http://"), profile_name=profile)
    login = await kernel.auth.connections.login(auth.id)
    assert login.hosted_url
    grace = Account(GRACE.email, GRACE.password, totp_secret=GRACE.totp_secret)
    final_state: ManagedAuthStateEvent | None = None
    async for event in await kernel.auth.connections.follow(auth.id):
        if event.event != "managed_auth_state":
            continue
        final_state = event
        if event.flow_step == "AWAITING_INPUT" and event.discovered_fields:
            if "email" in [field.name for field in event.discovered_fields]:
                fields = {"email": GRACE.email, "password": GRACE.password}
            else:
                fields = {event.discovered_fields[0].name: grace.code()}
            await kernel.auth.connections.submit(auth.id, fields=fields)
    assert final_state is not None
    assert final_state.flow_status == "SUCCESS"
    managed = await kernel.auth.connections.retrieve(auth.id)
    assert managed.status == "AUTHENTICATED"
    assert managed.post_login_url == f"{stack.demo_url}/account"
    state = await run_db(profile_state, stack.client(), profile)
    assert GRACE.name in await run_db(page_text, managed.post_login_url, state)


async def test_what_a_credential_lacks_is_asked(stack: Stack, kernel: AsyncKernel) -> None:
    domain = stack.demo_url.removeprefix("http://")
    credential = await kernel.credentials.create(
        name=name(), domain=domain, values={"email": GRACE.email}, totp_secret=GRACE.totp_secret
    )
    auth = await kernel.auth.connections.create(
        domain=domain, profile_name=name(), credential={"name": credential.name}
    )
    await kernel.auth.connections.login(auth.id)
    asked: list[list[str]] = []
    last = None
    async for event in await kernel.auth.connections.follow(auth.id):
        if event.event == "managed_auth_state":
            last = event
            if event.flow_step == "AWAITING_INPUT" and event.discovered_fields:
                asked.append([field.type for field in event.discovered_fields])
                await kernel.auth.connections.submit(auth.id, fields={"password": GRACE.password})
    assert last is not None
    assert (last.flow_status, asked) == ("SUCCESS", [["password"]])
