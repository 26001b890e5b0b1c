"""The customers' own proxies: kept, chosen by connections and logins, opened for use."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from flows.engine.contract import Secret as EngineSecret
from flows.engine.guard import Guard, Refused
from flows.engine.origins import InvalidDomain, host_normalise
from flows.errors import ProxyInUse, ProxyInvalid, ProxyNotFound
from flows.models import BrowserSession, Connection, Flow, Proxy
from flows.transitions import LIVE
from vault.audit import audit_append, audit_committed
from vault.principal import Principal
from vault.sealing import open_sealed, seal
from vault.secret import Secret
from vault.text import lookup_clean, name_clean, searchable
from vault.use import Use

TABLE = "flows_proxy"
PASSWORD, CA_BUNDLE = "sealed_password", "sealed_ca_bundle"
SECRET_LENGTH = 4096
BUNDLE_LENGTH = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProxy:
    """What a caller asks for."""

    host: str
    port: int
    name: str = ""
    protocol: str = Proxy.Protocol.HTTPS.value
    username: str = ""
    password: Secret | None = field(default=None, repr=False)
    ca_bundle: Secret | None = field(default=None, repr=False)
    bypass_hosts: Sequence[str] = ()


def proxy_create(principal: Principal, new: NewProxy, *, ssrf_allow: Sequence[str], now: datetime) -> Proxy:
    """Raises `ProxyInvalid` for a host, port, bypass entry or certificate that cannot be used."""
    proxy = Proxy(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        name=name_clean(new.name, what="name") if new.name else "",
        protocol=new.protocol,
        host=_host(new.host, new.port, ssrf_allow=ssrf_allow),
        port=new.port,
        username=_username(new),
        bypass_hosts=[_bypass(entry) for entry in new.bypass_hosts],
        created_at=now,
    )
    if new.password is not None:
        proxy.sealed_password = _seal(proxy, PASSWORD, _limited(new.password, SECRET_LENGTH, what="password"))
    if new.ca_bundle is not None:
        proxy.sealed_ca_bundle = _seal(proxy, CA_BUNDLE, _certificates(new.ca_bundle))
    with transaction.atomic():
        proxy.save(force_insert=True)
        _record(principal, "proxy.create", proxy)
    return proxy


def proxy_get(principal: Principal, id_or_name: str) -> Proxy:
    """By id, else by a name that only one proxy has. Raises `ProxyNotFound`, or `ProxyInvalid` (ambiguous)."""
    wanted = lookup_clean(id_or_name)
    rows = Proxy.objects.for_principal(principal)
    found = rows.filter(pk=wanted).first()
    if found is not None:
        return found
    named = list(rows.filter(name=wanted)[:2]) if wanted else []
    if len(named) > 1:
        raise ProxyInvalid("Several proxies have this name: use the id", code="ambiguous_proxy_name")
    if not named:
        raise ProxyNotFound("No such proxy")
    return named[0]


def proxy_list(principal: Principal, *, name: str | None, query: str | None) -> QuerySet[Proxy]:
    rows = Proxy.objects.for_principal(principal)
    if not searchable(name or "") or not searchable(query or ""):
        return rows.none()
    if name:
        rows = rows.filter(name__iexact=name)
    if query:
        rows = rows.filter(Q(pk=query) | Q(name__icontains=query) | Q(host__icontains=query))
    return rows.order_by("-created_at", "pk")


def proxy_rename(principal: Principal, proxy: Proxy, *, name: str) -> Proxy:
    """Two proxies may have the same name."""
    proxy.name = name_clean(name, what="name")
    with transaction.atomic():
        proxy.save(update_fields=["name"])
        _record(principal, "proxy.update", proxy)
    return proxy


def proxy_delete(principal: Principal, proxy: Proxy) -> None:
    """Raises `ProxyInUse` while a connection or a running login goes through it."""
    with transaction.atomic():
        tenant = {"organization_id": proxy.organization_id, "project_id": proxy.project_id}
        used = Connection.objects.in_project(**tenant).filter(browser__proxy__id=proxy.id).exists()
        running = Flow.objects.in_project(**tenant).filter(state__in=LIVE, overrides__browser__proxy__id=proxy.id)
        browsers = BrowserSession.objects.in_project(**tenant).filter(ended_at=None, options__proxy__id=proxy.id)
        if used or running.exists() or browsers.exists():
            raise ProxyInUse("Connections, a running login or a browser use this proxy: choose another for them first")
        _record(principal, "proxy.delete", proxy)
        proxy.delete()


def proxy_checked(proxy: Proxy, *, available: bool, now: datetime) -> Proxy:
    proxy.status = Proxy.Status.AVAILABLE if available else Proxy.Status.UNAVAILABLE
    proxy.last_checked_at = now
    proxy.save(update_fields=["status", "last_checked_at"])
    return proxy


def proxy_choice(principal: Principal, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A `browser.proxy` as it is stored: a mode, or an id (beside it the name it was chosen by).

    Raises `ProxyInvalid` unless exactly one of mode, id and name is given, or when there is no such proxy."""
    given = {name: value for name, value in chosen.items() if value is not None}
    if len(given) != 1:
        raise ProxyInvalid("proxy: give exactly one of mode, id and name")
    if "mode" in given:
        return given
    try:
        proxy = proxy_get(principal, str(next(iter(given.values()))))
    except ProxyNotFound:
        raise ProxyInvalid("proxy: there is no such proxy in this project") from None
    if "id" in given and proxy.id != given["id"]:
        raise ProxyInvalid("proxy: there is no such proxy in this project")
    return {"id": proxy.id} | ({"name": proxy.name} if "name" in given else {})


@dataclass(frozen=True, slots=True)
class OpenProxy:
    """A proxy ready to be used."""

    server: str
    username: str | None
    password: EngineSecret | None = field(repr=False)
    bypass: tuple[str, ...]
    authorities: str = field(repr=False)


def proxy_open(proxy_id: str, *, use: Use) -> OpenProxy:
    """The proxy with its password and authorities, whose use is on record first. Raises `ProxyNotFound`."""
    rows = Proxy.objects.in_project(organization_id=use.organization_id, project_id=use.project_id)
    proxy = rows.filter(pk=proxy_id).first()
    if proxy is None:
        raise ProxyNotFound("The proxy of this connection was deleted")
    columns = {PASSWORD: proxy.sealed_password, CA_BUNDLE: proxy.sealed_ca_bundle}
    sealed = {column: bytes(value) for column, value in columns.items() if value is not None}
    if sealed:
        names = tuple(column.removeprefix("sealed_") for column in sealed)
        with audit_committed():
            use.record(action="proxy.use", resource_type="proxy", resource_id=proxy.id, names=names)
    opened = {column: _open(proxy, column, value) for column, value in sealed.items()}
    bundle = opened.get(CA_BUNDLE)
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return OpenProxy(
        server=f"{proxy.protocol}://{host}:{proxy.port}",
        username=proxy.username or None,
        password=opened.get(PASSWORD),
        bypass=tuple(proxy.bypass_hosts),
        authorities=bundle.reveal() if bundle is not None else "",
    )


def _host(text: str, port: int, *, ssrf_allow: Sequence[str]) -> str:
    try:
        host = host_normalise(text.strip())
        Guard(ssrf_allow).check_host(host, port)
    except InvalidDomain as error:
        raise ProxyInvalid(f"config.host: {error}") from error
    except Refused as error:
        raise ProxyInvalid(f"config.host: {error}", code="address_refused") from error
    return host


def _bypass(entry: str) -> str:
    text = entry.strip()
    try:
        return "*." + host_normalise(text[2:]) if text.startswith("*.") else host_normalise(text)
    except InvalidDomain as error:
        raise ProxyInvalid(f"bypass_hosts: {error}") from error


def _username(new: NewProxy) -> str:
    if new.password is not None and not new.username:
        raise ProxyInvalid("config.password needs config.username")
    if ":" in new.username:
        raise ProxyInvalid("config.username cannot contain a colon")
    return name_clean(new.username, what="config.username") if new.username else ""


def _limited(value: Secret, length: int, *, what: str) -> str:
    text = value.reveal()
    if not 1 <= len(text) <= length or any(character in text for character in "\r\n\0"):
        raise ProxyInvalid(f"config.{what} must be one line of 1 to {length} characters")
    return text


def _certificates(bundle: Secret) -> str:
    text = bundle.reveal()
    if len(text) > BUNDLE_LENGTH:
        raise ProxyInvalid(f"config.ca_bundle is longer than {BUNDLE_LENGTH} characters")
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        raise ProxyInvalid("config.ca_bundle is not a bundle of PEM certificates") from None
    return text


def _seal(proxy: Proxy, column: str, text: str) -> bytes:
    return seal(
        organization_id=proxy.organization_id,
        table=TABLE,
        record_id=proxy.id,
        field=column,
        plaintext=text.encode(),
    )


def _open(proxy: Proxy, column: str, sealed: bytes) -> Secret:
    plain = open_sealed(
        organization_id=proxy.organization_id, table=TABLE, record_id=proxy.id, field=column, sealed=sealed
    )
    return Secret(plain.decode())


def _record(principal: Principal, action: str, proxy: Proxy) -> None:
    audit_append(
        organization_id=proxy.organization_id,
        project_id=proxy.project_id,
        actor=principal.actor,
        action=action,
        resource_type="proxy",
        resource_id=proxy.id,
        details={"host": proxy.host, "port": proxy.port},
    )
