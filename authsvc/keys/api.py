"""`/org/api_keys` and `/auth/context`: keys made and changed by keys; a token is shown once."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema, Status

from authsvc.keys.handing import (
    WRITE,
    expiry_of,
    key_get,
    key_issue,
    key_rename,
    key_rotate,
    keys_list,
)
from authsvc.keys.models import ApiKey
from authsvc.keys.services import key_delete
from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.errors import Invalid

keys = Router(tags=["API keys"])
context = Router(tags=["API keys"])


class PolicyStatement(Schema):
    action: str
    resource: str


class KeyPolicy(Schema):
    """Every action and resource that no statement names is denied. The wildcard is `*`."""

    statements: list[PolicyStatement]


class KeyCreate(Schema):
    name: str
    days_to_expire: int | None = None
    expires_at: datetime | None = None
    policy: KeyPolicy | None = None
    project_id: str | None = None


class KeyUpdate(Schema):
    name: str


class KeyRotate(Schema):
    days_to_expire: int | None = None
    expire_in_days: int | None = None


class Creator(Schema):
    id: str
    email: str
    name: str | None = None


class KeyOut(Schema):
    id: str
    name: str
    masked_key: str
    created_at: datetime
    created_by: Creator
    deleted_at: datetime | None = None
    expires_at: datetime | None = None
    project_id: str | None = None
    project_name: str | None = None
    policy: KeyPolicy | None = None


class KeyCreated(KeyOut):
    key: str


class Authentication(Schema):
    credential_id: str
    method: Literal["api_key", "jwt"]
    source: Literal["api_key"]


class Scope(Schema):
    project_id: str | None = None


class Authorization(Schema):
    credential_scope: Scope
    effective_scope: Scope


class Organization(Schema):
    id: str


class Subject(Schema):
    id: str
    type: Literal["api_key"]


class AuthContext(Schema):
    authentication: Authentication
    authorization: Authorization
    organization: Organization
    principal: Subject


@context.get("", response={200: AuthContext, REFUSED: Refusal}, summary="Who calls, and in which project")
def retrieve_context(request: HttpRequest) -> dict[str, Any]:
    principal = caller(request)
    return {
        "authentication": {"credential_id": principal.key_id, "method": "api_key", "source": "api_key"},
        "authorization": {
            "credential_scope": {"project_id": principal.key_project_id},
            "effective_scope": {"project_id": principal.project_id},
        },
        "organization": {"id": principal.organization_id},
        "principal": {"id": principal.key_id, "type": "api_key"},
    }


@keys.post("", response={201: KeyCreated, REFUSED: Refusal}, exclude_none=True, summary="Create an API key")
def create(request: HttpRequest, response: HttpResponse, body: KeyCreate) -> Status[dict[str, Any]]:
    principal = caller(request)
    now = timezone.now()
    own_project = principal.key_project_id if "project_id" not in body.model_fields_set else body.project_id
    key, token = key_issue(
        principal,
        name=body.name,
        project_id=own_project or None,
        policy=body.policy.model_dump() if body.policy else None,
        expires_at=expiry_of(days=body.days_to_expire, at=_aware(body.expires_at), now=now),
        now=now,
    )
    return Status(201, _rendered(key) | {"key": token.reveal()})


@keys.get("", response={200: list[KeyOut], REFUSED: Refusal}, exclude_none=True, summary="List API keys")
def list_keys(
    request: HttpRequest,
    response: HttpResponse,
    name: str | None = None,
    query: str | None = None,
    status: Literal["active", "deleted", "all"] | None = None,
    include_deleted: bool = False,
    sort_by: Literal["created_at", "name", "expires_at"] = "created_at",
    sort_direction: Literal["asc", "desc"] = "desc",
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    chosen = status or ("all" if include_deleted else "active")
    deleted = None if chosen == "all" else chosen == "deleted"
    rows = keys_list(caller(request), name=name, query=query, deleted=deleted)
    column = F(sort_by)
    order = column.asc(nulls_last=True) if sort_direction == "asc" else column.desc(nulls_last=True)
    return page(request, response, rows.order_by(order, "pk"), limit, offset, _rendered)


@keys.get("/{key_id}", response={200: KeyOut, REFUSED: Refusal}, exclude_none=True, summary="Retrieve an API key")
def retrieve(request: HttpRequest, key_id: str, include_deleted: bool = False) -> dict[str, Any]:
    return _rendered(key_get(caller(request), key_id, deleted=include_deleted))


@keys.patch("/{key_id}", response={200: KeyOut, REFUSED: Refusal}, exclude_none=True, summary="Rename an API key")
def update(request: HttpRequest, key_id: str, body: KeyUpdate) -> dict[str, Any]:
    principal = caller(request)
    return _rendered(key_rename(principal, key_get(principal, key_id, action=WRITE), name=body.name))


@keys.delete("/{key_id}", response={204: None, REFUSED: Refusal}, summary="Delete an API key")
def delete(request: HttpRequest, key_id: str) -> Status[None]:
    """A key cannot delete itself: somebody has to be left who can tell that it worked."""
    principal = caller(request)
    key = key_get(principal, key_id, action=WRITE)
    if key.id == principal.key_id:
        raise Invalid("A key cannot delete itself: use another one")
    key_delete(key=key, actor=principal.actor, now=timezone.now())
    return Status(204, None)


@keys.post(
    "/{key_id}/rotate",
    response={201: KeyCreated, REFUSED: Refusal},
    exclude_none=True,
    summary="Replace an API key, with a grace period for the old one",
)
def rotate(request: HttpRequest, key_id: str, body: KeyRotate | None = None) -> Status[dict[str, Any]]:
    principal = caller(request)
    key, token = key_rotate(
        principal,
        key_get(principal, key_id, action=WRITE),
        grace_days=body.expire_in_days if body else None,
        days=body.days_to_expire if body else None,
        now=timezone.now(),
    )
    return Status(201, _rendered(key) | {"key": token.reveal()})


def _aware(at: datetime | None) -> datetime | None:
    return timezone.make_aware(at) if at is not None and at.tzinfo is None else at


def _rendered(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "masked_key": key.masked,
        "created_at": key.created_at,
        "created_by": {"id": key.created_by.removeprefix("key:") or "system", "email": ""},
        "deleted_at": key.deleted_at,
        "expires_at": key.expires_at,
        "project_id": key.project_id,
        "project_name": key.project.name if key.project else None,
        "policy": key.policy,
    }
