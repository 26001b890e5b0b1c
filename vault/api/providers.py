"""`/org/credential_providers` (1Password, as the `kernel` package knows it) and `/org/credential_sources` (every other
kind, same shape). Tokens go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field, SecretStr

from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.errors import NotFound
from vault.models import CredentialProvider
from vault.principal import Principal
from vault.provider_items import folders_list, items_list
from vault.providers import (
    NewProvider,
    provider_create,
    provider_delete,
    provider_get,
    provider_list,
    provider_update,
)
from vault.secret import Secret
from vault.sources import KINDS
from vault.sources.base import ItemRef, SourceError
from vault.use import Use

ONEPASSWORD = frozenset({"onepassword", "onepassword_connect"})
OTHERS = frozenset(KINDS) - ONEPASSWORD
KIND = "credential_providers"
READ, WRITE = "credentials:read", "credentials:write"
PRIORITY = Field(None, description="Lower numbers are asked first")
TTL = Field(300, description="How long to cache lists of items, in seconds; values are never cached")


class ProviderCreate(Schema):
    token: SecretStr
    name: str
    provider_type: Literal["onepassword"]
    cache_ttl_seconds: int = TTL
    server_url: str | None = Field(None, description="A 1Password Connect server; without, 1Password's cloud is asked")


class SourceCreate(Schema):
    token: SecretStr
    name: str
    provider_type: Literal["vault_kv"]
    cache_ttl_seconds: int = TTL
    server_url: str | None = None
    options: Annotated[dict[str, str], Field(description="`mount` and `namespace` for vault_kv")] = {}


class ProviderUpdate(Schema):
    token: SecretStr | None = None
    cache_ttl_seconds: int | None = None
    enabled: bool | None = None
    name: str | None = None
    priority: int | None = PRIORITY


class ProviderOut(Schema):
    id: str
    created_at: datetime
    enabled: bool
    name: str
    priority: int
    provider_type: str
    updated_at: datetime
    cache_ttl_seconds: int
    server_url: str | None = None
    options: dict[str, str] | None = None


class ProviderItemOut(Schema):
    id: str
    path: str
    title: str
    vault_id: str
    vault_name: str
    urls: list[str] | None = None


class ProviderItemsOut(Schema):
    items: list[ProviderItemOut]


class VaultOut(Schema):
    id: str
    name: str


class ProviderTestOut(Schema):
    success: bool
    vaults: list[VaultOut]
    error: str | None = None


def _router(*, kinds: frozenset[str], what: str, create_schema: type[ProviderCreate | SourceCreate]) -> Router:
    """The same operations for a family of kinds. What is of another family is not there."""
    router = Router(tags=[f"credential {what}s"])

    @router.post(
        "", response={201: ProviderOut, REFUSED: Refusal}, exclude_none=True, summary=f"Create a credential {what}"
    )
    def create(request: HttpRequest, body: create_schema) -> Status[dict[str, Any]]:  # type: ignore[valid-type]  # chosen above
        principal = _caller(request, WRITE)
        return Status(201, _rendered(provider_create(principal, _new(body))))

    @router.get(
        "", response={200: list[ProviderOut], REFUSED: Refusal}, exclude_none=True, summary=f"List credential {what}s"
    )
    def list_providers(
        request: HttpRequest,
        response: HttpResponse,
        query: str | None = None,
        limit: int = LIMIT_DEFAULT,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        rows = provider_list(_caller(request, READ), kinds=kinds, query=query)
        return page(request, response, rows, limit, offset, _rendered)

    @router.get(
        "/{provider_id}",
        response={200: ProviderOut, REFUSED: Refusal},
        exclude_none=True,
        summary=f"Retrieve a credential {what}",
    )
    def retrieve(request: HttpRequest, provider_id: str) -> dict[str, Any]:
        return _rendered(_find(request, provider_id, READ, kinds=kinds)[1])

    @router.patch(
        "/{provider_id}",
        response={200: ProviderOut, REFUSED: Refusal},
        exclude_none=True,
        summary=f"Update a credential {what}",
    )
    def update(request: HttpRequest, provider_id: str, body: ProviderUpdate) -> dict[str, Any]:
        principal, provider = _find(request, provider_id, WRITE, kinds=kinds)
        changed = provider_update(
            principal,
            provider.id,
            name=body.name,
            token=Secret(body.token.get_secret_value()) if body.token is not None else None,
            cache_ttl_seconds=body.cache_ttl_seconds,
            enabled=body.enabled,
            priority=body.priority,
        )
        return _rendered(changed)

    @router.delete("/{provider_id}", response={204: None, REFUSED: Refusal}, summary=f"Delete a credential {what}")
    def delete(request: HttpRequest, provider_id: str) -> Status[None]:
        principal, provider = _find(request, provider_id, WRITE, kinds=kinds)
        provider_delete(principal, provider.id)
        return Status(204, None)

    @router.get(
        "/{provider_id}/items",
        response={200: ProviderItemsOut, REFUSED: Refusal},
        exclude_none=True,
        summary=f"List the items of a credential {what}",
    )
    def list_items(request: HttpRequest, provider_id: str) -> dict[str, Any]:
        principal, provider = _find(request, provider_id, READ, kinds=kinds)
        return {"items": [_item(item) for item in items_list(provider, use=_use(principal))]}

    @router.post(
        "/{provider_id}/test",
        response={200: ProviderTestOut, REFUSED: Refusal},
        exclude_none=True,
        summary=f"Test a credential {what}",
    )
    def test(request: HttpRequest, provider_id: str) -> dict[str, Any]:
        principal, provider = _find(request, provider_id, WRITE, kinds=kinds)
        try:
            folders = folders_list(provider, use=_use(principal))
        except SourceError as error:
            return {"success": False, "vaults": [], "error": error.message}
        return {"success": True, "vaults": [{"id": folder.id, "name": folder.name} for folder in folders]}

    return router


def _caller(request: HttpRequest, action: str, provider_id: str = "*") -> Principal:
    principal = caller(request)
    principal.require(action, kind=KIND, record_id=provider_id)
    return principal


def _find(
    request: HttpRequest, provider_id: str, action: str, *, kinds: frozenset[str]
) -> tuple[Principal, CredentialProvider]:
    provider = provider_get(caller(request), provider_id)
    if provider.kind not in kinds:
        raise NotFound("No such credential provider")
    return _caller(request, action, provider.id), provider


def _use(principal: Principal) -> Use:
    return Use(principal.organization_id, principal.project_id, actor=principal.actor)


def _new(body: ProviderCreate | SourceCreate) -> NewProvider:
    connect = isinstance(body, ProviderCreate) and body.server_url
    return NewProvider(
        name=body.name,
        kind="onepassword_connect" if connect else body.provider_type,
        token=Secret(body.token.get_secret_value()),
        server_url=body.server_url or "",
        options=body.options if isinstance(body, SourceCreate) else {},
        cache_ttl_seconds=body.cache_ttl_seconds,
    )


def _rendered(provider: CredentialProvider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "created_at": provider.created_at,
        "enabled": provider.enabled,
        "name": provider.name,
        "priority": provider.priority,
        "provider_type": "onepassword" if provider.kind in ONEPASSWORD else provider.kind,
        "updated_at": provider.updated_at,
        "cache_ttl_seconds": provider.cache_ttl_seconds,
        "server_url": provider.server_url or None,
        "options": provider.options or None,
    }


def _item(item: ItemRef) -> dict[str, Any]:
    return {
        "id": item.id,
        "path": item.path,
        "title": item.title,
        "vault_id": item.folder.id,
        "vault_name": item.folder.name,
        "urls": list(item.urls) or None,
    }


providers = _router(kinds=ONEPASSWORD, what="provider", create_schema=ProviderCreate)
sources = _router(kinds=OTHERS, what="source", create_schema=SourceCreate)
