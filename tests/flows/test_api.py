"""`/auth/connections` from outside, over HTTP: shapes the SDK parses, refusals it understands, tenants apart."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from kernel.types.auth import LoginResponse, ManagedAuth, SubmitFieldsResponse

from authsvc.celery import app as celery_app
from authsvc.keys.services import key_create
from flows.dispatch import RUN_FLOW
from flows.models import Connection, Flow
from flows.services import flows as services
from tests.flows.factories import make_pause
from vault.credentials import credential_create
from vault.models import Profile
from vault.principal import Principal
from vault.tenancy import organization_create

pytestmark = pytest.mark.django_db(transaction=True)
SENT: list[str] = []


@pytest.fixture(autouse=True)
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Flows that would have gone to a worker."""
    SENT.clear()
    monkeypatch.setattr(
        celery_app, "send_task", lambda name, args, **_: SENT.extend(args) if name == RUN_FLOW else None
    )
    return SENT


class Caller:
    """A tenant's key over HTTP."""

    def __init__(self, name: str, *, policy: dict[str, Any] | None = None) -> None:
        organization, project = organization_create(name)
        _, token = key_create(organization_id=organization.id, name="test", policy=policy)
        self.principal = Principal(
            organization_id=organization.id, project_id=project.id, key_id="key_test", key_name="test"
        )
        self._client = Client(headers={"authorization": f"Bearer {token.reveal()}"})

    def call(self, method: str, path: str = "", body: Any = None) -> Any:
        return self._client.generic(method, f"/auth/connections{path}", _json(body), content_type="application/json")

    def create(self, **body: Any) -> dict[str, Any]:
        response = self.call("POST", "", {"domain": "example.com", "profile_name": "work", **body})
        assert response.status_code == 201, response.content
        created: dict[str, Any] = response.json()
        return created


def _json(body: Any) -> str:
    return "" if body is None else json.dumps(body)


@pytest.fixture
def owner() -> Caller:
    return Caller("owner")


def waiting(connection_id: str) -> None:
    flow = Flow.objects.get(connection_id=connection_id)
    claim = services.flow_claim(flow.id, holder="w", now=timezone.now())
    assert claim is not None
    services.flow_pause(claim, make_pause(), now=timezone.now())


def test_a_new_connection_is_what_the_sdk_expects(owner: Caller) -> None:
    body = owner.create(
        domain="WWW.Example.com", allowed_domains=["*.login.example"], login_url="https://example.com/in"
    )
    parsed = ManagedAuth.model_validate(body)
    assert parsed.domain == "example.com"
    assert parsed.profile_name == "work"
    assert parsed.status == "NEEDS_AUTH"
    assert parsed.save_credentials is True
    assert parsed.health_check_interval == 3600
    assert parsed.allowed_domains == ["login.example"]
    assert (parsed.can_reauth, parsed.can_reauth_reason) == (False, "no_credential")
    assert parsed.flow_status is None
    assert Profile.objects.get().name == "work"


def test_the_same_profile_and_domain_twice_is_a_conflict(owner: Caller) -> None:
    owner.create()
    response = owner.call("POST", "", {"domain": "example.com", "profile_name": "work"})
    assert response.status_code == 409
    assert response.json()["code"] == "conflict"
    assert response["x-should-retry"] == "false"
    owner.create(profile_name="other")


@pytest.mark.parametrize(
    "change",
    [
        {"domain": ""},
        {"domain": "not a host"},
        {"domain": "http://"},
        {"domain": "169.254.169.254"},
        {"domain": "10.0.0.1:80"},
        {"profile_name": ""},
        {"login_url": "ftp://example.com"},
        {"login_url": "http://example.invalid/login"},
        {"login_url": "https://user:pw@example.com/"},
        {"login_url": "https://[::ffff:10.0.0.1]/"},
        {"allowed_domains": ["a b"]},
        {"health_check_interval": 10},
        {"health_check_interval": "soon"},
        {"credential": {"name": "a", "provider": "b"}},
        {"credential": {"path": "x"}},
        {"credential": {"provider": "nobody", "auto": True}},
    ],
)
def test_bad_input_is_a_400_and_creates_nothing(owner: Caller, change: dict[str, Any]) -> None:
    response = owner.call("POST", "", {"domain": "example.com", "profile_name": "work", **change})
    assert response.status_code == 400, response.content
    assert set(response.json()) >= {"code", "message"}
    assert Connection.objects.count() == 0


def test_an_unknown_credential_is_a_404(owner: Caller) -> None:
    response = owner.call("POST", "", {"domain": "a.com", "profile_name": "p", "credential": {"name": "nope"}})
    assert response.status_code == 404
    assert Connection.objects.count() == 0


def test_a_credential_is_named_never_shown(owner: Caller) -> None:
    credential_create(owner.principal, name="ada", domain="example.com", values={"password": "canary-1"})
    body = owner.create(credential={"name": "ada"})
    assert body["credential"] == {"name": "ada"}
    assert body["can_reauth_reason"] == "no_prior_successful_login"
    assert "canary-1" not in str(body)


def test_login_twice_joins_and_gives_a_new_link(owner: Caller, dispatched: list[str]) -> None:
    connection = owner.create()
    first = owner.call("POST", f"/{connection['id']}/login").json()
    second = owner.call("POST", f"/{connection['id']}/login", {}).json()
    parsed = LoginResponse.model_validate(first)
    assert parsed.flow_type == "LOGIN"
    assert parsed.hosted_url.startswith("http://127.0.0.1:8000/login/flow_")
    assert first["hosted_url"] != second["hosted_url"]
    assert len(dispatched) == 1


def test_r24_links_do_not_come_from_the_host_header(owner: Caller) -> None:
    connection = owner.create()
    owner._client.defaults["HTTP_HOST"] = "127.0.0.1"
    body = owner.call("POST", f"/{connection['id']}/login").json()
    assert body["hosted_url"].startswith("http://127.0.0.1:8000/")
    owner._client.defaults["HTTP_HOST"] = "evil.example"
    assert owner.call("POST", f"/{connection['id']}/login").status_code == 400


def test_a_login_begins_while_the_cache_is_down(owner: Caller, settings: Any) -> None:
    connection = owner.create()
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    assert owner.call("POST", f"/{connection['id']}/login").status_code == 200


def test_submitting_over_both_dialects(owner: Caller) -> None:
    connection = owner.create()
    owner.call("POST", f"/{connection['id']}/login")
    waiting(connection["id"])
    state = ManagedAuth.model_validate(owner.call("GET", f"/{connection['id']}").json())
    assert state.flow_step == "AWAITING_INPUT"
    assert state.discovered_fields is not None
    assert state.fields is not None
    assert state.flow_expires_at is not None
    values = {field.id: "x" for field in state.fields}
    body = {"interaction_id": state.interaction_id, "field_values": values}
    accepted = owner.call("POST", f"/{connection['id']}/submit", body)
    assert accepted.status_code == 200
    assert SubmitFieldsResponse.model_validate(accepted.json()).accepted
    again = owner.call("POST", f"/{connection['id']}/submit", body)
    assert (again.status_code, again.json()["code"]) == (400, "interaction_stale")
    assert again["x-should-retry"] == "false"
    late = owner.call("POST", f"/{connection['id']}/submit", {"fields": {"login": "a"}})
    assert (late.status_code, late.json()["code"]) == (400, "not_awaiting_input")


@pytest.mark.parametrize("body", [{}, {"fields": {"x": 1}}, {"fields": "x"}, [], {"field_values": None}])
def test_a_malformed_submission_is_a_400(owner: Caller, body: Any) -> None:
    connection = owner.create()
    owner.call("POST", f"/{connection['id']}/login")
    waiting(connection["id"])
    response = owner.call("POST", f"/{connection['id']}/submit", body)
    assert response.status_code == 400
    assert response["x-should-retry"] == "false"


def test_cancel_ends_the_login(owner: Caller) -> None:
    connection = owner.create()
    owner.call("POST", f"/{connection['id']}/login")
    body = owner.call("POST", f"/{connection['id']}/cancel").json()
    assert (body["flow_status"], body["error_code"]) == ("CANCELED", "canceled")
    again = owner.call("POST", f"/{connection['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (400, "no_flow_in_progress")


def test_r34_deleting_takes_flows_and_values_along(owner: Caller) -> None:
    connection = owner.create()
    owner.call("POST", f"/{connection['id']}/login")
    waiting(connection["id"])
    owner.call("POST", f"/{connection['id']}/submit", {"fields": {"login": "a", "pw": "b"}})
    assert owner.call("DELETE", f"/{connection['id']}").status_code == 204
    assert Flow.objects.count() == 0
    assert owner.call("GET", f"/{connection['id']}").status_code == 404
    assert owner.call("DELETE", f"/{connection['id']}").status_code == 404


def test_listing_filters_and_pages(owner: Caller) -> None:
    for index in range(3):
        owner.create(domain=f"site{index}.example", profile_name=f"profile-{index}")
    names = lambda query: [row["domain"] for row in owner.call("GET", query).json()]  # noqa: E731 - two uses below
    assert names("?domain=site1.example") == ["site1.example"]
    assert names("?profile_name=profile-2") == ["site2.example"]
    assert names("?query=SITE0") == ["site0.example"]
    page = owner.call("GET", "?limit=2")
    assert (page["X-Has-More"], page["X-Next-Offset"]) == ("true", "2")
    rest = owner.call("GET", "?limit=2&offset=2")
    assert (rest["X-Has-More"], rest["X-Next-Offset"]) == ("false", "0")
    assert {row["id"] for row in page.json()}.isdisjoint({row["id"] for row in rest.json()})


ROUTES = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/login"),
    ("POST", "/submit"),
    ("POST", "/cancel"),
    ("GET", "/events"),
]


@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_r26_an_outsider_gets_404(owner: Caller, method: str, suffix: str) -> None:
    connection = owner.create()
    owner.call("POST", f"/{connection['id']}/login")
    outsider = Caller("outsider")
    response = outsider.call(method, f"/{connection['id']}{suffix}", {"fields": {"a": "b"}})
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert outsider.call("GET", "").json() == []
    assert Flow.objects.get().state == "DISCOVERING"


@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_r27_a_key_without_the_right_gets_403(owner: Caller, method: str, suffix: str) -> None:
    nobody = Caller("nobody", policy={"statements": []})
    assert nobody.call(method, f"/ma_x{suffix}", {}).status_code == 403


@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_without_a_key_401(owner: Caller, method: str, suffix: str) -> None:
    response = Client().generic(method, f"/auth/connections/ma_x{suffix}")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"
