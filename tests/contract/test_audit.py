"""`audit_logs.list`: requests and uses of secrets, newest first, page by token."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kernel import BadRequestError, NotFoundError
from kernel.types import AuditLogEntry

from tests.contract.tenants import Tenant, items
from vault.audit import AuditIntact, audit_verify


def window() -> Any:
    now = timezone.now()
    return {"start": now - timedelta(hours=1), "end": now + timedelta(hours=1)}


def test_r36_requests_and_refusals_are_on_record(owner: Tenant, outsider: Tenant) -> None:
    owner.sdk.profiles.create(name="p", extra_headers={"User-Agent": "their program"})
    owner.sdk.profiles.retrieve("p")
    with pytest.raises(NotFoundError):
        owner.sdk.profiles.retrieve("nobody")
    entries = items(AuditLogEntry, owner.sdk.audit_logs.list(**window()))
    told = [(entry.method, entry.path, entry.status) for entry in entries if entry.method]
    assert told == [("GET", "/profiles/nobody", 404), ("POST", "/profiles", 201)]
    made = next(entry for entry in entries if entry.method == "POST")
    assert (made.auth_strategy, made.user_id) == ("api_key", owner.principal.key_id)
    assert (made.domain, made.user_agent, made.client_ip) == ("testserver", "their program", "127.0.0.1")
    assert made.route == "/profiles"
    assert "api_key.create" in {entry.route for entry in entries}
    assert all("/profiles" not in entry.path for entry in outsider.sdk.audit_logs.list(**window()))
    assert isinstance(audit_verify(owner.principal.organization_id), AuditIntact)


def test_pages_go_on_by_token(owner: Tenant) -> None:
    for name in "abcde":
        owner.sdk.profiles.create(name=name)
    whole = [entry.timestamp for entry in owner.sdk.audit_logs.list(**window())]
    page = owner.sdk.audit_logs.list(limit=2, **window())
    assert (len(page.items), page.has_more) == (2, True)
    assert [entry.timestamp for entry in page] == whole
    assert whole == sorted(whole, reverse=True)
    with pytest.raises(BadRequestError):
        owner.sdk.audit_logs.list(page_token="!", **window())
    with pytest.raises(BadRequestError):
        owner.sdk.audit_logs.list(limit=0, **window())


def test_filters(owner: Tenant) -> None:
    owner.sdk.profiles.create(name="x")
    owner.sdk.profiles.delete("x")
    ask = owner.sdk.audit_logs.list

    def methods(**options: Any) -> list[str]:
        return [entry.method for entry in ask(**window(), **options) if entry.method]

    assert methods(method="post") == ["POST"]
    assert methods(exclude_method=["POST"]) == ["DELETE"]
    assert methods(exclude_method=["POST", "DELETE"]) == []
    assert methods(search="profiles/x") == ["DELETE"]
    assert methods(search="204") == ["DELETE"]
    assert methods(search="nothing at all") == []
    assert methods(search="profiles/x", search_user_id=[owner.principal.key_id]) == ["DELETE", "POST"]
    assert methods(auth_strategy="api_key") == ["DELETE", "POST"]
    assert methods(auth_strategy="jwt") == []
    assert methods(service="api") == ["DELETE", "POST"]
    assert methods(service="dns") == []
    now = timezone.now()
    assert ask(start=now - timedelta(days=2), end=now - timedelta(days=1)).items == []
