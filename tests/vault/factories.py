"""Tenants for tests: two of them, so that every test can ask what the other one sees."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError

from authsvc.keys.services import key_create
from vault.models import AuditRecord, Organization
from vault.principal import Principal
from vault.secret import Secret
from vault.tenancy import organization_create
from vault.use import Use

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)  # five seconds into a TOTP step
SEED = "JBSWY3DPEHPK3PXP"


def make_principal(name: str = "acme") -> Principal:
    organization, project = organization_create(name)
    return Principal(organization_id=organization.id, project_id=project.id, key_id="key_test", key_name="test")


def make_token(organization: Organization, **options: object) -> Secret:
    options = {"name": "a key"} | options
    return key_create(organization_id=organization.id, **options)[1]  # type: ignore[arg-type]  # passed through


def make_use(principal: Principal, *, origin: str = "https://example.com") -> Use:
    return Use(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        connection_id="ma_1",
        flow_id="flow_1",
        origin=origin,
    )


def kek(key_id: str, letter: str) -> str:
    """A setting's entry: the key of 32 times `letter`."""
    return f"{key_id}:{base64.b64encode(letter.encode() * 32).decode()}"


def audit_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit log cannot be written from now on."""

    def refuse(self: AuditRecord, **_: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AuditRecord, "save", refuse)
