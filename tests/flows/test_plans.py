"""The plan of a connection between logins: written, read, left alone, dropped."""

import pytest
from django.utils import timezone

from flows.engine.contract import ErrorCode, Failed, Host, LoginRequest, Outcome
from flows.engine.plan import Did, Plan, Step
from flows.models import Connection, Flow
from flows.readiness import connection_can_reauth
from flows.requirements import Requirements
from flows.services.connections import ConnectionChanges, connection_update
from flows.services.flows import flow_start
from tests.flows.factories import make_principal
from tests.flows.test_runner import CHECK, carry, connected, logged_in, start
from vault.aio import run_db

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = Plan((Step("a1", Did.PICKED, "account_1"),), start="https://example.com/login", end="b2")


async def succeed(request: LoginRequest, host: Host) -> Outcome:
    return logged_in(plan=PLAN)


async def plan_now(connection: Connection) -> Plan | None:
    return Plan.from_json((await run_db(Connection.objects.get, pk=connection.pk)).plan)


async def begin(connection: Connection, mode: str) -> Flow:
    flow, _ = await run_db(lambda: flow_start(connection, now=timezone.now(), overrides={"skill_mode": mode}))
    return flow


async def test_the_next_login_is_given_the_plan_and_the_check() -> None:
    connection = await connected()
    await carry(await start(connection), succeed)
    seen: list[LoginRequest] = []

    async def look(request: LoginRequest, host: Host) -> Outcome:
        seen.append(request)
        return logged_in()  # still signed in: nothing of the way was seen

    await carry(await start(connection), look)
    assert seen[0].plan == PLAN
    assert seen[0].check == CHECK
    assert await plan_now(connection) == PLAN


async def test_a_login_without_plans_neither_reads_nor_writes_one() -> None:
    connection = await connected()
    await carry(await begin(connection, "disabled"), succeed)
    assert await plan_now(connection) is None
    await carry(await start(connection), succeed)

    async def look(request: LoginRequest, host: Host) -> Outcome:
        assert (request.plan, request.check) == (None, None)
        return logged_in(plan=Plan((), end="c3"))

    assert (await carry(await begin(connection, "disabled"), look)).state == "SUCCESS"
    assert await plan_now(connection) == PLAN


@pytest.mark.parametrize(
    ("code", "kept"), [(ErrorCode.LOGIN_PAGE_NOT_FOUND, False), (ErrorCode.CREDENTIALS_INVALID, True)]
)
async def test_a_plan_that_may_have_led_astray_is_dropped(code: ErrorCode, kept: bool) -> None:
    connection = await connected()
    await carry(await start(connection), succeed)

    async def fail(request: LoginRequest, host: Host) -> Outcome:
        return Failed(code, "No.")

    await carry(await start(connection), fail)
    assert (await plan_now(connection) == PLAN) is kept


async def test_another_login_page_needs_another_plan() -> None:
    principal = await run_db(make_principal)
    connection = await connected(principal)
    await carry(await start(connection), succeed)

    def change(**changes: object) -> None:
        wanted = ConnectionChanges(**changes)  # type: ignore[arg-type]  # one helper for several types
        connection_update(principal, connection, wanted, ssrf_allow=(), now=timezone.now())

    await run_db(lambda: change(health_check_interval=600))
    assert await plan_now(connection) == PLAN
    await run_db(lambda: change(login_url="https://example.com/enter"))
    assert await plan_now(connection) is None


async def test_choices_that_the_plan_makes_again_need_nobody() -> None:
    connection = await connected()
    connection.credential_source = {"provider": "mine", "auto": True}
    connection.last_login_at, connection.requirements = timezone.now(), Requirements(choice=True).to_json()
    assert connection_can_reauth(connection, None) == (False, "requires_customer_input")
    connection.plan = PLAN.to_json()
    assert connection_can_reauth(connection, None) == (True, "external_credential")
    connection.skill_mode = "disabled"
    assert connection_can_reauth(connection, None) == (False, "requires_customer_input")
