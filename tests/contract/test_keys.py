"""`api_keys`, `projects`, `auth.context` and the policies of keys."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any

import pytest
from django.utils import timezone
from kernel import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from kernel.types import APIKey

from authsvc.keys.handing import policy_covers
from authsvc.keys.models import ApiKey
from flows.services.sessions import NewSession, session_create
from tests.contract.tenants import Tenant, items, sdk_make
from vault.principal import Policy

DAY = timedelta(days=1)


def near(at: datetime | None, expected: datetime) -> bool:
    return at is not None and abs(at - expected) < timedelta(minutes=1)


def test_a_key_is_made_shown_once_and_works(owner: Tenant) -> None:
    made = owner.sdk.api_keys.create(name="ci", days_to_expire=10)
    assert near(made.expires_at, timezone.now() + 10 * DAY)
    assert made.created_by.id == owner.principal.key_id
    assert (made.project_id, made.policy) == (None, None)
    found = owner.sdk.api_keys.retrieve(made.id)
    assert found.masked_key.startswith(made.key[:7])
    assert made.key not in found.model_dump_json()
    assert sdk_make(made.key).auth.connections.list().items == []
    assert owner.sdk.api_keys.update(made.id, name="renamed").name == "renamed"
    owner.sdk.api_keys.delete(made.id)
    with pytest.raises(AuthenticationError):
        sdk_make(made.key).auth.connections.list()
    with pytest.raises(BadRequestError, match="itself"):
        owner.sdk.api_keys.delete(owner.principal.key_id)
    with pytest.raises(NotFoundError):
        owner.sdk.api_keys.retrieve(made.id)
    assert owner.sdk.api_keys.retrieve(made.id, include_deleted=True).deleted_at is not None


def test_an_expired_key_opens_nothing(owner: Tenant) -> None:
    made = owner.sdk.api_keys.create(name="short", expires_at=timezone.now() + DAY)
    ApiKey.objects.filter(pk=made.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(AuthenticationError):
        sdk_make(made.key).auth.connections.list()


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"name": "a", "days_to_expire": 0},
        {"name": "a", "days_to_expire": 3651},
        {"name": "a", "days_to_expire": 1, "expires_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"name": "a", "expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"name": "a", "policy": {"statements": [{"action": "x"}]}},
        {"name": "a", "policy": {"statements": [{"action": "[a]", "resource": "*"}]}},
        {"name": "a", "project_id": "proj_unknown"},
    ],
)
def test_bad_keys_are_refused(owner: Tenant, body: dict[str, Any]) -> None:
    with pytest.raises(APIStatusError) as refusal:
        owner.sdk.api_keys.create(**body)
    assert refusal.value.status_code == (404 if "project_id" in body else 400)
    assert ApiKey.objects.filter(organization_id=owner.principal.organization_id).count() == 1


def test_rotation_leaves_the_old_key_its_grace(owner: Tenant) -> None:
    made = owner.sdk.api_keys.create(name="ci", days_to_expire=30)
    rotated = owner.sdk.api_keys.rotate(made.id)
    assert rotated.id != made.id
    assert near(rotated.expires_at, timezone.now() + 30 * DAY)
    assert near(owner.sdk.api_keys.retrieve(made.id).expires_at, timezone.now() + 7 * DAY)
    for token in (made.key, rotated.key):
        assert sdk_make(token).auth.context.retrieve().principal.type == "api_key"
    again = owner.sdk.api_keys.rotate(rotated.id, expire_in_days=0, days_to_expire=2)
    assert near(again.expires_at, timezone.now() + 2 * DAY)
    with pytest.raises(AuthenticationError):
        sdk_make(rotated.key).auth.context.retrieve()
    # A longer grace does not prolong the old key.
    owner.sdk.api_keys.rotate(again.id, expire_in_days=100)
    assert near(owner.sdk.api_keys.retrieve(again.id).expires_at, timezone.now() + 2 * DAY)
    with pytest.raises(BadRequestError):
        owner.sdk.api_keys.rotate(again.id, expire_in_days=-1)


def test_lists_of_keys_filter_and_sort(owner: Tenant, outsider: Tenant) -> None:
    b = owner.sdk.api_keys.create(name="Beta", project_id=owner.principal.project_id, days_to_expire=5)
    a = owner.sdk.api_keys.create(name="Gamma")
    owner.sdk.api_keys.delete(a.id)
    keys = owner.sdk.api_keys
    first = owner.principal.key_id
    assert [key.id for key in items(APIKey, keys.list())] == [b.id, first]
    assert [key.id for key in keys.list(status="deleted")] == [a.id]
    assert {key.id for key in keys.list(status="all")} == {a.id, b.id, first}
    assert len(keys.list(include_deleted=True).items) == 3
    by_name = [key.name for key in keys.list(status="all", sort_by="name", sort_direction="asc", limit=2)]
    assert by_name == ["Beta", "Gamma", "the first"]
    assert [key.id for key in keys.list(sort_by="expires_at", sort_direction="desc")] == [b.id, first]
    assert [key.id for key in keys.list(name="BETA")] == [b.id]
    assert [key.id for key in keys.list(query="default")] == [b.id]
    assert [key.id for key in keys.list(query=b.id)] == [b.id]
    assert [key.id for key in keys.list(query=b.key[:7], offset=0)] == [b.id]
    assert keys.list(query=b.key).items == []
    assert [key.project_name for key in keys.list(name="beta")] == ["default"]
    assert [key.id for key in outsider.sdk.api_keys.list(status="all")] == [outsider.principal.key_id]


def test_r26_a_key_of_one_project_stays_in_it(owner: Tenant) -> None:
    other = owner.project_more("other")
    bound = owner.sdk_with(project=True)
    context = bound.auth.context.retrieve()
    assert context.authorization.credential_scope.project_id == owner.principal.project_id
    assert context.organization.id == owner.principal.organization_id
    for headers in ({"X-Kernel-Project-Id": other}, {"X-Kernel-Project": "other"}):
        with pytest.raises(NotFoundError):
            bound.auth.connections.list(extra_headers=headers)
    assert [project.id for project in bound.projects.list()] == [owner.principal.project_id]
    assert len(bound.api_keys.list().items) == 1
    assert bound.api_keys.create(name="own").project_id == owner.principal.project_id
    for refused in (
        lambda: bound.api_keys.create(name="wide", project_id=None),
        lambda: bound.projects.create(name="more"),
        lambda: bound.projects.update(owner.principal.project_id, name="mine"),
    ):
        with pytest.raises(PermissionDeniedError):
            refused()
    for unseen in (
        lambda: bound.api_keys.retrieve(owner.principal.key_id),
        lambda: bound.api_keys.rotate(owner.principal.key_id),
        lambda: bound.api_keys.create(name="x", project_id=other),
        lambda: bound.projects.retrieve(other),
    ):
        with pytest.raises(NotFoundError):
            unseen()


ACTIONS: list[tuple[str, str, str]] = [
    ("connections:read", "GET", "/auth/connections"),
    ("connections:read", "GET", "/auth/connections/{connection}"),
    ("connections:read", "GET", "/auth/connections/{connection}/timeline"),
    ("connections:write", "POST", "/auth/connections"),
    ("connections:write", "PATCH", "/auth/connections/{connection}"),
    ("connections:login", "POST", "/auth/connections/{connection}/login"),
    ("connections:login", "POST", "/auth/connections/{connection}/health_check"),
    ("connections:login", "POST", "/auth/connections/{connection}/cancel"),
    ("connections:login", "POST", "/auth/connections/{connection}/submit"),
    ("connections:write", "DELETE", "/auth/connections/{connection}"),
    ("browsers:use", "GET", "/browsers"),
    ("browsers:use", "GET", "/browsers/{browser}"),
    ("browsers:use", "POST", "/browsers"),
    ("browsers:use", "PATCH", "/browsers/{browser}"),
    ("browsers:use", "DELETE", "/browsers/{browser}"),
    ("credentials:read", "GET", "/credentials"),
    ("credentials:read", "GET", "/credentials/{credential}"),
    ("credentials:totp", "GET", "/credentials/{credential}/totp-code"),
    ("credentials:write", "POST", "/credentials"),
    ("credentials:write", "PATCH", "/credentials/{credential}"),
    ("credentials:write", "DELETE", "/credentials/{credential}"),
    ("profiles:read", "GET", "/profiles"),
    ("profiles:read", "GET", "/profiles/{profile}"),
    ("profiles:export", "GET", "/profiles/{profile}/download"),
    ("profiles:write", "POST", "/profiles"),
    ("profiles:write", "PATCH", "/profiles/{profile}"),
    ("profiles:write", "DELETE", "/profiles/{profile}"),
    ("webhooks:read", "GET", "/webhooks"),
    ("webhooks:read", "GET", "/webhooks/{webhook}"),
    ("webhooks:read", "GET", "/webhooks/{webhook}/deliveries"),
    ("webhooks:write", "POST", "/webhooks"),
    ("webhooks:write", "PATCH", "/webhooks/{webhook}"),
    ("webhooks:write", "DELETE", "/webhooks/{webhook}"),
    ("webhooks:write", "POST", "/webhooks/{webhook}/rotate"),
    ("webhooks:write", "POST", "/webhooks/{webhook}/test"),
    ("webhooks:write", "POST", "/webhooks/{webhook}/deliveries/x/resend"),
    ("proxies:read", "GET", "/proxies"),
    ("proxies:read", "GET", "/proxies/{proxy}"),
    ("proxies:write", "POST", "/proxies"),
    ("proxies:write", "POST", "/proxies/{proxy}/check"),
    ("proxies:write", "PATCH", "/proxies/{proxy}"),
    ("proxies:write", "DELETE", "/proxies/{proxy}"),
    ("keys:read", "GET", "/org/api_keys"),
    ("keys:read", "GET", "/org/api_keys/{key}"),
    ("keys:write", "POST", "/org/api_keys"),
    ("keys:write", "PATCH", "/org/api_keys/{key}"),
    ("keys:write", "POST", "/org/api_keys/{key}/rotate"),
    ("keys:write", "DELETE", "/org/api_keys/{key}"),
    ("projects:read", "GET", "/org/projects"),
    ("projects:read", "GET", "/org/projects/{project}"),
    ("projects:read", "GET", "/org/projects/{project}/limits"),
    ("projects:write", "POST", "/org/projects"),
    ("projects:write", "PATCH", "/org/projects/{project}"),
    ("projects:write", "PATCH", "/org/projects/{project}/limits"),
    ("projects:write", "DELETE", "/org/projects/{project}"),
    ("audit:read", "GET", "/audit-logs?start=2020-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"),
]
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/auth/connections"): {"domain": "second.example", "profile_name": "second"},
    ("POST", "/auth/connections/{connection}/submit"): {"fields": {"a": "b"}},
    ("POST", "/browsers"): {"gpu": True},
    ("PATCH", "/browsers/{browser}"): {"location": {"locale": "de"}},
    ("POST", "/credentials"): {"domain": "example.com", "name": "second", "values": {"a": "b"}},
    ("POST", "/proxies"): {"type": "custom", "config": {"host": "second.example", "port": 80}},
    ("POST", "/proxies/{proxy}/check"): {"url": "http://127.0.0.1:9/"},
    ("PATCH", "/proxies/{proxy}"): {"name": "n"},
    ("PATCH", "/profiles/{profile}"): {"name": "n"},
    ("POST", "/org/api_keys"): {
        "name": "n",
        "policy": {"statements": [{"action": "keys:write", "resource": "projects/*"}]},
    },
    ("PATCH", "/org/api_keys/{key}"): {"name": "n"},
    ("POST", "/webhooks"): {"url": "https://hooks.example.com/second"},
    ("PATCH", "/webhooks/{webhook}"): {"enabled": False},
    ("POST", "/webhooks/{webhook}/rotate"): {},
    ("POST", "/org/projects"): {"name": "second"},
}


@pytest.mark.parametrize(("action", "method", "path"), ACTIONS)
def test_r27_an_action_needs_its_statement_and_no_other(owner: Tenant, action: str, method: str, path: str) -> None:
    """Refused to a key that may do everything else, allowed (or refused for another reason) with that one action."""
    here = place(owner)
    others = sorted({name for name, _, _ in ACTIONS} - {action})
    denied = owner.sdk_with(policy=statements(*others))
    allowed = owner.sdk_with(policy=statements(action))
    body = BODIES.get((method, path.partition("?")[0]), {})
    with pytest.raises(PermissionDeniedError):
        call(denied, method, path.format(**here), body)
    with suppress(BadRequestError, ConflictError, NotFoundError):  # allowed, and refused for another reason
        call(allowed, method, path.format(**here), body)


def statements(*actions: str) -> Any:
    return {"statements": [{"action": action, "resource": "projects/*"} for action in actions]}


def place(owner: Tenant) -> dict[str, str]:
    """One of everything, made by the owner."""
    connection = owner.sdk.auth.connections.create(domain="example.com", profile_name="work")
    credential = owner.sdk.credentials.create(
        domain="example.com", name="c", values={"a": "b"}, totp_secret="JBSWY3DPEHPK3PXP"
    )
    spare = owner.sdk.profiles.create(name="spare")
    proxy = owner.sdk.proxies.create(type="custom", config={"host": "127.0.0.1", "port": 9})
    key = owner.sdk.api_keys.create(
        name="spare", policy={"statements": [{"action": "keys:write", "resource": "projects/*"}]}
    )
    return {
        "connection": connection.id,
        "credential": credential.id,
        "profile": spare.id,
        "proxy": str(proxy.id),
        "key": key.id,
        "browser": session_create(owner.principal, NewSession(), now=timezone.now()).id,
        "project": owner.project_more("more"),
        "webhook": webhook_make(owner.sdk)["id"],
    }


def webhook_make(sdk: Any, **members: Any) -> dict[str, Any]:
    body = {"url": "https://hooks.example.com/in", **members}
    made: dict[str, Any] = sdk.post("/webhooks", cast_to=dict[str, Any], body=body)
    return made


def call(sdk: Any, method: str, path: str, body: dict[str, Any]) -> None:
    match method:
        case "GET":
            sdk.get(path, cast_to=object)
        case "POST":
            sdk.post(path, cast_to=object, body=body)
        case "PATCH":
            sdk.patch(path, cast_to=object, body=body)
        case _:
            sdk.delete(path, cast_to=NoneType)


def test_r27_a_resource_limits_a_statement(owner: Tenant) -> None:
    one = owner.sdk.auth.connections.create(domain="one.example", profile_name="w")
    two = owner.sdk.auth.connections.create(domain="two.example", profile_name="w")
    resource = f"projects/{owner.principal.project_id}/connections/{one.id}"
    key = owner.sdk_with(policy={"statements": [{"action": "connections:*", "resource": resource}]})
    assert key.auth.connections.retrieve(one.id).id == one.id
    with pytest.raises(PermissionDeniedError):
        key.auth.connections.retrieve(two.id)
    with pytest.raises(PermissionDeniedError):
        key.auth.connections.list()


def test_r27_no_key_makes_or_rotates_a_stronger_one(owner: Tenant) -> None:
    weak = owner.sdk_with(policy=statements("keys:*", "connections:read"))
    made = weak.api_keys.create(name="as weak", policy=statements("connections:read"))
    assert made.policy is not None
    for refused in (
        lambda: weak.api_keys.create(name="all"),
        lambda: weak.api_keys.create(name="more", policy=statements("credentials:read")),
        lambda: weak.api_keys.create(name="wild", policy=statements("*")),
        lambda: weak.api_keys.rotate(owner.principal.key_id),
    ):
        with pytest.raises(PermissionDeniedError):
            refused()
    soon = timezone.now() + DAY
    short = sdk_make(owner.sdk.api_keys.create(name="short", expires_at=soon).key)
    assert near(short.api_keys.create(name="no end named").expires_at, soon)
    with pytest.raises(BadRequestError):
        short.api_keys.create(name="longer", days_to_expire=2)
    assert near(short.api_keys.rotate(owner.principal.key_id).expires_at, soon)


@pytest.mark.parametrize(
    ("issuer", "wanted", "covered"),
    [
        (("a:*", "projects/*"), ("a:b", "projects/p/x/1"), True),
        (("a:*", "projects/*"), ("a:*", "projects/*"), True),
        (("a:b", "projects/*"), ("a:*", "projects/*"), False),
        (("a:*", "projects/p/*"), ("a:b", "projects/*"), False),
        (("*", "*"), ("*", "*"), True),
    ],
)
def test_r27_what_covers_what(issuer: tuple[str, str], wanted: tuple[str, str], covered: bool) -> None:
    def policy(pair: tuple[str, str]) -> Policy:
        return Policy.parse({"statements": [{"action": pair[0], "resource": pair[1]}]})

    assert policy_covers(policy(issuer), policy(wanted)) is covered
    assert not policy_covers(policy(issuer), Policy())
    assert policy_covers(Policy(), policy(wanted))
