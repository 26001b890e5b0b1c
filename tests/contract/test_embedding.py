"""`exchange`: a login's code for a token, what the token opens, and from which pages."""

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.test import Client
from django.utils import timezone
from kernel.types.auth import ManagedAuth

from flows.models import Flow, Interaction
from flows.services import flows as services
from flows.tokens import token_issue, token_read
from tests.contract.tenants import Tenant
from tests.flows.factories import make_pause
from vault.models import AuditRecord

ORIGIN = "https://app.example"
PATHS = ("GET ", "POST /submit", "POST /exchange")


class Login:
    """A waiting login and its code."""

    def __init__(self, owner: Tenant) -> None:
        self.connection_id = owner.sdk.auth.connections.create(domain="example.com", profile_name="work").id
        started = owner.sdk.auth.connections.login(self.connection_id)
        self.code = str(started.handoff_code)
        assert parse_qs(urlsplit(started.hosted_url).query)["code"] == [self.code]
        self.flow = Flow.objects.get(connection_id=self.connection_id)
        claim = services.flow_claim(self.flow.id, holder="w", now=timezone.now())
        assert claim is not None
        services.flow_pause(claim, make_pause(), now=timezone.now())

    def call(self, method: str, tail: str = "", body: Any = None, **headers: str) -> Any:
        path = f"/auth/connections/{self.connection_id}{tail}"
        data = "" if body is None else json.dumps(body)
        return Client().generic(method, path, data, content_type="application/json", headers=headers)

    def exchange(self, code: str | None = None, **headers: str) -> Any:
        return self.call("POST", "/exchange", {"code": self.code if code is None else code}, **headers)

    def token(self) -> str:
        answer = self.exchange()
        assert answer.status_code == 200, answer.content
        return str(answer.json()["jwt"])


@pytest.fixture
def login(owner: Tenant) -> Login:
    return Login(owner)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_r17_a_code_is_exchanged_once(login: Login) -> None:
    login.token()
    again = login.exchange()
    assert (again.status_code, again.json()["code"]) == (400, "code_used")
    outcomes = AuditRecord.objects.filter(action="hosted.exchange").order_by("seq").values_list("outcome", flat=True)
    assert list(outcomes) == ["ok", "denied"]


@pytest.mark.parametrize("code", ["", "x", "0" * 64, "é" * 64])
def test_a_wrong_code_opens_nothing_and_spends_nothing(login: Login, code: str) -> None:
    answer = login.exchange(code)
    assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
    assert login.token()


def test_a_code_dies_with_its_login(login: Login) -> None:
    services.flow_cancel(login.flow.id, now=timezone.now())
    assert login.exchange().json()["code"] == "flow_over"


def test_the_token_reads_and_answers_its_login(owner: Tenant, login: Login) -> None:
    headers = bearer(login.token())
    seen = login.call("GET", **headers).json()
    parsed = ManagedAuth.model_validate(seen)
    assert parsed.fields is not None
    assert not {"hosted_url", "live_view_url", "credential"} & set(seen)
    answer = {
        "interaction_id": parsed.interaction_id,
        "field_values": {field.id: "canary" for field in parsed.fields},
    }
    assert login.call("POST", "/submit", answer, **headers).json() == {"accepted": True}
    assert Interaction.objects.get().state == "answered"
    services.flow_cancel(login.flow.id, now=timezone.now())
    assert login.call("GET", **headers).json()["flow_status"] == "CANCELED"
    # Another login of the same connection is not this token's.
    owner.sdk.auth.connections.login(login.connection_id)
    assert login.call("GET", **headers).json()["flow_status"] == "CANCELED"
    refused = login.call("POST", "/submit", {"fields": {"a": "b"}}, **headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_awaiting_input")


def test_r26_the_token_opens_nothing_else(owner: Tenant, login: Login) -> None:
    headers = bearer(login.token())
    other = owner.sdk.auth.connections.create(domain="other.example", profile_name="work").id
    client = Client(headers=headers)
    assert client.get(f"/auth/connections/{other}").status_code == 404
    assert client.post(f"/auth/connections/{other}/submit", {}, content_type="application/json").status_code == 404
    here = f"/auth/connections/{login.connection_id}"
    refused = [
        ("GET", "/auth/connections"),
        ("PATCH", here),
        ("DELETE", here),
        ("POST", f"{here}/login"),
        ("POST", f"{here}/cancel"),
        ("GET", f"{here}/timeline"),
        ("GET", f"{here}/events"),
        ("GET", "/credentials"),
        ("GET", "/profiles"),
        ("GET", "/profiles/work/download"),
        ("GET", "/org/api_keys"),
        ("GET", "/org/projects"),
        ("GET", "/proxies"),
    ]
    for method, path in refused:
        answer = client.generic(method, path, "{}", content_type="application/json")
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize("change", ["expired", "other key", "none", "audience", "garbage", "flow"])
def test_r07_a_token_that_is_not_ours_is_a_401(login: Login, settings: Any, change: str) -> None:
    good = token_issue(login.flow, now=timezone.now())
    assert token_read(good) is not None
    claims = jwt.decode(good, options={"verify_signature": False})
    flow = login.flow
    match change:
        case "expired":
            flow.expires_at = timezone.now() - timedelta(seconds=1)
            token = token_issue(flow, now=timezone.now())
        case "other key":
            token = jwt.encode(claims, "another key of enough bytes, really", algorithm="HS256")
        case "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
            token = f"{head}.{good.split('.')[1]}."
        case "audience":
            flow.connection_id = "ma_other"
            token = token_issue(flow, now=timezone.now())
        case "flow":
            flow.id = "flow_other"
            token = token_issue(flow, now=timezone.now())
        case _:
            token = "a.b.c"
    assert login.call("GET", **bearer(token)).status_code == 401


def listed(owner: Tenant) -> None:
    owner.sdk.patch("/org/projects/default", cast_to=object, body={"allowed_origins": [ORIGIN]})


def test_r20_only_listed_origins_may_call(owner: Tenant, login: Login) -> None:
    listed(owner)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for tail in ("", "/submit", "/exchange"):
        preflight = login.call("OPTIONS", tail, Origin=ORIGIN, **asked)
        assert preflight.status_code == 204
        assert preflight["Access-Control-Allow-Origin"] == ORIGIN
        assert preflight["Access-Control-Allow-Methods"] == ("POST" if tail else "GET")
        assert "Authorization" in preflight["Access-Control-Allow-Headers"]
        for other in ("https://evil.example", "https://app.example.evil.example", "null", "http://app.example"):
            refused = login.call("OPTIONS", tail, Origin=other, **asked)
            assert refused.status_code == 405
            assert "Access-Control-Allow-Origin" not in refused
    answer = login.call("GET", Origin=ORIGIN, **bearer(login.token()))
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer
    for tail in ("/login", "/timeline", "/events", "/cancel"):
        assert "Access-Control-Allow-Origin" not in login.call("OPTIONS", tail, Origin=ORIGIN, **asked)


def test_an_unknown_connection_exchanges_nothing(owner: Tenant) -> None:
    answer = Client().post("/auth/connections/ma_x/exchange", {"code": "x"}, content_type="application/json")
    assert answer.status_code == 404
