"""`auth.connections` beyond a login: change, history, health checks, options of one login."""

from typing import Any

import pytest
from django.utils import timezone
from kernel import APIStatusError
from kernel.types.auth import ManagedAuthTimelineEvent

from flows.engine.checking import Examined
from flows.engine.contract import AuthCheck, BrowserSettings, ErrorCode, ProfileState
from flows.engine.errors import BrowserLost
from flows.models import Connection, Flow, HealthCheck
from flows.runner.check import check_run
from flows.services import flows as services
from flows.transitions import FlowInput
from tests.contract.tenants import Tenant, items
from vault.aio import run_db
from vault.models import AuditRecord
from vault.profiles import profile_lease, profile_release, profile_save

MARKS = {"url": "https://example.com/", "signed_in": {"path": "/"}, "signed_out": {"path": "/login"}}


def make(owner: Tenant, **options: Any) -> str:
    return owner.sdk.auth.connections.create(domain="example.com", profile_name="work", **options).id


def test_update_changes_what_is_given_and_nothing_else(owner: Tenant) -> None:
    owner.sdk.credentials.create(domain="example.com", name="mine", values={"username": "u"})
    proxy = owner.sdk.proxies.create(type="custom", config={"host": "proxy.example", "port": 8080})
    connection_id = make(owner, login_url="https://example.com/in", browser={"region": "eu-west"})
    connections = owner.sdk.auth.connections
    changed = connections.update(
        connection_id,
        allowed_domains=["*.sso.example"],
        auto_reauth=False,
        browser={"stealth": False, "proxy": {"id": str(proxy.id)}, "telemetry": {"enabled": True}},
        browser_telemetry={"enabled": True},
        credential={"name": "mine"},
        health_check_interval=900,
        health_checks=False,
        login_url="",
        record_session=True,
        save_credentials=False,
    )
    assert changed == connections.retrieve(connection_id)
    assert changed.allowed_domains == ["sso.example"]
    assert (changed.auto_reauth, changed.health_checks, changed.health_check_interval) == (False, False, 900)
    assert (changed.record_session, changed.save_credentials, changed.login_url) == (True, False, None)
    assert changed.credential is not None
    assert changed.credential.name == "mine"
    assert changed.browser is not None
    assert (changed.browser.region, changed.browser.stealth) == ("eu-west", False)
    assert changed.browser.proxy is not None
    assert changed.browser.proxy.id == changed.proxy_id == proxy.id
    assert changed.browser_telemetry is not None
    again = connections.update(connection_id, browser={"proxy": {"mode": "direct"}}, browser_telemetry=None)
    assert again.browser is not None
    assert again.browser.proxy is not None
    assert (again.browser.proxy.mode, again.browser.stealth, again.proxy_id) == ("direct", False, None)
    assert again.browser_telemetry is None
    assert AuditRecord.objects.filter(action="connection.update", resource_id=connection_id).count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"login_url": "ftp://example.com"},
        {"login_url": "https://10.0.0.1/"},
        {"allowed_domains": ["a b"]},
        {"health_check_interval": 299},
        {"credential": {"name": "nobody"}},
        {"browser": {"proxy": {}}},
        {"browser": {"proxy": {"mode": "direct", "id": "x"}}},
        {"browser": {"proxy": {"id": "proxy_unknown"}}},
        {"proxy": {"name": "unknown"}},
        {"proxy": {"name": "a"}, "browser": {"proxy": {"mode": "direct"}}},
    ],
)
def test_a_refused_update_changes_nothing(owner: Tenant, change: dict[str, Any]) -> None:
    connection_id = make(owner)
    before = owner.sdk.auth.connections.retrieve(connection_id)
    with pytest.raises(APIStatusError) as refusal:
        owner.sdk.auth.connections.update(connection_id, auto_reauth=False, **change)
    assert refusal.value.status_code in (400, 404)
    assert owner.sdk.auth.connections.retrieve(connection_id) == before


def test_the_options_of_one_login_are_its_own(owner: Tenant) -> None:
    connection_id = make(owner)
    proxy = owner.sdk.proxies.create(type="custom", name="p", config={"host": "proxy.example", "port": 8080})
    owner.sdk.auth.connections.login(
        connection_id,
        browser={"stealth": False},
        browser_telemetry={"enabled": True},
        proxy={"name": "p"},
        record_session=True,
        skill_mode="disabled",
    )
    flow = Flow.objects.get()
    assert flow.overrides == {
        "browser": {"stealth": False, "proxy": {"id": proxy.id, "name": "p"}},
        "browser_telemetry": {"enabled": True},
        "record_session": True,
        "skill_mode": "disabled",
    }
    assert Connection.objects.get().skill_mode == "disabled"
    assert owner.sdk.auth.connections.retrieve(connection_id).proxy_id is None
    services.flow_cancel(flow.id, now=timezone.now())
    owner.sdk.auth.connections.login(connection_id)
    assert Connection.objects.get().skill_mode == "enabled"


def test_the_timeline_tells_every_login_and_check_newest_first(owner: Tenant) -> None:
    connection_id = make(owner)
    connections = owner.sdk.auth.connections
    connections.login(connection_id)
    flow = Flow.objects.get()
    services.flow_claim(flow.id, holder="w", now=timezone.now())
    services.flow_end(
        flow.id, FlowInput.FAIL, now=timezone.now(), code=ErrorCode.CREDENTIALS_INVALID, website_error="Wrong"
    )
    connections.login(connection_id)
    services.flow_cancel(Flow.objects.exclude(pk=flow.id).get().id, now=timezone.now())
    Connection.objects.update(last_login_at=timezone.now())
    connections.login(connection_id)
    HealthCheck.objects.create(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        connection_id=connection_id,
        created_at=timezone.now(),
        ended_at=timezone.now(),
        result="logged_out",
        previous_status="AUTHENTICATED",
        status="NEEDS_AUTH",
    )
    events = items(ManagedAuthTimelineEvent, connections.timeline(connection_id))
    assert [(event.type, event.status) for event in events] == [
        ("health_check", "NEEDS_AUTH"),
        ("reauth", "IN_PROGRESS"),
        ("login", "CANCELED"),
        ("login", "FAILED"),
    ]
    failed = events[-1]
    assert (failed.error_code, failed.website_error, failed.step) == ("credentials_invalid", "Wrong", "DISCOVERING")
    assert failed.completed_at is not None
    assert events[0].previous_status == "AUTHENTICATED"
    assert events[1].completed_at is None
    paged = [event.id for event in connections.timeline(connection_id, limit=1)]
    assert paged == [event.id for event in events]
    assert [event.type for event in connections.timeline(connection_id, type="reauth")] == ["reauth"]
    assert [event.type for event in connections.timeline(connection_id, type="health_check", offset=0)] == [
        "health_check"
    ]


def checkable(owner: Tenant) -> str:
    """A connection that can be checked: signed in, with marks and a profile."""
    connection_id = make(owner)
    connection = Connection.objects.get()
    Connection.objects.update(status="AUTHENTICATED", auth_check=MARKS)
    lease = profile_lease(connection.profile_id, holder="t", seconds=30, now=timezone.now())
    assert lease is not None
    profile_save(lease, b'{"cookies":[{"name":"sid"}],"origins":[],"session_storage":{}}', now=timezone.now())
    profile_release(lease)
    return connection_id


def health_check(owner: Tenant, connection_id: str) -> None:
    answer = owner.sdk.post(f"/auth/connections/{connection_id}/health_check", cast_to=dict[str, Any])
    assert answer["id"] == connection_id


@pytest.mark.parametrize(
    ("seen", "status", "code"),
    [
        (["ok"], "AUTHENTICATED", None),
        (["logged_out", "logged_out"], "NEEDS_AUTH", None),
        (["logged_out", "ok"], "AUTHENTICATED", None),
        (["logged_out", "indeterminate"], "AUTHENTICATED", "indeterminate"),
        (["indeterminate"], "AUTHENTICATED", "indeterminate"),
        ([BrowserLost()], "AUTHENTICATED", "indeterminate"),
    ],
)
async def test_r38_only_a_confirmed_logged_out_changes_the_status(
    owner: Tenant, sent: list[tuple[str, str]], seen: list[Any], status: str, code: str | None
) -> None:
    connection_id = await run_db(checkable, owner)
    await run_db(health_check, owner, connection_id)
    await run_db(health_check, owner, connection_id)  # joins the one that runs
    assert [name for name, _ in sent] == ["flows.check"]
    looks = iter(seen)

    async def checker(_: object, settings: BrowserSettings, profile: ProfileState, marks: AuthCheck) -> Examined:
        look = next(looks)
        if isinstance(look, Exception):
            raise look
        return Examined(look)

    await check_run(sent[0][1], browsers=None, checker=checker, confirm_seconds=0)  # type: ignore[arg-type]  # unused
    assert next(looks, None) is None
    connection = await run_db(owner.sdk.auth.connections.retrieve, connection_id)
    assert connection.status == status
    assert connection.last_auth_check_at is not None
    assert connection.last_auth_at == connection.last_auth_check_at
    (event,) = await run_db(lambda: list(owner.sdk.auth.connections.timeline(connection_id)))
    assert (event.type, event.status, event.previous_status) == ("health_check", status, "AUTHENTICATED")
    assert event.error_code == code


async def test_r38_a_check_during_a_login_looks_at_nothing(owner: Tenant, sent: list[tuple[str, str]]) -> None:
    connection_id = await run_db(checkable, owner)
    await run_db(owner.sdk.auth.connections.login, connection_id)
    await run_db(health_check, owner, connection_id)

    async def checker(*_: object) -> Examined:
        raise AssertionError("looked")

    await check_run(sent[-1][1], browsers=None, checker=checker)  # type: ignore[arg-type]  # unused
    events = await run_db(lambda: list(owner.sdk.auth.connections.timeline(connection_id, type="health_check")))
    assert [event.error_code for event in events] == ["indeterminate"]


def test_a_running_flow_names_its_browser_session(owner: Tenant) -> None:
    connection_id = make(owner)
    owner.sdk.auth.connections.login(connection_id)
    assert owner.sdk.auth.connections.retrieve(connection_id).browser_session_id is None
    flow = Flow.objects.get()
    services.flow_claim(flow.id, holder="w", now=timezone.now())
    assert owner.sdk.auth.connections.retrieve(connection_id).browser_session_id == flow.id
    services.flow_cancel(flow.id, now=timezone.now())
    assert owner.sdk.auth.connections.retrieve(connection_id).browser_session_id is None


def test_a_page_of_connections_takes_as_many_queries_as_one(owner: Tenant, django_assert_max_num_queries: Any) -> None:
    credential = owner.sdk.credentials.create(domain="example.com", name="c", values={"username": "u"})
    for number in range(12):
        made = owner.sdk.auth.connections.create(
            domain=f"site{number}.example", profile_name="p", credential={"name": credential.name}
        )
        if number % 2:
            owner.sdk.auth.connections.login(made.id)
    with django_assert_max_num_queries(9):
        found = owner.sdk.auth.connections.list(limit=50).items
    assert [item.id for item in found] == [item.id for item in owner.sdk.auth.connections.list(limit=5)]
    assert sum(item.flow_status == "IN_PROGRESS" for item in found) == 6
    assert all(item == owner.sdk.auth.connections.retrieve(item.id) for item in found)
