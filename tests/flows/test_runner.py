"""The runner between database and engine, with an engine of the test's own: what is asked, stored and ended."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.utils import timezone

from flows.engine.browsers import Browsers
from flows.engine.contract import (
    AuthCheck,
    ErrorCode,
    Failed,
    Host,
    LoggedIn,
    LoginRequest,
    Outcome,
    ProfileState,
    Progress,
)
from flows.engine.errors import BrowserLost
from flows.models import Connection, Flow, Interaction
from flows.runner.check import Job as Look
from flows.runner.run import Looker, flow_run
from flows.services.connections import connection_delete
from flows.services.flows import flow_cancel, flow_claim, flow_start, flows_abandoned
from flows.services.submissions import submission_accept
from flows.submissions import Submission
from flows.wake import listening, wake
from tests.flows.factories import make_connection, make_pause, make_principal
from vault.aio import run_db
from vault.principal import Principal
from vault.profiles import Lease, profile_lease, profile_release, profile_save, profile_state

pytestmark = pytest.mark.django_db(transaction=True)
NO_BROWSERS = cast(Browsers, None)
COOKIE = {"name": "sid", "value": "canary-cookie", "domain": "example.com", "path": "/"}
OTHER = {"name": "sid", "value": "other", "domain": "other.example", "path": "/"}
CHECK = AuthCheck(url="https://example.com/", signed_in={"path": "/"}, signed_out={"path": "/login"})

Script = Callable[[LoginRequest, Host], Awaitable[Outcome]]


def logged_in(**options: Any) -> LoggedIn:
    state = ProfileState(storage={"cookies": [COOKIE], "origins": []})
    return LoggedIn(state=state, post_login_url="https://example.com/home", check=CHECK, **options)


async def unseeing(_: Browsers, look: Look, __: str) -> LoggedIn | ProfileState:
    return look.state


async def carry(flow: Flow, script: Script, *, looker: Looker = unseeing) -> Flow:
    async def engine(_: Browsers, request: LoginRequest, host: Host) -> Outcome:
        return await script(request, host)

    await flow_run(flow.id, browsers=NO_BROWSERS, holder="test", engine=engine, looker=looker)
    return await run_db(Flow.objects.select_related("connection").get, pk=flow.id)


async def start(connection: Connection) -> Flow:
    flow, _ = await run_db(flow_start, connection, now=timezone.now())
    return flow


async def connected(principal: Principal | None = None, **options: Any) -> Connection:
    owner = principal if principal is not None else await run_db(make_principal)
    return await run_db(lambda: make_connection(owner, **options))


async def stored(connection: Connection) -> dict[str, Any]:
    """The connection's profile as it is now; empty before the first success."""
    state = await run_db(lambda: profile_state(connection.profile_id))
    return json.loads(state) if state is not None else {}


async def answer_when_asked(flow: Flow, **body: Any) -> None:
    """A person: waits for the question, answers it."""
    connection = await run_db(Connection.objects.get, pk=flow.connection_id)
    async with listening(flow.id) as listener:
        while not await run_db(Interaction.objects.filter(flow=flow, state="open").exists):
            await listener.wait(0.1)
    await run_db(submission_accept, connection, Submission(**body), now=timezone.now())
    await wake(flow.id)


async def test_success_changes_profile_connection_and_flow_together() -> None:
    connection = await connected()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        assert request.domain == "example.com"
        assert request.state is None
        await host.progress(Progress.SUBMITTING)
        return logged_in()

    flow = await carry(await start(connection), script)
    assert (flow.state, flow.reached) == ("SUCCESS", "SUBMITTING")
    assert flow.connection.status == "AUTHENTICATED"
    assert flow.connection.post_login_url == "https://example.com/home"
    assert flow.connection.auth_check is not None
    assert flow.connection.auth_check["url"] == CHECK.url
    assert (await stored(connection))["cookies"] == [COOKIE]


async def test_a_login_of_who_is_signed_in_still_ends_with_the_look() -> None:
    connection = await connected()

    async def first(request: LoginRequest, host: Host) -> Outcome:
        return logged_in()

    await carry(await start(connection), first)
    renewed = {**COOKIE, "value": "renewed"}

    async def looker(_: Browsers, look: Look, landed: str) -> LoggedIn | ProfileState:
        assert look.auth_check == CHECK
        return LoggedIn(ProfileState(storage={"cookies": [renewed], "origins": []}), landed, look.auth_check)

    async def never(request: LoginRequest, host: Host) -> Outcome:
        raise AssertionError("nobody had to log in")

    flow = await carry(await start(connection), never, looker=looker)
    assert (flow.state, flow.post_login_url) == ("SUCCESS", "https://example.com/home")
    assert (await stored(connection))["cookies"] == [renewed]


async def test_a_flow_that_has_ended_is_not_taken_for_lost(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FLOW_LEASE_SECONDS = 0.03

    def release(lease: Lease) -> None:
        time.sleep(0.1)  # the keeper of the flow's lease looks several times meanwhile
        profile_release(lease)

    monkeypatch.setattr("flows.runner.run.profile_release", release)

    async def script(request: LoginRequest, host: Host) -> Outcome:
        return logged_in()

    assert (await carry(await start(await connected()), script)).state == "SUCCESS"


async def test_a_login_goes_on_from_where_the_look_left_the_profile() -> None:
    connection = await connected()

    async def first(request: LoginRequest, host: Host) -> Outcome:
        return logged_in()

    await carry(await start(connection), first)
    left = ProfileState(storage={"cookies": [{**COOKIE, "value": "half"}], "origins": []})

    async def looker(_: Browsers, look: Look, landed: str) -> LoggedIn | ProfileState:
        return left

    async def second(request: LoginRequest, host: Host) -> Outcome:
        assert request.state == left
        return logged_in()

    assert (await carry(await start(connection), second, looker=looker)).state == "SUCCESS"


async def test_r33_a_failed_flow_leaves_the_profile_as_it_was() -> None:
    connection = await connected()
    before = {"cookies": [OTHER], "origins": [], "session_storage": {}}
    lease = await run_db(profile_lease, connection.profile_id, holder="t", seconds=1, now=timezone.now())
    assert lease is not None
    await run_db(profile_save, lease, json.dumps(before).encode(), now=timezone.now() - timedelta(seconds=60))

    async def script(request: LoginRequest, host: Host) -> Outcome:
        assert request.state is not None
        return Failed(ErrorCode.SITE_UNREACHABLE, "No answer")

    flow = await carry(await start(connection), script)
    assert flow.state == "FAILED"
    assert flow.connection.status == "NEEDS_AUTH"
    assert await stored(connection) == before


async def test_r33_another_sites_session_survives_the_merge() -> None:
    connection = await connected()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        lease = await run_db(profile_lease, connection.profile_id, holder="other", seconds=0.1, now=timezone.now())
        assert lease is not None
        state = json.dumps({"cookies": [OTHER], "origins": [], "session_storage": {}}).encode()
        await run_db(profile_save, lease, state, now=timezone.now())
        return logged_in()

    await carry(await start(connection), script)
    assert [cookie["value"] for cookie in (await stored(connection))["cookies"]] == ["other", "canary-cookie"]


@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_a_login_stopped_from_outside_stops_its_engine(how: str) -> None:
    principal = await run_db(make_principal)
    connection = await connected(principal)
    flow = await start(connection)
    stopped = asyncio.Event()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await host.pause(make_pause())
        if how == "cancel":
            await run_db(flow_cancel, flow.id, now=timezone.now())
        else:
            await run_db(connection_delete, principal, connection, now=timezone.now())
        await wake(flow.id)
        try:
            await host.answer()
        finally:
            stopped.set()
        raise AssertionError("an answer came")

    async def engine(_: Browsers, request: LoginRequest, host: Host) -> Outcome:
        return await script(request, host)

    await asyncio.wait_for(flow_run(flow.id, browsers=NO_BROWSERS, holder="t", engine=engine), 5)
    assert stopped.is_set()
    rows = await run_db(lambda: list(Flow.objects.values_list("state", flat=True)))
    assert rows == (["CANCELED"] if how == "cancel" else [])


async def test_an_interaction_nobody_answers_expires_the_flow(settings: Any) -> None:
    settings.INTERACTION_SECONDS = 0
    connection = await connected()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await host.pause(make_pause())
        await host.answer()
        raise AssertionError("an answer came")

    flow = await carry(await start(connection), script)
    assert (flow.state, flow.error_code) == ("EXPIRED", "flow_expired")


async def test_our_own_mistake_ends_the_flow_without_telling_its_message(caplog: pytest.LogCaptureFixture) -> None:
    connection = await connected()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        raise ValueError("canary-in-exception")

    flow = await carry(await start(connection), script)
    assert (flow.state, flow.error_code) == ("FAILED", "internal_error")
    assert "ValueError" in caplog.text
    assert "canary-in-exception" not in caplog.text + flow.error_message


async def test_a_lost_browser_is_replaced_once() -> None:
    connection = await connected()
    tries = 0

    async def script(request: LoginRequest, host: Host) -> Outcome:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise BrowserLost("gone")
        return logged_in()

    assert (await carry(await start(connection), script)).state == "SUCCESS"
    assert tries == 2


async def test_a_worker_that_lost_its_flow_writes_nothing() -> None:
    connection = await connected()
    flow = await start(connection)

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await run_db(Flow.objects.filter(pk=flow.id).update, attempt=7)
        return logged_in()

    ended = await carry(flow, script)
    assert ended.state == "DISCOVERING"
    assert ended.connection.status == "NEEDS_AUTH"
    assert await stored(connection) == {}


async def test_a_stopping_worker_lets_its_flow_go_to_the_next_one() -> None:
    connection = await connected()
    flow = await start(connection)
    asked = asyncio.Event()

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await host.pause(make_pause())
        asked.set()
        await host.answer()
        raise AssertionError("an answer came")

    carrying = asyncio.create_task(carry(flow, script))
    await asked.wait()
    assert await run_db(flow_claim, flow.id, holder="next", now=timezone.now()) is None
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    assert await run_db(flows_abandoned, now=timezone.now()) == [flow.id]
    assert await run_db(flow_claim, flow.id, holder="next", now=timezone.now()) is not None
