"""The program that `tests.bench.contract` runs: every in-scope method of the SDK with every documented parameter."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel import BadRequestError, Stream

from authsvc.demo.accounts import ACCOUNTS
from tests.service.stack import Stack
from tests.sites.certificates import authority_new
from tests.vault.connect_server import TOKEN as CONNECT_TOKEN
from tests.vault.connect_server import connect_server

ADA = ACCOUNTS["ada@demo.test"]
SEED = "JBSWY3DPEHPK3PXP"  # of the demo's documentation, nobody's
URI = f"otpauth://totp/demo:ada?secret={SEED}&algorithm=SHA256&digits=8&period=60"
CATEGORIES = (
    "captcha",
    "connection",
    "console",
    "control",
    "interaction",
    "network",
    "page",
    "platform",
    "screenshot",
    "system",
)
TELEMETRY: dict[str, Any] = {
    "enabled": True,
    "browser": {name: {"enabled": True} for name in CATEGORIES}
    | {"control": {"enabled": True, "cdp": {"excluded_methods": ["Page.captureScreenshot"]}}},
    "export": {"otlp": {"destination": {"id": "otlp_1", "name": "mine"}, "enabled": True}},
    "storage": {"enabled": True},
}
MANAGED: dict[str, dict[str, str]] = {
    "isp": {"country": "US"},
    "residential": {
        "asn": "AS1",
        "city": "sanfrancisco",
        "country": "US",
        "os": "windows",
        "state": "CA",
        "zip": "94103",
    },
    "mobile": {"city": "berlin", "country": "DE", "state": "BE"},
}


class Counter:
    """Requests that left this program."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, _: object) -> None:
        self.requests += 1


def everything(sdk: Any, stack: Stack, counter: Counter) -> None:
    """Raises where an answer does not parse or a refusal is not the documented one."""
    keys(sdk)
    projects(sdk)
    credentials(sdk, stack)
    providers(sdk)
    profiles(sdk)
    proxies(sdk, stack)
    connections(sdk, stack, counter)
    audit(sdk)


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


def providers(sdk: Any) -> None:
    with connect_server() as outside:
        outside.add("Demo", urls=("https://example.com",), username="u", password="p")
        made = sdk.credential_providers.create(
            token=CONNECT_TOKEN,
            name=unique("provider"),
            provider_type="onepassword",
            cache_ttl_seconds=60,
            extra_body={"server_url": outside.server.url},
        )
        sdk.credential_providers.retrieve(made.id)
        sdk.credential_providers.update(
            made.id, token=CONNECT_TOKEN, cache_ttl_seconds=0, enabled=True, name=unique("renamed"), priority=7
        )
        sdk.credential_providers.list(limit=5, offset=0, query=made.id)
        assert [item.path for item in sdk.credential_providers.list_items(made.id).items] == ["Team/Demo"]
        assert sdk.credential_providers.test(made.id).success
        sdk.credential_providers.delete(made.id)


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
        config={
            "host": "127.0.0.1",
            "port": stack.port,
            "username": "u",
            "password": "secret",
            "ca_bundle": authority_new("Office").pem,
        },
    )
    sdk.proxies.retrieve(made.id)
    sdk.proxies.update(made.id, name=unique("renamed"))
    sdk.proxies.list(limit=5, name=made.name, offset=0, query=made.id)
    sdk.proxies.check(made.id, url=stack.demo_url)
    for kind, config in MANAGED.items():
        refused(sdk.proxies.create, type=kind, config=config)
    sdk.proxies.delete(made.id)


def connections(sdk: Any, stack: Stack, counter: Counter) -> None:
    domain = stack.demo_url.removeprefix("http://")
    credential = sdk.credentials.create(domain=domain, name=unique("empty"), values={})
    made = sdk.auth.connections.create(
        domain=domain,
        profile_name=unique("work"),
        allowed_domains=["*.sso.example"],
        auto_reauth=False,
        browser={"stealth": False, "region": "us-east", "telemetry": TELEMETRY},
        browser_telemetry=TELEMETRY,
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
    outside: dict[str, Any] = {"provider": named_provider(sdk), "path": "Team/Demo"}
    other: dict[str, Any] = {"provider": outside["provider"], "auto": True}
    for change in (
        {"browser": {"proxy": {"mode": "direct"}}},
        {"browser": {"proxy": {"id": spare_proxy(sdk)}, "stealth": False, "telemetry": TELEMETRY}},
        {"browser": {"proxy": {"name": named_proxy(sdk)}}, "browser_telemetry": TELEMETRY},
        {"proxy": {"name": named_proxy(sdk)}, "credential": outside},
        {"browser": {"proxy": {"mode": "default"}}, "credential": other},
        {"credential": {"name": credential.name}},
    ):
        sdk.auth.connections.update(made.id, **change)
    for options in ({"credential": outside, "proxy": {"name": named_proxy(sdk)}}, {"credential": other}):
        more = sdk.auth.connections.create(domain=domain, profile_name=unique("more"), **options)
        sdk.auth.connections.delete(more.id)
    for choice in ({"mode": "direct"}, {"id": spare_proxy(sdk)}, {"name": named_proxy(sdk)}):
        more = sdk.auth.connections.create(domain=domain, profile_name=unique("more"), browser={"proxy": choice})
        sdk.auth.connections.delete(more.id)
    for body in SUBMISSIONS:
        before = counter.requests
        refused(sdk.auth.connections.submit, made.id, **body)
        assert counter.requests == before + 1, "a refused submit was repeated"
    started = sdk.auth.connections.login(
        made.id,
        browser={"stealth": False, "proxy": {"mode": "direct"}, "region": "us-west", "telemetry": TELEMETRY},
        browser_telemetry=TELEMETRY,
        record_session=False,
        skill_mode="disabled",
    )
    assert started.hosted_url
    answer(sdk, made.id, counter)
    after = sdk.auth.connections.retrieve(made.id)
    assert (after.status, after.flow_status) == ("AUTHENTICATED", "SUCCESS")
    for unknown in ({"id": "proxy_nobody"}, {"name": "nobody"}):
        refused(sdk.auth.connections.login, made.id, proxy=unknown)
        refused(sdk.auth.connections.login, made.id, browser={"proxy": unknown})
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


def named_proxy(sdk: Any) -> str:
    name = unique("proxy")
    sdk.proxies.create(type="custom", name=name, protocol="http", config={"host": "127.0.0.1", "port": 9})
    return name


def named_provider(sdk: Any) -> str:
    made = sdk.credential_providers.create(token="ops_x", name=unique("outside"), provider_type="onepassword")
    return str(made.name)


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
