"""Every route that the API describes: the list of routes itself is walked, so that a new one cannot be forgotten."""

import json
import re
from functools import cache
from typing import Any

from django.test import Client

from tests.contract.tenants import Tenant
from tests.contract.test_keys import BODIES, place

OPEN = frozenset({("GET", "/healthz"), ("GET", "/readyz")})
BY_CODE = frozenset({("POST", "/auth/connections/{connection_id}/exchange")})  # the code is the key
# Routes without a record in their address: what they show or make is the caller's own.
OWN = frozenset(
    {
        ("GET", "/audit-logs"),
        ("GET", "/auth/connections"),
        ("POST", "/auth/connections"),
        ("GET", "/auth/context"),
        ("GET", "/browsers"),
        ("POST", "/browsers"),
        ("GET", "/credentials"),
        ("POST", "/credentials"),
        ("GET", "/org/api_keys"),
        ("POST", "/org/api_keys"),
        ("GET", "/org/credential_providers"),
        ("POST", "/org/credential_providers"),
        ("GET", "/org/credential_sources"),
        ("POST", "/org/credential_sources"),
        ("GET", "/org/projects"),
        ("POST", "/org/projects"),
        ("GET", "/profiles"),
        ("POST", "/profiles"),
        ("GET", "/proxies"),
        ("POST", "/proxies"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
    }
)
# What the record in a route's address is, by the beginning of the address.
RECORDS = {
    "/auth/connections/": "connection",
    "/browsers/": "browser",
    "/credentials/": "credential",
    "/org/credential_providers/": "provider",
    "/org/credential_sources/": "source",
    "/org/api_keys/": "key",
    "/org/projects/": "project",
    "/profiles/": "profile",
    "/proxies/": "proxy",
    "/webhooks/": "webhook",
}
OUTSIDE = {
    "provider": ("/org/credential_providers", {"provider_type": "onepassword"}),
    "source": ("/org/credential_sources", {"provider_type": "vault_kv"}),
}
PARAMETER = re.compile(r"\{[a-z_:]+\}")
MORE_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/org/projects/{project}"): {"name": "stolen"},
    ("POST", "/auth/connections/{connection}/exchange"): {"code": "x"},
}


@cache
def description() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(Client().get("/openapi.json").content)
    return answer


def routes() -> list[tuple[str, str]]:
    """(method, address) of every operation."""
    return sorted(
        (method.upper(), path) for path, operations in description()["paths"].items() for method in operations
    )


def record_kind(path: str) -> str | None:
    return next((kind for start, kind in RECORDS.items() if path.startswith(start) and "{" in path), None)


def ask(client: Client, method: str, path: str, body: dict[str, Any]) -> Any:
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def outside_sources(owner: Tenant) -> dict[str, str]:
    """One credential source of each kind, made by the owner."""
    client = Client(headers={"authorization": f"Bearer {owner.token}"})
    made = {}
    for kind, (path, body) in OUTSIDE.items():
        if ("POST", path) not in routes():
            continue
        common = {"token": "t" * 20, "name": kind, "server_url": "https://outside.example"}
        answer = ask(client, "POST", path, {**common, **body})
        assert answer.status_code == 201, answer.content
        made[kind] = answer.json()["id"]
    return made


def test_r26_every_route_is_known_here() -> None:
    unknown = [route for route in routes() if route not in OPEN | OWN and not record_kind(route[1])]
    assert unknown == []


def test_every_operation_names_its_refusals() -> None:
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            if (method.upper(), path) in OPEN:
                continue
            missing = {"400", "401", "403", "404", "413", "429", "503"} - set(operation["responses"])
            assert not missing, (method, path)


def test_without_a_key_every_route_is_a_401(db: None) -> None:
    for method, path in routes():
        if (method, path) in OPEN | BY_CODE:
            continue
        answer = ask(Client(), method, PARAMETER.sub("x", path), {})
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == "unauthorized"
        assert answer["WWW-Authenticate"] == "Bearer"


def test_r26_an_outsider_finds_nothing_on_any_route(owner: Tenant, outsider: Tenant) -> None:
    """Each record is there for its owner, and for the outsider what an unknown one is: a 404."""
    here = place(owner) | outside_sources(owner)
    client = Client(headers={"authorization": f"Bearer {outsider.token}"})
    told = 0
    for method, path in routes():
        kind = record_kind(path)
        if kind is None:
            continue
        named = PARAMETER.sub(f"{{{kind}}}", path)
        body = BODIES.get((method, named), MORE_BODIES.get((method, named), {}))
        answer = ask(client, method, named.format(**here), body)
        assert answer.status_code == 404, (method, path, answer.content)
        unknown = ask(client, method, PARAMETER.sub("nobody", path), body)
        assert (unknown.status_code, unknown.json()) == (404, answer.json()), (method, path)
        told += 1
    assert told >= 30
    for record, start in (
        ("connection", "/auth/connections"),
        ("credential", "/credentials"),
        ("profile", "/profiles"),
    ):
        mine = Client(headers={"authorization": f"Bearer {owner.token}"})
        assert ask(mine, "GET", f"{start}/{here[record]}", {}).status_code == 200
