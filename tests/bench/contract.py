"""Calls every in-scope method of the unmodified SDK with every documented parameter, against a running service.

    uv run python -m tests.bench.contract [--json]

Responses are parsed strictly, and every item of a list again with its model. A row is a method: which of its
documented parameters were sent, how often it was called, and what it never was called with (a gap).
"""

import argparse
import inspect
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from kernel import APIStatusError, BadRequestError, Kernel, Stream
from kernel._models import BaseModel
from kernel._resource import SyncAPIResource
from kernel.pagination import SyncOffsetPagination, SyncPageTokenPagination

from authsvc.demo.accounts import ACCOUNTS
from tests.service.stack import Stack, running

RESOURCES = (
    "api_keys",
    "audit_logs",
    "auth.connections",
    "auth.context",
    "credentials",
    "profiles",
    "projects",
    "projects.limits",
    "proxies",
)
# Methods of these resources that are not part of the contract here: exporting the audit log.
OUTSIDE = frozenset({"audit_logs.download", "audit_logs.export_chunk"})
TRANSPORT = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout", "idempotency_key"})
ADA = ACCOUNTS["ada@demo.test"]
SEED = "JBSWY3DPEHPK3PXP"  # of the demo's documentation, nobody's
URI = f"otpauth://totp/demo:ada?secret={SEED}&algorithm=SHA256&digits=8&period=60"


@dataclass
class Row:
    """One method of the SDK."""

    method: str
    parameters: list[str]
    sent: set[str] = field(default_factory=set)
    calls: int = 0
    refused: int = 0

    @property
    def missing(self) -> list[str]:
        return [name for name in self.parameters if name not in self.sent]

    @property
    def whole(self) -> bool:
        return self.calls > 0 and not self.missing


class Walker:
    """Stands before a resource, notes each call and looks at its result."""

    def __init__(self, target: Any, rows: dict[str, Row], path: str = "") -> None:
        self._target, self._rows, self._path = target, rows, path

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        path = f"{self._path}.{name}" if self._path else name
        if isinstance(value, SyncAPIResource):
            return Walker(value, self._rows, path)
        row = self._rows[path]

        def call(*args: Any, **options: Any) -> Any:
            given = inspect.signature(value).bind(*args, **options).arguments
            row.calls += 1
            row.sent |= set(given)
            try:
                return checked(value(*args, **options))
            except APIStatusError:
                row.refused += 1
                raise

        return call


def checked(result: Any) -> Any:
    """Every item of a list parsed again: the SDK does not look at them. Raises pydantic's ValidationError."""
    if isinstance(result, SyncOffsetPagination | SyncPageTokenPagination):
        for item in result.items:
            type(item).model_validate(item.model_dump(mode="json", exclude_unset=True))
    elif isinstance(result, BaseModel):
        type(result).model_validate(result.model_dump(mode="json", exclude_unset=True))
    return result


def methods(sdk: Kernel) -> dict[str, Row]:
    """Every method of the resources in scope, as the SDK itself declares them."""
    rows: dict[str, Row] = {}
    for path in RESOURCES:
        resource: Any = sdk
        for part in path.split("."):
            resource = getattr(resource, part)
        for name, function in inspect.getmembers(type(resource), inspect.isfunction):
            if name.startswith("_") or f"{path}.{name}" in OUTSIDE:
                continue
            parameters = [item for item in inspect.signature(function).parameters if item not in TRANSPORT]
            rows[f"{path}.{name}"] = Row(method=f"{path}.{name}", parameters=parameters)
    return rows


class Counter:
    """Requests that left this program."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, _: httpx.Request) -> None:
        self.requests += 1


def contract_walk(stack: Stack) -> list[Row]:
    """Call everything. Raises where an answer does not parse or a refusal is not the documented one."""
    counter = Counter()
    client = httpx.Client(event_hooks={"request": [counter]}, timeout=60)
    sdk = stack.client(http_client=client, _strict_response_validation=True)
    rows = methods(sdk)
    walker = Walker(sdk, rows)
    keys(walker)
    projects(walker)
    credentials(walker, stack)
    profiles(walker)
    proxies(walker, stack)
    connections(walker, stack, counter)
    audit(walker)
    sdk.close()
    return list(rows.values())


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def keys(sdk: Any) -> None:
    project = sdk.projects.create(name=unique("keys"))
    policy = {"statements": [{"action": "connections:read", "resource": f"projects/{project.id}/*"}]}
    soon = datetime.now(UTC) + timedelta(days=3)
    made = sdk.api_keys.create(name=unique("key"), expires_at=soon, policy=policy, project_id=project.id)
    other = sdk.api_keys.create(name=unique("key"), days_to_expire=3)
    sdk.api_keys.retrieve(made.id, include_deleted=True)
    sdk.api_keys.update(made.id, name=unique("renamed"))
    sdk.api_keys.rotate(other.id, days_to_expire=2, expire_in_days=0)
    sdk.api_keys.list(
        include_deleted=True,
        limit=5,
        name=other.name,
        offset=0,
        query=other.id,
        sort_by="name",
        sort_direction="asc",
        status="all",
    )
    sdk.api_keys.delete(made.id)
    sdk.auth.context.retrieve()


def projects(sdk: Any) -> None:
    made = sdk.projects.create(name=unique("project"))
    sdk.projects.retrieve(made.name)
    sdk.projects.update(made.id, name=unique("renamed"), status="active")
    sdk.projects.list(limit=5, name=made.name, offset=0, query="project")
    sdk.projects.limits.update(made.id, max_concurrent_sessions=5, max_concurrent_invocations=0)
    refused(sdk.projects.limits.update, made.id, max_pooled_sessions=1)
    sdk.projects.limits.retrieve(made.id)
    sdk.projects.delete(made.id)


def credentials(sdk: Any, stack: Stack) -> None:
    domain = stack.demo_url.removeprefix("http://")
    made = sdk.credentials.create(
        domain=domain,
        name=unique("credential"),
        values={"username": "a", "spare": "b"},
        sso_provider="google",
        totp_secret=SEED,
        totp_algorithm="SHA256",
        totp_digits=8,
        totp_period=60,
    )
    assert made.totp_code is not None
    sdk.credentials.retrieve(made.name)
    sdk.credentials.update(
        made.id,
        name=unique("renamed"),
        values={"password": "c"},
        remove_value_keys=["spare"],
        sso_provider=None,
        totp_secret=SEED,
        totp_algorithm="SHA1",
        totp_digits=6,
        totp_period=30,
    )
    changed = sdk.credentials.update(made.id, totp_secret=URI)
    assert (changed.totp_algorithm, changed.totp_digits, changed.totp_period) == ("SHA256", 8, 60)
    assert sorted(changed.value_keys) == ["password", "username"]
    sdk.credentials.totp_code(made.id)
    sdk.credentials.list(domain=domain, limit=5, offset=0, query=made.id)
    sdk.credentials.delete(made.id)


def profiles(sdk: Any) -> None:
    made = sdk.profiles.create(name=unique("profile"))
    sdk.profiles.retrieve(made.id)
    renamed = sdk.profiles.update(made.id, name=unique("renamed"))
    sdk.profiles.list(limit=5, name=renamed.name, offset=0, query="renamed")
    for form in ("tar", "tar.zst"):
        assert sdk.profiles.download(made.id, format=form).read()
    assert b"cookies" in sdk.profiles.download(made.id).read()
    sdk.profiles.delete(made.id)


def proxies(sdk: Any, stack: Stack) -> None:
    made = sdk.proxies.create(
        type="custom",
        name=unique("proxy"),
        protocol="http",
        bypass_hosts=["localhost"],
        config={"host": "127.0.0.1", "port": stack.port, "username": "u", "password": "secret"},
    )
    sdk.proxies.retrieve(made.id)
    sdk.proxies.update(made.id, name=unique("renamed"))
    sdk.proxies.list(limit=5, name=made.name, offset=0, query=made.id)
    sdk.proxies.check(made.id, url=stack.demo_url)
    for kind in ("isp", "residential", "mobile"):
        refused(sdk.proxies.create, type=kind)
    sdk.proxies.delete(made.id)


def connections(sdk: Any, stack: Stack, counter: Counter) -> None:
    domain = stack.demo_url.removeprefix("http://")
    credential = sdk.credentials.create(domain=domain, name=unique("empty"), values={})
    telemetry = {"enabled": True, "browser": {"console": {"enabled": True}}, "storage": {"enabled": True}}
    made = sdk.auth.connections.create(
        domain=domain,
        profile_name=unique("work"),
        allowed_domains=["*.sso.example"],
        auto_reauth=False,
        browser={"stealth": False, "region": "us-east", "telemetry": telemetry},
        browser_telemetry=telemetry,
        credential={"name": credential.name},
        health_check_interval=600,
        health_checks=False,
        login_url=f"{stack.demo_url}/login",
        proxy={"id": spare_proxy(sdk)},
        record_session=False,
        save_credentials=False,
    )
    sdk.auth.connections.update(
        made.id,
        allowed_domains=[],
        auto_reauth=True,
        browser={"region": "eu-west"},
        browser_telemetry=None,
        credential={"name": credential.name},
        health_check_interval=3600,
        health_checks=True,
        login_url=f"{stack.demo_url}/login",
        proxy={"id": spare_proxy(sdk)},
        record_session=False,
        save_credentials=True,
    )
    sdk.auth.connections.update(made.id, browser={"proxy": {"mode": "direct"}})
    for body in SUBMISSIONS:
        before = counter.requests
        refused(sdk.auth.connections.submit, made.id, **body)
        assert counter.requests == before + 1, "a refused submit was repeated"
    started = sdk.auth.connections.login(
        made.id,
        browser={"stealth": False, "proxy": {"mode": "direct"}},
        browser_telemetry=telemetry,
        record_session=False,
        skill_mode="disabled",
    )
    assert started.hosted_url
    answer(sdk, made.id, counter)
    after = sdk.auth.connections.retrieve(made.id)
    assert (after.status, after.flow_status) == ("AUTHENTICATED", "SUCCESS")
    refused(sdk.auth.connections.login, made.id, proxy={"id": "proxy_nobody"})
    sdk.auth.connections.timeline(made.id, limit=5, offset=0, type="login")
    sdk.auth.connections.list(domain=domain, limit=5, offset=0, profile_name=after.profile_name, query=made.id)
    sdk.auth.connections.delete(made.id)


SUBMISSIONS: tuple[dict[str, Any], ...] = (
    {"interaction_id": "int_old", "field_values": {"a": "b"}},
    {"interaction_id": "int_old", "selected_choice_id": "c"},
    {"fields": {"email": "a"}},
    {"mfa_option_id": "sms"},
    {"sso_button_selector": "//button"},
    {"sso_provider": "google"},
    {"sign_in_option_id": "x"},
    {"fields": {}, "sign_in_option_id": "x"},
)


def spare_proxy(sdk: Any) -> str:
    made = sdk.proxies.create(type="custom", protocol="http", config={"host": "127.0.0.1", "port": 9})
    return str(made.id)


def answer(sdk: Any, connection_id: str, counter: Counter) -> None:
    """Follow the login and answer what it asks; a stale and a wrong answer on the way are refused, once each."""
    known = {"identifier": ADA.email, "password": ADA.password}
    events: Stream[Any] = sdk.auth.connections.follow(connection_id)
    answered: set[str] = set()
    for event in events:
        type(event).model_validate(event.model_dump(mode="json", exclude_unset=True))
        if event.event != "managed_auth_state" or event.flow_step != "AWAITING_INPUT":
            continue
        if event.interaction_id in answered:
            continue
        answered.add(event.interaction_id)
        for wrong in ("int_old", event.interaction_id):
            before = counter.requests
            refused(sdk.auth.connections.submit, connection_id, interaction_id=wrong, field_values={"nothing": "asked"})
            assert counter.requests == before + 1, "a refused submit was repeated"
        values = {item.id: known[item.type] for item in event.fields}
        accepted = sdk.auth.connections.submit(connection_id, interaction_id=event.interaction_id, field_values=values)
        assert accepted.accepted


def audit(sdk: Any) -> None:
    now = datetime.now(UTC)
    sdk.audit_logs.list(
        start=now - timedelta(hours=1),
        end=now + timedelta(hours=1),
        auth_strategy="api_key",
        exclude_method=["GET", "PATCH"],
        limit=5,
        method="POST",
        search="connections",
        search_user_id=["nobody"],
        service="api",
    )
    page = sdk.audit_logs.list(start=now - timedelta(hours=1), end=now + timedelta(hours=1), limit=1)
    sdk.audit_logs.list(start=now - timedelta(hours=1), end=now + timedelta(hours=1), page_token=page.next_page_token)


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """The call is a 400 with a code and a message."""
    try:
        call(*arguments, **options)
    except BadRequestError as error:
        body = error.body
        if not (isinstance(body, dict) and body.get("code") and body.get("message")):
            raise
    else:
        raise AssertionError("this should have been refused")


def table(rows: list[Row]) -> str:
    width = max(len(row.method) for row in rows)
    lines = [f"{'method'.ljust(width)}  calls  refused  parameters  gaps"]
    lines += [
        f"{row.method.ljust(width)}  {row.calls:5}  {row.refused:7}  "
        f"{len(row.parameters) - len(row.missing):4}/{len(row.parameters):<5}  "
        f"{', '.join(row.missing) or ('-' if row.calls else 'never called')}"
        for row in rows
    ]
    whole = sum(row.whole for row in rows)
    return "\n".join([*lines, f"{whole} of {len(rows)} methods whole"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running(arguments=()) as stack:
        rows = contract_walk(stack)
    if options.json:
        shown = [{"method": row.method, "calls": row.calls, "missing": row.missing} for row in rows]
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
