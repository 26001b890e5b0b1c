"""`/audit-logs`: who did what, in pages that a token continues."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema

from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.audit_log import REQUEST, AuditFilter, audit_records, audit_strategy, token_write
from vault.errors import Invalid
from vault.models import AuditRecord

router = Router(tags=["audit log"])
LIMIT_DEFAULT, LIMIT_MOST = 100, 1000
_STATUS = {"ok": 200, "denied": 403, "not_found": 404}


class AuditEntry(Schema):
    """Of an API request; or of anything else that happened, then `route` names the action and `method` is empty."""

    timestamp: datetime
    method: str
    path: str
    route: str
    status: int
    duration_ms: int
    auth_strategy: str
    user_id: str
    email: str
    client_ip: str
    user_agent: str
    domain: str


@router.get("", response={200: list[AuditEntry], REFUSED: Refusal}, summary="List audit records")
def list_records(
    request: HttpRequest,
    response: HttpResponse,
    start: datetime,
    end: datetime,
    exclude_method: Query[list[str]] = [],  # noqa: B006 - ninja's form of an empty default
    search_user_id: Query[list[str]] = [],  # noqa: B006 - likewise
    auth_strategy: str = "",
    method: str = "",
    search: str = "",
    service: str = "",
    page_token: str = "",
    limit: int = LIMIT_DEFAULT,
) -> list[dict[str, Any]]:
    principal = caller(request)
    principal.require("audit:read", kind="audit_logs")
    if not 1 <= limit <= LIMIT_MOST:
        raise Invalid(f"limit must be 1 to {LIMIT_MOST}")
    wanted = AuditFilter(
        start=_aware(start),
        end=_aware(end),
        method=method,
        exclude_method=_split(exclude_method),
        auth_strategy=auth_strategy,
        search=search,
        search_user_id=_split(search_user_id),
    )
    rows = audit_records(principal, wanted, page_token=page_token)
    found = list(rows[: limit + 1]) if service in ("", "api") else []
    more = len(found) > limit
    response["X-Has-More"] = "true" if more else "false"
    if more:
        response["X-Next-Page-Token"] = token_write(found[limit - 1])
    return [_rendered(record) for record in found[:limit]]


def _split(values: list[str]) -> list[str]:
    """The SDK writes a list as one text with commas, other clients repeat the parameter."""
    return [item for value in values for item in value.split(",") if item][:100]


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else timezone.make_aware(at)


def _rendered(record: AuditRecord) -> dict[str, Any]:
    details = record.details if record.action == REQUEST else {}
    return {
        "timestamp": record.at,
        "method": details.get("method", ""),
        "path": details.get("path", f"/{record.resource_type}/{record.resource_id}"),
        "route": details.get("route", record.action),
        "status": details.get("status", _STATUS.get(record.outcome, 400)),
        "duration_ms": details.get("duration_ms", 0),
        "auth_strategy": audit_strategy(record.actor),
        "user_id": record.actor.removeprefix("key:"),
        "email": "",
        "client_ip": details.get("client_ip", ""),
        "user_agent": details.get("user_agent", ""),
        "domain": details.get("domain", ""),
    }
