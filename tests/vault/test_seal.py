"""A sealed vault: nothing secret is used, everything else goes on, and it comes back."""

import json
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django.fixtures import Settings

from tests.vault.factories import NOW, SEED, make_principal, make_token, make_use
from vault.credentials import credential_create, credential_totp_reveal, credential_value_reveal
from vault.errors import Sealed
from vault.models import AuditRecord, Credential, Organization, Profile
from vault.profiles import profile_create, profile_lease, profile_save, profile_state
from vault.seal import vault_seal, vault_unseal
from vault.sealing import open_sealed, seal

pytestmark = pytest.mark.django_db
VALUES = {"username": "ada", "password": "canary"}


def sealed_vault() -> None:
    vault_seal(by="operator:test", now=NOW)


def test_r06_nothing_is_sealed_or_opened_and_nothing_is_lost():
    principal = make_principal()
    where = {"organization_id": principal.organization_id, "table": "t", "record_id": "r", "field": "f"}
    value = seal(plaintext=b"v", **where)
    credential = credential_create(principal, name="c", domain="example.com", values=VALUES, totp_secret=SEED)
    profile = profile_create(principal)
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    profile_save(lease, b"one", now=NOW)
    use = make_use(principal)
    recorded = AuditRecord.objects.filter(action="credential.use").count()

    sealed_vault()
    for attempt in (
        lambda: open_sealed(sealed=value, **where),
        lambda: seal(plaintext=b"v", **where),
        lambda: credential_value_reveal(credential_id=credential.id, name="password", use=use),
        lambda: credential_totp_reveal(credential_id=credential.id, use=use, now=NOW),
        lambda: credential_create(principal, name="d", domain="example.com", values=VALUES),
        lambda: profile_state(profile.id),
        lambda: profile_state(profile.id, use=use),
        lambda: profile_save(lease, b"two", now=NOW),
    ):
        with pytest.raises(Sealed):
            attempt()
    assert AuditRecord.objects.filter(action="credential.use").count() == recorded

    vault_unseal(by="operator:test", now=NOW)
    assert profile_state(profile.id) == b"one"
    assert Profile.objects.get().latest_number == 1
    assert credential_value_reveal(credential_id=credential.id, name="password", use=use).reveal() == "canary"
    assert Credential.objects.count() == 1


def test_r06_the_commands_seal_and_unseal_and_say_so_on_record():
    organization = make_principal().organization_id
    said = StringIO()
    for command in ("seal", "seal", "unseal", "unseal"):
        call_command(command, stdout=said)
    assert said.getvalue().splitlines() == ["sealed", "was sealed already", "unsealed", "was not sealed"]
    recorded = AuditRecord.objects.filter(organization_id=organization, resource_type="vault").order_by("seq")
    assert [record.action for record in recorded] == ["vault.seal", "vault.unseal"]
    assert all(record.actor.startswith("operator:") for record in recorded)


def test_r06_unsealing_without_a_key_fails_and_stays_sealed(settings: Settings):
    sealed_vault()
    settings.KEK, settings.KEK_FILE = "", "/nowhere"
    with pytest.raises(CommandError, match="AUTHSVC_KEK_FILE"):
        call_command("unseal")
    with pytest.raises(Sealed):
        make_principal()


def test_r06_keys_do_not_rotate_while_sealed():
    make_principal()
    sealed_vault()
    with pytest.raises(CommandError, match="sealed"):
        call_command("rotate_keys")


def _example(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """A body that the description allows, with every required member."""
    if "$ref" in schema:
        return _example(components[schema["$ref"].rsplit("/", 1)[1]], components)
    for option in schema.get("anyOf", []):
        if option.get("type") != "null":
            return _example(option, components)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            wanted = set(schema.get("required", [])) | ({"values", "fields"} & members.keys())
            return {name: _example(members[name], components) for name in wanted if name in members} or {
                "password": "x"
            }
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return "example.org"


# What cannot be done without a secret; every other route answers as always.
NEEDS_KEYS = {
    ("get", "/credentials/{id_or_name}/totp-code"),
    ("get", "/profiles/{id_or_name}/download"),
    ("post", "/credentials"),
    ("patch", "/credentials/{id_or_name}"),
    ("post", "/auth/connections/{connection_id}/login"),
    ("get", "/readyz"),
}
STREAMS = {("get", "/auth/connections/{connection_id}/events")}


@pytest.mark.django_db(transaction=True)  # readyz looks from a thread of its own
def test_r06_every_route_answers_while_sealed_and_those_that_need_keys_say_sealed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(import_module("flows.api.browsers"), "START_SECONDS", 0.1)  # there is no worker to wait for
    principal = make_principal()
    token = make_token(Organization.objects.get())
    client = Client(headers={"Authorization": f"Bearer {token.reveal()}"}, raise_request_exception=False)
    description = json.loads(client.get("/openapi.json").content)
    components = description["components"]["schemas"]
    credential_create(principal, name="example.com", domain="example.com", values=VALUES, totp_secret=SEED)
    profile = profile_create(principal, name="example.com")
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    profile_save(lease, b"{}", now=NOW)
    body = {"domain": "example.com", "profile_name": "example.com"}
    made = client.post("/auth/connections", data=body, content_type="application/json")
    connection_id = made.json()["id"]

    sealed_vault()
    refused, failed = set(), []
    operations = [
        (method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if (method, path) not in STREAMS
    ]
    for method, path, operation in sorted(operations, key=lambda item: item[0] == "delete"):
        address = path.replace("{connection_id}", connection_id).replace("{id_or_name}", "example.com")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        data = json.dumps(_example(content["schema"], components)) if content else ""
        answer = client.generic(method.upper(), address, data, content_type="application/json")
        if answer.status_code == 503:
            refused.add((method, path))
            assert answer.json()["code"] == ("not_ready" if path == "/readyz" else "sealed")
            assert answer["x-should-retry"] == "false"
        else:
            failed += [(method, path, answer.status_code)] if answer.status_code >= 500 else []
    assert failed == []
    assert refused >= NEEDS_KEYS
    assert client.get("/healthz").status_code == 200
