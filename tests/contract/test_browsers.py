"""`/browsers` before anything starts: every parameter is taken, echoed or refused by name."""

import re
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kernel import APIStatusError, ConflictError, NotFoundError, RateLimitError
from kernel.types import BrowserListResponse, BrowserNetworkConfig, BrowserRetrieveResponse

from flows.browser_links import cdp_session_id, cdp_url
from flows.models import BrowserSession
from flows.services.allowlists import allowlist_new
from flows.services.replays import replay_keep, replay_start
from flows.services.sessions import (
    Ending,
    NewSession,
    ProfileChoice,
    session_claim,
    session_create,
    session_end,
    session_lease,
    session_renew,
    session_started,
    sessions_lapsed,
)
from tests.contract.tenants import Tenant, items
from vault.errors import LeaseLost, RateLimited
from vault.models import AuditRecord
from vault.profiles import profile_lease, profile_leased, profile_save

FULL: dict[str, Any] = {
    "headless": True,
    "stealth": True,
    "kiosk_mode": True,
    "viewport": {"width": 1280, "height": 800, "refresh_rate": 60},
    "start_url": "https://example.com/start",
    "proxy": {"mode": "direct"},
    "location": {"locale": "de-DE", "timezone": "Europe/Berlin"},
    "region": "eu-west",
    "memory": "2GiB",
    "telemetry": {"enabled": True},
    "vaults": [{"id": "v"}],
    "network": {"allowed_hosts": ["example.com", "*.example.com"], "allowlist_state": {"revision": "1"}},
}


def running(owner: Tenant, new: NewSession | None = None) -> BrowserSession:
    now = timezone.now()
    session = session_create(owner.principal, new or NewSession(), now=now)
    assert session_claim(session.id, holder="w", now=now)
    assert session_started(session.id, holder="w", address="127.0.0.1:9", now=now)
    return BrowserSession.objects.get(pk=session.pk)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"timeout_seconds": 9}, "invalid_request"),
        ({"timeout_seconds": 259_201}, "invalid_request"),
        ({"profile": {}}, "invalid_request"),
        ({"profile": {"id": "a", "name": "b"}}, "invalid_request"),
        ({"viewport": {"width": 0, "height": 5}}, "invalid_request"),
        ({"start_url": "file:///etc/passwd"}, "invalid_request"),
        ({"start_url": "http://169.254.169.254/"}, "address_refused"),
        ({"location": {"timezone": "Mars/Base"}}, "invalid_request"),
        ({"location": {"locale": "--x"}}, "invalid_request"),
        ({"memory": "1GiB"}, "invalid_request"),
        ({"headless": True, "memory": "8GiB"}, "invalid_request"),
        ({"gpu": True}, "gpu_unavailable"),
        ({"chrome_policy": {"X": 1}}, "chrome_policy_unavailable"),
        ({"network": {"allowed_hosts": []}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["a.test:80"]}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["*.com"]}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["10.0.0.0/8"]}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["a.test"]}, "start_url": "https://b.test/"}, "start_url_not_allowed"),
        ({"network": {"private_hosts": ["a.test"]}}, "network_unavailable"),
        ({"network": {"proxy_routes": [{"hosts": ["a.test"], "proxy": {"id": "p"}}]}}, "network_unavailable"),
        ({"proxy": {}}, "invalid_request"),
        ({"proxy": {"mode": "direct"}, "proxy_id": "p"}, "invalid_request"),
        ({"proxy": {"id": "proxy_unknown"}}, "invalid_request"),
        ({"tags": {str(number): "x" for number in range(51)}}, "invalid_request"),
        ({"name": "a/b"}, "invalid_request"),
    ],
)
def test_what_cannot_be_is_refused_by_name(owner: Tenant, body: dict[str, Any], code: str) -> None:
    with pytest.raises(APIStatusError) as refusal:
        owner.sdk.browsers.create(**body)
    assert (refusal.value.status_code, refusal.value.body["code"]) == (400, code)  # type: ignore[index]
    assert not BrowserSession.objects.exists()


def test_an_unknown_profile_is_not_found(owner: Tenant, outsider: Tenant) -> None:
    theirs = outsider.sdk.profiles.create(name="theirs")
    for profile in ({"name": "nobody"}, {"id": theirs.id}, {"name": "theirs"}):
        with pytest.raises(NotFoundError):
            owner.sdk.browsers.create(profile=profile)  # type: ignore[arg-type]


def test_what_was_asked_for_is_echoed(owner: Tenant) -> None:
    profile = owner.sdk.profiles.create(name="p")
    new = NewSession(
        options=FULL, name="n", tags={"a": "b", "7": "x"}, profile=ProfileChoice(id=profile.id), timeout_seconds=99
    )
    session = running(owner, new)
    found = owner.sdk.browsers.retrieve("n")
    assert isinstance(found, BrowserRetrieveResponse)
    shown = found.model_dump(mode="json", exclude_unset=True)
    location = {"locale": "de-DE", "locale_source": "override", "timezone": "Europe/Berlin"}
    expected = FULL | {"location": location | {"timezone_source": "override"}, "session_id": session.id, "name": "n"}
    expected |= {"tags": {"a": "b", "7": "x"}, "timeout_seconds": 99, "profile_save_changes": False}
    assert {name: shown[name] for name in expected if name != "telemetry"} == {
        name: value for name, value in expected.items() if name != "telemetry"
    }
    assert found.profile is not None
    assert found.profile.id == profile.id
    assert [item.session_id for item in items(BrowserListResponse, owner.sdk.browsers.list(query="p"))] == [session.id]
    assert owner.sdk.browsers.list(region="us-east").items == []
    assert len(owner.sdk.browsers.list(tags={"a": "b", "7": "x"}).items) == 1
    assert owner.sdk.browsers.list(tags={"a": "b", "7": "y"}).items == []
    assert owner.sdk.browsers.list(tags={"other": "b"}).items == []
    assert session_end(session.id, Ending.DELETED, now=timezone.now())
    assert owner.sdk.browsers.list().items == []
    over = items(BrowserListResponse, owner.sdk.browsers.list(status="deleted"))[0]
    assert (over.cdp_ws_url, over.usage_status) == ("", "ready")
    assert owner.sdk.browsers.list(include_deleted=True).items


def test_what_a_running_browser_keeps_is_not_changed(owner: Tenant) -> None:
    profile = owner.sdk.profiles.create(name="p")
    session = running(owner, NewSession(profile=ProfileChoice(id=profile.id)))
    for body, code in (
        ({"location": {"locale": "de"}}, "location_fixed"),
        ({"network": {"allowed_hosts": ["a.test"]}}, "network_fixed"),
        ({"network": {"private_hosts": []}}, "network_fixed"),
        ({"profile": {"id": profile.id}}, "profile_loaded"),
    ):
        with pytest.raises(APIStatusError) as refusal:
            owner.sdk.browsers.update(session.id, **body)
        assert (refusal.value.status_code, refusal.value.body["code"]) == (400, code)  # type: ignore[index]
    assert owner.sdk.browsers.update(session.id, name="x", tags={"a": "b"}).tags == {"a": "b"}
    assert owner.sdk.browsers.update(session.id, name="", tags={}).name is None
    with pytest.raises(ConflictError):  # its worker does not answer
        owner.sdk.browsers.update(session.id, viewport={"width": 5, "height": 5})


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What workers are told, for browsers that have none."""
    told: list[Any] = []

    async def control(session: BrowserSession, command: Any) -> None:
        told.append(command)

    # By its name in the system: the package calls its router what the module is called.
    monkeypatch.setattr(sys.modules["flows.api.browsers"], "relay_control", control)
    return told


def listed(*hosts: str) -> NewSession:
    return NewSession(options={"network": allowlist_new(hosts)})


def test_allowed_hosts_are_replaced_and_removed_for_good(owner: Tenant, applied: list[Any]) -> None:
    session = running(owner, listed("a.test"))
    change = owner.sdk.browsers.update
    for body, code in (
        ({"network": {"allowed_hosts": []}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["a.test/x"]}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["b.test"]}, "start_url": "https://a.test/"}, "start_url_not_allowed"),
        ({"start_url": "https://b.test/"}, "start_url_not_allowed"),
        ({"network": {"mutation_id": "m", "expected_allowlist_revision": "1"}}, "invalid_request"),
        ({"network": {"allowed_hosts": ["b.test"], "mutation_id": "m"}}, "invalid_request"),
    ):
        with pytest.raises(APIStatusError) as refusal:
            change(session.id, **body)
        assert (refusal.value.status_code, refusal.value.body["code"]) == (400, code), body  # type: ignore[index]
    assert applied == []
    network = change(session.id, name="x", network={}).network
    assert network is not None
    assert (network.allowed_hosts, applied) == (["a.test"], [])
    network = change(session.id, network={"allowed_hosts": ["b.test"]}, start_url="https://b.test/").network
    assert network is not None
    assert network.allowed_hosts == ["b.test"]
    assert applied.pop() == {"network": True, "start_url": "https://b.test/"}
    network = change(session.id, network={"allowed_hosts": None}).network
    assert network is not None
    assert (network.allowed_hosts, network.allowlist_state is not None) == (None, True)
    with pytest.raises(APIStatusError) as refusal:
        change(session.id, network={"allowed_hosts": ["a.test"]})
    assert refusal.value.body["code"] == "network_fixed"  # type: ignore[index]


def test_a_conditional_change_of_allowed_hosts_knows_what_it_changes(owner: Tenant, applied: list[Any]) -> None:
    session = running(owner, listed("a.test"))

    def change(revision: str, mutation: str, *hosts: str) -> BrowserNetworkConfig:
        network = owner.sdk.browsers.update(
            session.id,
            network={
                "allowed_hosts": list(hosts),
                "expected_allowlist_revision": revision,
                "mutation_id": mutation,
            },
        ).network
        assert network is not None
        return network

    first = change("1", "m", "b.test")
    assert first.allowlist_state is not None
    assert (first.allowlist_state.mutation_id, first.allowlist_state.base_revision) == ("m", "1")
    assert change("1", "m", "b.test") == first  # sent again: no other revision, but told to the worker again
    assert len(applied) == 2
    for revision, mutation, host in (("1", "m", "c.test"), ("1", "n", "c.test")):
        with pytest.raises(ConflictError) as refusal:
            change(revision, mutation, host)
        assert refusal.value.body["code"] == "stale_network"  # type: ignore[index]
    assert change(first.allowlist_state.revision, "n", "c.test").allowed_hosts == ["c.test"]


def test_a_project_has_its_share_of_browsers(owner: Tenant) -> None:
    owner.sdk.projects.limits.update("default", max_concurrent_sessions=1)
    session = running(owner)
    with pytest.raises(RateLimited):
        session_create(owner.principal, NewSession(), now=timezone.now())
    with pytest.raises(RateLimitError) as refusal:
        owner.sdk.browsers.create()
    assert refusal.value.response.headers["Retry-After"]
    session_end(session.id, Ending.DELETED, now=timezone.now())
    assert session_create(owner.principal, NewSession(), now=timezone.now())


def test_r31_one_browser_writes_a_profile_and_a_stale_one_cannot(owner: Tenant) -> None:
    profile = owner.sdk.profiles.create(name="p")
    saving = NewSession(profile=ProfileChoice(name="p", save_changes=True))
    first = running(owner, saving)
    with pytest.raises(ConflictError) as refusal:
        owner.sdk.browsers.create(profile={"name": "p", "save_changes": True})
    assert refusal.value.body["code"] == "profile_in_use"  # type: ignore[index]
    running(owner, NewSession(profile=ProfileChoice(name="p")))  # reading needs no lease
    later = timezone.now() + timedelta(hours=1)
    assert profile_lease(profile.id, holder="another", seconds=60, now=later) is not None
    lease = session_lease(first)
    assert lease is not None
    with pytest.raises(LeaseLost):
        profile_save(lease, b"{}", now=later)


def test_a_session_without_its_worker_ends_and_lets_go_of_the_profile(owner: Tenant) -> None:
    profile = owner.sdk.profiles.create(name="p")
    session = running(owner, NewSession(profile=ProfileChoice(name="p", save_changes=True)))
    now = timezone.now()
    assert sessions_lapsed(now=now) == []
    assert profile_leased(profile.id, now=now)
    later = now + timedelta(hours=1)
    assert sessions_lapsed(now=later) == [session.id]
    assert not profile_leased(profile.id, now=now)
    assert session_renew(session.id, holder="w", active_at=now, now=later) is None
    assert not session_started(session.id, holder="w", address="a:1", now=later)


def test_deleting_a_profile_ends_no_browser_but_its_saving(owner: Tenant) -> None:
    profile = owner.sdk.profiles.create(name="p")
    session = running(owner, NewSession(profile=ProfileChoice(name="p", save_changes=True)))
    owner.sdk.profiles.delete(profile.id)
    session.refresh_from_db()
    assert session_lease(session) is None


def test_r07_an_address_opens_its_own_browser_only_and_is_not_stored(owner: Tenant) -> None:
    first, second = running(owner), running(owner)
    token = cdp_url(first).partition("token=")[2]
    assert cdp_session_id(token) == first.id
    assert cdp_session_id(token.replace(first.id, second.id)) is None
    assert cdp_session_id("") is None
    secret = token.partition(".")[2]
    assert re.fullmatch("[0-9a-f]{64}", secret)
    assert secret not in str(list(BrowserSession.objects.values()))


def test_recordings_are_listed_in_pages_each_on_record_once(owner: Tenant) -> None:
    session, now, made = running(owner), timezone.now(), []
    for second in range(3):
        begun = now + timedelta(seconds=second)
        replay = replay_start(owner.principal, session, framerate=None, seconds=None, now=begun)
        replay_keep(replay.id, b"x", now=begun)
        made.append(replay.id)
    replays = owner.sdk.browsers.replays
    assert [item.replay_id for item in replays.list(session.id)] == made
    (record,) = AuditRecord.objects.filter(action="replay.address")
    assert (record.resource_id, record.details) == (session.id, {"replays": made})
    page = replays.with_raw_response.list(session.id, extra_query={"limit": 2})
    assert [item.replay_id for item in page.parse()] == made[:2]
    assert (page.headers["X-Has-More"], page.headers["X-Next-Offset"]) == ("true", "2")
    assert [item.replay_id for item in replays.list(session.id, extra_query={"offset": 2})] == made[2:]
