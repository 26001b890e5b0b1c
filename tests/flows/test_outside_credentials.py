"""Logins whose values come from outside: by path and by domain, in trouble, and nothing of it kept."""

from asyncio import gather
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from flows.engine.contract import Host, LoginRequest, Outcome, ValueUnavailable
from flows.errors import ConnectionInvalid
from flows.models import Connection, Flow, Interaction
from flows.services.values import values_usable
from tests.flows.factories import make_connection, make_flow, make_pause
from tests.flows.test_runner import answer_when_asked, carry, logged_in, start
from tests.vault.connect_server import TOKEN as CONNECT_TOKEN
from tests.vault.connect_server import ConnectServer, connect_server
from tests.vault.factories import SEED, make_principal
from tests.vault.kv_engine import MOUNT, KvEngine, kv_engine
from tests.vault.kv_engine import TOKEN as KV_TOKEN
from vault import provider_items
from vault.aio import run_db
from vault.models import AuditRecord, Credential, CredentialValue, Organization
from vault.principal import Principal
from vault.providers import NewProvider, provider_create, provider_delete
from vault.secret import Secret

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://www.example.com/login"


@dataclass(slots=True)
class Outside:
    principal: Principal
    server: ConnectServer | KvEngine
    provider_id: str
    path: str

    def connect(self, **reference: object) -> Connection:
        return make_connection(self.principal, credential={"provider": "mine"} | reference)


@pytest.fixture(params=["onepassword_connect", "vault_kv"])
def outside(request: pytest.FixtureRequest) -> Iterator[Outside]:
    connect = request.param == "onepassword_connect"
    with connect_server() if connect else kv_engine() as server:
        principal = make_principal()
        server.add("Example", urls=(URL,), username="canary-user", password="canary-outside", totp=SEED)
        new = NewProvider(
            name="mine",
            kind=request.param,
            token=Secret(CONNECT_TOKEN if connect else KV_TOKEN),
            server_url=server.server.url,
            options={} if connect else {"mount": MOUNT},
        )
        provider = provider_create(principal, new)
        yield Outside(principal, server, provider.id, "Team/Example" if connect else f"{MOUNT}/Example")


async def take_all(request: LoginRequest, host: Host) -> Outcome:
    """A login that needs everything and is told everything unasked."""
    assert request.known == {"username", "password", "totp_code"}
    seen = {name: (await host.reveal_stored(name, origin=URL)).reveal() for name in sorted(request.known)}
    assert (seen["username"], seen["password"]) == ("canary-user", "canary-outside")
    assert len(seen["totp_code"]) == 6
    return logged_in(stored=request.known)


@pytest.mark.parametrize("by", ["path", "domain"])
async def test_a_login_takes_its_values_from_outside(outside: Outside, by: str):
    reference = {"path": outside.path} if by == "path" else {"auto": True}
    connection = await run_db(lambda: outside.connect(**reference))
    flow = await carry(await start(connection), take_all)
    assert flow.state == "SUCCESS"
    used = await run_db(lambda: list(AuditRecord.objects.filter(action="credential_provider.use").order_by("seq")))
    names = [tuple(record.details["names"]) for record in used]
    # A code near the end of its time step is waited for and asked anew, which is on record as well.
    assert list(dict.fromkeys(names)) == [("password",), ("totp_code",), ("username",)]
    assert {record.details["connection_id"] for record in used} == {connection.id}
    assert not await run_db(Credential.objects.exists)


async def test_without_a_provider_every_one_is_asked(outside: Outside):
    connection = await run_db(lambda: make_connection(outside.principal, credential={"auto": True}))
    assert (await carry(await start(connection), take_all)).state == "SUCCESS"


@pytest.mark.parametrize("trouble", ["down", "denied", "garbage", "slow", "gone", "ambiguous", "absent"])
async def test_a_source_in_trouble_leaves_the_question_to_the_person(
    outside: Outside, trouble: str, monkeypatch: pytest.MonkeyPatch
):
    path = outside.path
    if trouble in ("down", "denied", "garbage"):
        outside.server.mode = trouble
    elif trouble == "slow":
        monkeypatch.setattr(provider_items, "DEADLINE_SECONDS", 0.2)
        outside.server.mode = trouble
    elif trouble == "ambiguous" and isinstance(outside.server, ConnectServer):
        outside.server.add("Example", number="2", password="other")
    elif trouble in ("ambiguous", "absent"):  # a KV engine has one secret at a path
        path = f"{path}/other"
    connection = await run_db(lambda: outside.connect(path=path))
    if trouble == "gone":
        await run_db(provider_delete, outside.principal, outside.provider_id)
    flow = await start(connection)
    typed: list[str] = []

    async def script(request: LoginRequest, host: Host) -> Outcome:
        assert request.known == frozenset()
        await host.pause(make_pause())
        await host.answer()
        typed.append((await host.reveal_given("f2", origin=URL)).reveal())
        return logged_in(given=frozenset({"username", "password"}))

    done, _ = await gather(carry(flow, script), answer_when_asked(flow, fields={"login": "me", "pw": "typed"}))
    assert done.state == "SUCCESS"
    assert typed == ["typed"]
    assert not await run_db(CredentialValue.objects.exists)  # never written back, nor stored beside it
    outside.server.server.release.set()


async def test_what_the_item_lacks_is_asked(outside: Outside):
    outside.server.add("Half", urls=("https://half.example",), username="canary-user")
    connection = await run_db(
        lambda: make_connection(outside.principal, domain="half.example", credential={"auto": True})
    )
    flow = await run_db(make_flow, connection)
    assert (await run_db(values_usable, await run_db(_loaded, flow))).known == {"username"}


async def test_r16_what_the_site_refused_is_not_sent_again_by_the_next_login(outside: Outside):
    connection = await run_db(lambda: outside.connect(path=outside.path))

    async def refuse(request: LoginRequest, host: Host) -> Outcome:
        await host.reveal_stored("password", origin=URL)
        await host.rejected(frozenset({"password"}))
        return logged_in()

    await carry(await start(connection), refuse)
    seen: list[frozenset[str]] = []

    async def look(request: LoginRequest, host: Host) -> Outcome:
        seen.append(request.rejected)
        return logged_in()

    await carry(await start(connection), look)
    assert seen == [{"password"}]


async def test_r09_values_from_outside_are_nowhere(outside: Outside, caplog: pytest.LogCaptureFixture):
    connection = await run_db(lambda: outside.connect(auto=True))
    await carry(await start(connection), take_all)

    def rows() -> str:
        models = (Connection, Flow, Interaction, AuditRecord, Organization)
        return repr([list(model._default_manager.values()) for model in models])

    kept = await run_db(rows)
    for canary in ("canary-user", "canary-outside", SEED, CONNECT_TOKEN, KV_TOKEN):
        assert canary not in kept + caplog.text


@pytest.mark.parametrize(
    "reference",
    [
        {"provider": "other", "auto": True},
        {"provider": "mine"},
        {"provider": "mine", "auto": True, "path": "Team/Example"},
        {"provider": "mine", "auto": False},
        {"path": "Team/Example"},
        {"name": "c", "provider": "mine", "auto": True},
    ],
)
def test_a_reference_that_cannot_be_is_refused(reference: dict[str, object]):
    principal = make_principal()
    provider_create(principal, NewProvider(name="mine", kind="onepassword", token=Secret("t")))
    with pytest.raises(ConnectionInvalid):
        make_connection(principal, credential=reference)
    other = make_principal("other")
    with pytest.raises(ConnectionInvalid):
        make_connection(other, credential={"provider": "mine", "auto": True})


def _loaded(flow: Flow) -> Flow:
    return Flow.objects.select_related("connection__credential").get(pk=flow.pk)


async def test_a_source_that_fails_between_two_fields_leaves_the_question_to_the_person(outside: Outside):
    connection = await run_db(lambda: outside.connect(path=outside.path))

    async def halfway(request: LoginRequest, host: Host) -> Outcome:
        await host.reveal_stored("username", origin=URL)
        await run_db(provider_delete, outside.principal, outside.provider_id)
        with pytest.raises(ValueUnavailable) as caught:
            await host.reveal_stored("password", origin=URL)
        assert caught.value.name == "password"
        assert await host.match(frozenset({"username"}), [("canary-user",)], origin=URL) is None
        return logged_in()

    assert (await carry(await start(connection), halfway)).state == "SUCCESS"


async def test_an_entry_of_a_list_is_found_by_an_outside_value_on_record(outside: Outside):
    connection = await run_db(lambda: outside.connect(path=outside.path))

    async def choosing(request: LoginRequest, host: Host) -> Outcome:
        assert await host.match(frozenset({"username"}), [("Grace",), ("Canary-User",)], origin=URL) == 1
        return logged_in()

    flow = await carry(await start(connection), choosing)
    assert (flow.state, flow.sent) == ("SUCCESS", {})
    used = await run_db(AuditRecord.objects.get, action="credential_provider.use")
    assert used.details["names"] == ["username"]
