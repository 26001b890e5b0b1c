"""Creating, changing and deleting connections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from flows.addresses import domain_check, domains_normalise, login_url_check
from flows.errors import ConnectionExists, ConnectionInvalid
from flows.models import DEFAULT_CHECK_INTERVAL, Connection, Flow
from flows.services.flows import flow_cancel
from flows.services.schedule import check_schedule
from flows.transitions import LIVE
from vault.audit import audit_append
from vault.credentials import credential_get
from vault.errors import NotFound
from vault.principal import Principal
from vault.profiles import profile_get_or_create
from vault.providers import provider_named


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """What a caller asks for; absent members have the contract's defaults."""

    domain: str
    profile_name: str
    login_url: str = ""
    allowed_domains: Sequence[str] = ()
    credential: Mapping[str, Any] | None = None
    save_credentials: bool = True
    health_checks: bool = True
    health_check_interval: int = DEFAULT_CHECK_INTERVAL
    auto_reauth: bool = True
    record_session: bool = False
    browser: Mapping[str, Any] = field(default_factory=dict)
    telemetry: Mapping[str, Any] | None = None


def connection_create(
    principal: Principal, new: NewConnection, *, ssrf_allow: Sequence[str], now: datetime
) -> Connection:
    """Raises `ConnectionInvalid` for a bad domain or address, `ConnectionExists` for a second one of the same profile
    and domain, and the vault's NotFound for an unknown credential. Creates the profile where it does not exist."""
    domain = domain_check(new.domain, ssrf_allow=ssrf_allow)
    login_url = login_url_check(new.login_url, ssrf_allow=ssrf_allow) if new.login_url else ""
    allowed = domains_normalise(new.allowed_domains)
    credential, source = _credential(principal, new.credential)
    with transaction.atomic():
        profile = profile_get_or_create(principal, new.profile_name)
        try:
            with transaction.atomic():
                connection = Connection.objects.create(
                    organization_id=profile.organization_id,
                    project_id=profile.project_id,
                    profile=profile,
                    domain=domain,
                    login_url=login_url,
                    allowed_domains=allowed,
                    credential=credential,
                    credential_source=source,
                    save_credentials=new.save_credentials,
                    health_checks=new.health_checks,
                    health_check_interval=new.health_check_interval,
                    auto_reauth=new.auto_reauth,
                    record_session=new.record_session,
                    browser=dict(new.browser),
                    telemetry=dict(new.telemetry) if new.telemetry is not None else None,
                    created_at=now,
                )
        except IntegrityError:
            raise ConnectionExists(
                f"A connection for {domain} with the profile {new.profile_name} already exists"
            ) from None
        _audit(principal, "connection.create", connection)
    return connection


def _credential(principal: Principal, reference: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any] | None]:
    if not reference:
        return None, None
    if reference.get("name"):
        if reference.get("provider"):
            raise ConnectionInvalid("credential: give either name or provider")
        return credential_get(principal, str(reference["name"])), None
    return None, _source(principal, reference)


def _source(principal: Principal, reference: Mapping[str, Any]) -> dict[str, Any]:
    """A reference to outside as it is stored. Its item is looked for at login time, not now."""
    provider, path, auto = reference.get("provider"), reference.get("path"), reference.get("auto")
    if not (provider or auto):
        raise ConnectionInvalid("credential: give a name, or a provider with path or auto")
    if bool(path) == bool(auto):
        raise ConnectionInvalid("credential: give either path or auto: true")
    if path and not provider:
        raise ConnectionInvalid("credential: a path needs a provider")
    if provider:
        try:
            provider = provider_named(organization_id=principal.organization_id, name=str(provider)).name
        except NotFound:
            raise ConnectionInvalid(f"credential: no provider is named {provider!s:.80}") from None
    return ({"provider": provider} if provider else {}) | ({"path": str(path)} if path else {"auto": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanges:
    """What a caller wants changed. `None` leaves a member as it is; an empty `login_url` or reference removes it.

    `browser` is merged member by member; `telemetry` is replaced where `telemetry_given` says so."""

    login_url: str | None = None
    allowed_domains: Sequence[str] | None = None
    credential: Mapping[str, Any] | None = None
    save_credentials: bool | None = None
    health_checks: bool | None = None
    health_check_interval: int | None = None
    auto_reauth: bool | None = None
    record_session: bool | None = None
    browser: Mapping[str, Any] | None = None
    telemetry: Mapping[str, Any] | None = None
    telemetry_given: bool = False


_SCHEDULING = frozenset({"health_checks", "health_check_interval"})
_TRYING_ANEW = frozenset({"credential", "credential_source", "login_url", "allowed_domains", "auto_reauth"})
_OTHER_WAY = _TRYING_ANEW - {"auto_reauth"}  # a new plan is to be made
_PLAIN = ("save_credentials", "health_checks", "health_check_interval", "auto_reauth", "record_session")


def connection_update(
    principal: Principal,
    connection: Connection,
    changes: ConnectionChanges,
    *,
    ssrf_allow: Sequence[str],
    now: datetime,
) -> Connection:
    """The connection as it is from now on, all changes or none. Raises as `connection_create` does."""
    changed: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(changes, name)) is not None}
    if changes.login_url is not None:
        changed["login_url"] = login_url_check(changes.login_url, ssrf_allow=ssrf_allow) if changes.login_url else ""
    if changes.allowed_domains is not None:
        changed["allowed_domains"] = domains_normalise(changes.allowed_domains)
    if changes.credential is not None:
        changed["credential"], changed["credential_source"] = _credential(principal, changes.credential)
    if changes.telemetry_given:
        changed["telemetry"] = dict(changes.telemetry) if changes.telemetry is not None else None
    with transaction.atomic():
        locked = Connection.objects.for_principal(principal).select_for_update().get(pk=connection.pk)
        if changes.browser is not None:
            changed["browser"] = {**locked.browser, **changes.browser}
        for name, value in changed.items():
            setattr(locked, name, value)
        if changed:
            if not changed.keys().isdisjoint(_SCHEDULING):
                locked.check_due_at = check_schedule(locked, now=now)
                changed["check_due_at"] = locked.check_due_at
            if not changed.keys().isdisjoint(_TRYING_ANEW):
                locked.reauth_failures, locked.reauth_after = 0, None
            if not changed.keys().isdisjoint(_OTHER_WAY):
                locked.plan = None
            locked.save(update_fields=[*changed, "reauth_failures", "reauth_after", "plan", "updated_at"])
            _audit(principal, "connection.update", locked, names=sorted(changed.keys() - {"check_due_at"}))
    return locked


def connection_delete(principal: Principal, connection: Connection, *, now: datetime) -> list[str]:
    """Remove the connection with its flows and everything sealed in them; the profile and the credential stay.
    Gives the ids of the flows that were stopped, for waking their workers."""
    with transaction.atomic():
        live = list(Flow.objects.filter(connection=connection, state__in=LIVE).values_list("pk", flat=True))
        for flow_id in live:
            flow_cancel(flow_id, now=now)
        _audit(principal, "connection.delete", connection)
        connection.delete()
    return live


def _audit(principal: Principal, action: str, connection: Connection, *, names: Sequence[str] = ()) -> None:
    audit_append(
        organization_id=connection.organization_id,
        project_id=connection.project_id,
        actor=principal.actor,
        action=action,
        resource_type="connection",
        resource_id=connection.id,
        details={"domain": connection.domain, **({"names": list(names)} if names else {})},
    )
