"""`/proxies`: each operation parses, calls one service and renders; secrets come in and never go out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Body, Router, Schema, Status
from pydantic import Field, SecretStr, StringConstraints

from flows.addresses import page_url_check
from flows.errors import ProxyInvalid
from flows.models import Proxy
from flows.runner.reach import reaches
from flows.services.proxies import (
    NewProxy,
    proxy_checked,
    proxy_create,
    proxy_delete,
    proxy_get,
    proxy_list,
    proxy_open,
    proxy_rename,
)
from vault.aio import run_db
from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.principal import Principal
from vault.secret import Secret
from vault.use import Use

router = Router(tags=["proxies"])
KIND = "proxies"
READ, WRITE = "proxies:read", "proxies:write"


class ProxyConfig(Schema):
    """Of a `custom` proxy. Members of the managed types are accepted, since those types are refused by name."""

    host: Annotated[str, StringConstraints(max_length=260)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    username: Annotated[str, StringConstraints(max_length=255)] | None = None
    password: SecretStr | None = Field(None, description="Write-only")
    ca_bundle: SecretStr | None = Field(None, description="PEM certificates; write-only")


class ProxyCreate(Schema):
    type: Literal["isp", "residential", "mobile", "custom", "datacenter"] = Field(
        description="This installation has `custom` only; the others are refused"
    )
    name: Annotated[str, StringConstraints(max_length=255)] | None = None
    protocol: Literal["http", "https"] | None = Field(None, description="`https` where it is absent")
    bypass_hosts: Annotated[list[Annotated[str, StringConstraints(max_length=260)]], Field(max_length=100)] = []
    config: ProxyConfig | None = None


class ProxyUpdate(Schema):
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class ProxyCheck(Schema):
    url: Annotated[str, StringConstraints(max_length=2048)] | None = None


class ProxyConfigOut(Schema):
    host: str
    port: int
    has_password: bool
    has_ca_bundle: bool
    username: str | None = None


class ProxyOut(Schema):
    id: str
    type: Literal["custom"]
    protocol: Literal["http", "https"]
    config: ProxyConfigOut
    bypass_hosts: list[str]
    name: str | None = None
    status: Literal["available", "unavailable"] | None = None
    last_checked: datetime | None = None


@router.post("", response={201: ProxyOut, REFUSED: Refusal}, exclude_none=True, summary="Create a proxy")
def create(request: HttpRequest, body: ProxyCreate) -> Status[dict[str, Any]]:
    principal = caller(request)
    principal.require(WRITE, kind=KIND)
    if body.type != "custom":
        raise ProxyInvalid(
            f"This installation has no {body.type} proxies: create one of type custom", code="proxy_type_unavailable"
        )
    config = body.config
    if config is None or not config.host or config.port is None:
        raise ProxyInvalid("A custom proxy needs config.host and config.port")
    new = NewProxy(
        name=body.name or "",
        protocol=body.protocol or "https",
        host=config.host,
        port=config.port,
        username=config.username or "",
        password=_secret(config.password),
        ca_bundle=_secret(config.ca_bundle),
        bypass_hosts=body.bypass_hosts,
    )
    return Status(201, _rendered(proxy_create(principal, new, ssrf_allow=settings.SSRF_ALLOW, now=timezone.now())))


@router.get("", response={200: list[ProxyOut], REFUSED: Refusal}, exclude_none=True, summary="List proxies")
def list_proxies(
    request: HttpRequest,
    response: HttpResponse,
    name: str | None = None,
    query: str | None = None,
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    principal = caller(request)
    principal.require(READ, kind=KIND)
    return page(request, response, proxy_list(principal, name=name, query=query), limit, offset, _rendered)


@router.post(
    "/{path:id_or_name}/check",
    response={200: ProxyOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Check that a proxy works",
)
async def check(
    request: HttpRequest, id_or_name: str, body: Annotated[ProxyCheck | None, Body()] = None
) -> dict[str, Any]:
    """Asks for `url`, or for this installation's own check page, through the proxy. Only the latter changes the
    stored status."""
    principal = caller(request)
    url = body.url if body and body.url else ""
    if url:
        page_url_check(url, ssrf_allow=settings.SSRF_ALLOW)
    proxy = await run_db(_find, principal, id_or_name, action=WRITE)
    use = Use(principal.organization_id, principal.project_id, actor=principal.actor)
    opened = await run_db(proxy_open, proxy.id, use=use)
    available = await reaches(opened, url or settings.PROXY_CHECK_URL, ssrf_allow=settings.SSRF_ALLOW)
    now = timezone.now()
    if not url:
        return _rendered(await run_db(proxy_checked, proxy, available=available, now=now))
    status = "available" if available else "unavailable"
    return _rendered(proxy) | {"status": status, "last_checked": now}


@router.get(
    "/{path:id_or_name}", response={200: ProxyOut, REFUSED: Refusal}, exclude_none=True, summary="Retrieve a proxy"
)
def retrieve(request: HttpRequest, id_or_name: str) -> dict[str, Any]:
    return _rendered(_find(caller(request), id_or_name, action=READ))


@router.patch(
    "/{path:id_or_name}", response={200: ProxyOut, REFUSED: Refusal}, exclude_none=True, summary="Rename a proxy"
)
def update(request: HttpRequest, id_or_name: str, body: ProxyUpdate) -> dict[str, Any]:
    principal = caller(request)
    return _rendered(proxy_rename(principal, _find(principal, id_or_name, action=WRITE), name=body.name))


@router.delete("/{path:id_or_name}", response={204: None, REFUSED: Refusal}, summary="Delete a proxy")
def delete(request: HttpRequest, id_or_name: str) -> Status[None]:
    principal = caller(request)
    proxy_delete(principal, _find(principal, id_or_name, action=WRITE))
    return Status(204, None)


def _find(principal: Principal, id_or_name: str, *, action: str) -> Proxy:
    proxy = proxy_get(principal, id_or_name)
    principal.require(action, kind=KIND, record_id=proxy.id)
    return proxy


def _secret(value: SecretStr | None) -> Secret | None:
    return Secret(value.get_secret_value()) if value is not None and value.get_secret_value() else None


def _rendered(proxy: Proxy) -> dict[str, Any]:
    return {
        "id": proxy.id,
        "type": "custom",
        "protocol": proxy.protocol,
        "name": proxy.name or None,
        "bypass_hosts": proxy.bypass_hosts,
        "status": proxy.status or None,
        "last_checked": proxy.last_checked_at,
        "config": {
            "host": proxy.host,
            "port": proxy.port,
            "username": proxy.username or None,
            "has_password": proxy.sealed_password is not None,
            "has_ca_bundle": proxy.sealed_ca_bundle is not None,
        },
    }
