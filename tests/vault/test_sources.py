"""Outside sources behind their one interface: found by path and by domain, in time, with clear words for trouble."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.vault.connect_server import TOKEN as CONNECT_TOKEN
from tests.vault.connect_server import ConnectServer, connect_server, uuid
from tests.vault.factories import NOW, SEED, audit_break, make_principal, make_use
from tests.vault.kv_engine import MOUNT, KvEngine, kv_engine
from tests.vault.kv_engine import TOKEN as KV_TOKEN
from vault import provider_items
from vault.credentials import TotpWait
from vault.errors import AuditUnavailable, Sealed
from vault.models import AuditRecord, CredentialProvider, ProviderItem
from vault.principal import Principal
from vault.provider_items import (
    Wanted,
    folders_list,
    item_find,
    item_rejected,
    item_rejected_names,
    item_value,
    items_list,
)
from vault.providers import NewProvider, provider_create, provider_update
from vault.seal import vault_seal
from vault.secret import Secret
from vault.sources import KINDS, registry_build
from vault.sources.base import ItemAmbiguous, ItemNotFound, SourceDenied, SourceError, SourceUnavailable
from vault.totp import TOTP_NAME, TotpCode

pytestmark = pytest.mark.django_db(transaction=True)
URLS = ("https://www.example.com/login/now",)
VALUES = {"username": "ada", "password": "canary-outside", "totp": SEED, "pin": "canary-pin"}


@dataclass(slots=True)
class Outside:
    """A source of either kind, with one item in it, and a provider that knows it."""

    principal: Principal
    server: ConnectServer | KvEngine
    provider: CredentialProvider

    def wanted(self, path: str = "", domain: str = "example.com") -> Wanted:
        return Wanted(organization_id=self.principal.organization_id, domain=domain, provider="mine", path=path)

    @property
    def path(self) -> str:
        return "Team/Example" if isinstance(self.server, ConnectServer) else f"{MOUNT}/web/Example"

    @property
    def asked(self) -> int:
        return len(self.server.server.asked)


def make_outside(server: ConnectServer | KvEngine, principal: Principal, *, name: str = "mine") -> Outside:
    connect = isinstance(server, ConnectServer)
    new = NewProvider(
        name=name,
        kind="onepassword_connect" if connect else "vault_kv",
        token=Secret(CONNECT_TOKEN if connect else KV_TOKEN),
        server_url=server.server.url,
        options={} if connect else {"mount": MOUNT},
    )
    server.add("Example" if connect else "web/Example", urls=URLS, **VALUES)
    return Outside(principal=principal, server=server, provider=provider_create(principal, new))


@pytest.fixture(params=["onepassword_connect", "vault_kv"])
def outside(request: pytest.FixtureRequest) -> Iterator[Outside]:
    with connect_server() if request.param == "onepassword_connect" else kv_engine() as server:
        yield make_outside(server, make_principal())


def test_an_item_is_found_by_path_and_by_domain(outside: Outside):
    use = make_use(outside.principal)
    for wanted in (outside.wanted(outside.path), outside.wanted(), outside.wanted(domain="app.example.com")):
        found = item_find(wanted, use=use)
        assert found.names == {"username", "password", "pin", TOTP_NAME}
        value = item_value(wanted, "password", use=use, now=NOW)
        assert isinstance(value, Secret)
        assert value.reveal() == "canary-outside"
        assert "canary" not in repr(found)
    for wanted in (outside.wanted("Team/Other"), outside.wanted(domain="example.org")):
        with pytest.raises(ItemNotFound):
            item_find(wanted, use=use)
    with pytest.raises(ItemNotFound):
        item_value(outside.wanted(), "nothing", use=use, now=NOW)


def test_lists_and_folders_name_and_do_not_tell(outside: Outside):
    use = make_use(outside.principal)
    items = items_list(outside.provider, use=use)
    assert [(item.path, item.urls) for item in items] == [(outside.path, URLS)]
    assert "canary" not in repr(items)
    assert [folder.name for folder in folders_list(outside.provider, use=use)] == [outside.path.split("/")[0]]


def test_r15_a_code_is_given_once(outside: Outside):
    use = make_use(outside.principal)
    wanted = outside.wanted()
    first = item_value(wanted, TOTP_NAME, use=use, now=NOW)
    assert isinstance(first, TotpCode)
    assert isinstance(item_value(wanted, TOTP_NAME, use=use, now=NOW), TotpWait)
    later = item_value(wanted, TOTP_NAME, use=use, now=NOW + timedelta(seconds=30))
    assert isinstance(later, TotpCode)
    assert later.code != first.code
    assert isinstance(item_value(wanted, TOTP_NAME, use=use, now=NOW.replace(second=58)), TotpWait)


def test_values_are_fetched_each_time_and_lists_kept_for_a_while(outside: Outside):
    use = make_use(outside.principal)
    item_find(outside.wanted(), use=use)
    before = outside.asked
    item_find(outside.wanted(), use=use)
    assert outside.asked == before + 1  # the item alone
    provider_update(outside.principal, outside.provider.id, cache_ttl_seconds=0)
    item_find(outside.wanted(), use=use)
    again = outside.asked
    item_find(outside.wanted(), use=use)
    assert outside.asked > again + 1


@pytest.mark.parametrize(
    ("mode", "error"), [("down", SourceUnavailable), ("garbage", SourceUnavailable), ("denied", SourceDenied)]
)
def test_trouble_has_a_code_and_is_on_record(outside: Outside, mode: str, error: type[SourceError]):
    outside.server.mode = mode
    with pytest.raises(error) as caught:
        item_find(outside.wanted(), use=make_use(outside.principal))
    assert "token" not in str(caught.value).replace("refuses the token", "")
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.outcome) == ("credential_provider.look", error.code)


def test_a_slow_source_is_given_up_in_time(outside: Outside, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provider_items, "DEADLINE_SECONDS", 0.2)
    outside.server.mode = "slow"
    with pytest.raises(SourceUnavailable, match="in time"):
        item_find(outside.wanted(), use=make_use(outside.principal))
    outside.server.server.release.set()


def test_a_server_that_is_not_there_is_unavailable():
    principal = make_principal()
    new = NewProvider(name="mine", kind="vault_kv", token=Secret("t"), server_url="http://127.0.0.1:1")
    provider_create(principal, new)
    with pytest.raises(SourceUnavailable):
        item_find(Wanted(principal.organization_id, "example.com"), use=make_use(principal))


def test_two_items_of_one_path_are_told_apart_by_id_only():
    with connect_server() as server:
        outside = make_outside(server, make_principal())
        second = server.add("Example", number="2", password="other")
        use = make_use(outside.principal)
        with pytest.raises(ItemAmbiguous):
            item_find(outside.wanted("Team/Example"), use=use)
        found = item_find(outside.wanted(f"{uuid('Team')}/{second}"), use=use)
        assert found.item.values["password"].reveal() == "other"


def test_the_first_match_wins_and_priority_orders_providers():
    principal = make_principal()
    with connect_server() as first, connect_server() as second:
        one = make_outside(first, principal, name="one")
        two = make_outside(second, principal, name="two")
        first.add("Later", urls=URLS, password="later")
        provider_update(principal, two.provider.id, priority=-1)
        anywhere = Wanted(principal.organization_id, "example.com")
        use = make_use(principal)
        found = item_find(anywhere, use=use)
        assert (found.provider.name, found.item.ref.title) == ("two", "Example")
        second.mode = "denied"
        assert item_find(anywhere, use=use).provider.name == "one"
        provider_update(principal, two.provider.id, enabled=False)
        provider_update(principal, one.provider.id, enabled=False)
        with pytest.raises(SourceUnavailable):
            item_find(anywhere, use=use)


def test_r16_a_refused_value_is_remembered_until_the_item_changes():
    with connect_server() as server:
        outside = make_outside(server, make_principal())
        use = make_use(outside.principal)
        found = item_find(outside.wanted(), use=use)
        item_rejected(found, {"password"})
        item_rejected(found, {"username"})
        assert item_rejected_names(item_find(outside.wanted(), use=use)) == {"password", "username"}
        server.change(found.item.ref.id, username="ada", password="new")
        assert item_rejected_names(item_find(outside.wanted(), use=use)) == frozenset()


def test_r35_a_use_is_on_record_before_anything_is_asked(outside: Outside, monkeypatch: pytest.MonkeyPatch):
    use = make_use(outside.principal)
    item_value(outside.wanted(), "password", use=use, now=NOW)
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.outcome, record.resource_id) == (
        "credential_provider.use",
        "ok",
        outside.provider.id,
    )
    assert record.details["names"] == ["password"]
    assert record.details["connection_id"] == "ma_1"
    before = outside.asked
    audit_break(monkeypatch)
    with pytest.raises(AuditUnavailable):
        item_value(outside.wanted(), "password", use=use, now=NOW)
    assert outside.asked == before


def test_r06_nothing_is_asked_while_sealed(outside: Outside):
    before = outside.asked
    vault_seal(by="operator:test", now=NOW)
    with pytest.raises(Sealed):
        item_find(outside.wanted(), use=make_use(outside.principal))
    assert outside.asked == before


def test_r09_no_value_is_kept(outside: Outside, caplog: pytest.LogCaptureFixture):
    use = make_use(outside.principal)
    found = item_find(outside.wanted(), use=use)
    item_value(outside.wanted(), TOTP_NAME, use=use, now=NOW)
    item_rejected(found, {"password"})
    rows = [*CredentialProvider.objects.values(), *ProviderItem.objects.values(), *AuditRecord.objects.values()]
    kept = repr([{name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()} for row in rows])
    for canary in ("canary", SEED, CONNECT_TOKEN, KV_TOKEN):
        assert canary not in kept + caplog.text + repr(provider_items._lists)


def test_kinds_have_names_of_their_own_and_the_same_files():
    assert all(re.fullmatch(r"[a-z_]+", name) for name in KINDS)
    with pytest.raises(ValueError, match="vault_kv"):
        registry_build([*KINDS.values(), KINDS["vault_kv"]])
