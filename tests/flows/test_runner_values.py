"""Values on their way through the runner: typed, stored, kept, refused."""

import asyncio

import pytest

from flows.engine.contract import (
    AskedField,
    ErrorCode,
    Failed,
    Filled,
    Host,
    LoginRequest,
    Outcome,
    Progress,
)
from flows.engine.reading.model import FieldRole
from flows.models import Connection, Interaction
from flows.services.values import use_of
from tests.flows.factories import CODE, make_pause, make_principal
from tests.flows.test_runner import answer_when_asked, carry, connected, logged_in, start
from vault.aio import run_db
from vault.credentials import credential_create, credential_names, credential_rejected_names, credential_value_reveal
from vault.models import AuditRecord, Credential

pytestmark = pytest.mark.django_db(transaction=True)


async def test_typed_values_reach_the_engine_and_are_kept_without_codes() -> None:
    connection = await connected()
    flow = await start(connection)
    seen: dict[str, str] = {}

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await host.pause(make_pause())
        given = await host.answer()
        assert given == Filled(frozenset({"f1", "f2"}))
        for field_id in ("f1", "f2"):
            seen[field_id] = (await host.reveal_given(field_id, origin="https://example.com")).reveal()
        await host.progress(Progress.SUBMITTING)
        await host.pause(make_pause(CODE))
        await host.answer()
        seen["f3"] = (await host.reveal_given("f3", origin="https://example.com")).reveal()
        return logged_in(given=frozenset({"username", "password", "code"}))

    async def person() -> None:
        await answer_when_asked(flow, fields={"login": "ada", "pw": "canary-pass"})
        await answer_when_asked(flow, fields={"otp": "123456"})

    helper = asyncio.create_task(person())
    ended = await carry(flow, script)
    await helper
    assert ended.state == "SUCCESS"
    assert seen == {"f1": "ada", "f2": "canary-pass", "f3": "123456"}
    credential = await run_db(Credential.objects.get)
    assert await run_db(credential_names, credential) == {"username", "password"}
    assert (await run_db(Connection.objects.get)).credential_id == credential.id
    assert not await run_db(Interaction.objects.filter(sealed_values__isnull=False).exists)


async def test_a_password_that_had_to_be_changed_is_kept_in_place_of_the_old_one() -> None:
    connection = await connected()
    flow = await start(connection)
    fresh = [
        AskedField(id=ref, ref=ref, role=FieldRole.NEW_PASSWORD, name=ref, label="New password", html_type="password")
        for ref in ("new1", "new2")
    ]

    async def script(request: LoginRequest, host: Host) -> Outcome:
        for pause in (make_pause(), make_pause(*fresh)):
            await host.pause(pause)
            await host.answer()
            await host.progress(Progress.SUBMITTING)
        return logged_in(given=frozenset({"username", "password"}))

    async def person() -> None:
        await answer_when_asked(flow, fields={"login": "ada", "pw": "old-pass"})
        await answer_when_asked(flow, fields={"new1": "new-pass", "new2": "new-pass"})

    helper = asyncio.create_task(person())
    ended = await carry(flow, script)
    await helper
    assert ended.state == "SUCCESS"
    credential = await run_db(Credential.objects.get)
    assert await run_db(credential_names, credential) == {"username", "password"}
    kept = await run_db(credential_value_reveal, credential_id=credential.id, name="password", use=use_of(ended))
    assert kept.reveal() == "new-pass"


async def test_nothing_is_kept_when_the_connection_says_so() -> None:
    connection = await connected(save_credentials=False)
    flow = await start(connection)

    async def script(request: LoginRequest, host: Host) -> Outcome:
        await host.pause(make_pause())
        await host.answer()
        return logged_in(given=frozenset({"username", "password"}))

    helper = asyncio.create_task(answer_when_asked(flow, fields={"login": "ada", "pw": "x"}))
    await carry(flow, script)
    await helper
    assert await run_db(Credential.objects.count) == 0


async def test_r35_a_stored_value_is_on_record_before_it_is_released() -> None:
    principal = await run_db(make_principal)
    await run_db(
        credential_create, principal, name="ada", domain="example.com", values={"username": "ada", "password": "pw"}
    )
    connection = await connected(principal, credential={"name": "ada"})

    async def script(request: LoginRequest, host: Host) -> Outcome:
        assert request.known == {"username", "password"}
        assert (await host.reveal_stored("password", origin="https://example.com")).reveal() == "pw"
        record = await run_db(AuditRecord.objects.filter(action="credential.use").first)
        assert record is not None
        assert record.details["names"] == ["password"]
        assert record.details["origin"] == "https://example.com"
        return logged_in(stored=frozenset({"password"}))

    assert (await carry(await start(connection), script)).state == "SUCCESS"


async def test_r16_a_rejected_stored_password_is_not_known_to_the_next_login() -> None:
    principal = await run_db(make_principal)
    credential = await run_db(
        credential_create, principal, name="ada", domain="example.com", values={"username": "ada", "password": "pw"}
    )
    connection = await connected(principal, credential={"name": "ada"})
    requests: list[LoginRequest] = []

    async def script(request: LoginRequest, host: Host) -> Outcome:
        requests.append(request)
        await host.reveal_stored("password", origin="https://example.com")
        await host.rejected(frozenset({"password"}))
        return Failed(ErrorCode.CREDENTIALS_INVALID, "The site refused them.", website_error="Wrong password")

    first = await carry(await start(connection), script)
    assert (first.state, first.error_code, first.website_error) == ("FAILED", "credentials_invalid", "Wrong password")
    assert await run_db(credential_rejected_names, credential) == {"password"}
    await carry(await start(connection), script)
    assert requests[0].rejected == frozenset()
    assert requests[1].rejected == {"password"}
