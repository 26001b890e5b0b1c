"""Credential providers: configured once for an organization, asked at login time."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from vault.audit import audit_append
from vault.errors import Conflict, Forbidden, Invalid, NotFound
from vault.models import CredentialProvider
from vault.principal import Principal
from vault.sealing import open_sealed, seal
from vault.secret import Secret
from vault.sources import kind_get
from vault.sources.base import SourceConfig
from vault.sources.outbound import server_url_check
from vault.text import lookup_clean, name_clean, searchable

TABLE = "vault_credentialprovider"
FIELD = "sealed_token"
TOKEN_LENGTH = 16_384
TTL_MOST = 86_400
PRIORITY_MOST = 1_000_000
OPTION_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    """What a caller asks for."""

    name: str
    kind: str
    token: Secret
    server_url: str = ""
    options: Mapping[str, str] | None = None
    cache_ttl_seconds: int = 300


def provider_create(principal: Principal, new: NewProvider) -> CredentialProvider:
    """Raises `Forbidden` for a key of one project, `Invalid`, and `Conflict` for a name that is taken."""
    _require_organization(principal)
    kind = kind_get(new.kind)
    options = dict(new.options or {})
    if not options.keys() <= kind.options:
        raise Invalid(f"options: {new.kind} knows only {', '.join(sorted(kind.options)) or 'none'}")
    if bool(new.server_url) != kind.needs_server:
        raise Invalid(f"server_url is {'required' if kind.needs_server else 'not used'} for {new.kind}")
    provider = CredentialProvider(
        organization_id=principal.organization_id,
        name=name_clean(new.name, what="name"),
        kind=new.kind,
        server_url=server_url_check(new.server_url) if new.server_url else "",
        options={name: name_clean(value, what=name, length=OPTION_LENGTH) for name, value in options.items()},
        cache_ttl_seconds=_ttl_check(new.cache_ttl_seconds),
    )
    provider.sealed_token = _token_seal(provider, new.token)
    with transaction.atomic():
        _save(provider, force_insert=True)
        _record(provider, principal=principal, action="credential_provider.create")
    return provider


def provider_update(
    principal: Principal,
    provider_id: str,
    *,
    name: str | None = None,
    token: Secret | None = None,
    cache_ttl_seconds: int | None = None,
    enabled: bool | None = None,
    priority: int | None = None,
) -> CredentialProvider:
    """Change what is given. Raises as `provider_create` does, and `NotFound`."""
    _require_organization(principal)
    with transaction.atomic():
        provider = provider_get(principal, provider_id)
        if name is not None:
            provider.name = name_clean(name, what="name")
        if token is not None:
            provider.sealed_token = _token_seal(provider, token)
        if cache_ttl_seconds is not None:
            provider.cache_ttl_seconds = _ttl_check(cache_ttl_seconds)
        if priority is not None:
            provider.priority = _within(priority, what="priority", least=-PRIORITY_MOST, most=PRIORITY_MOST)
        provider.enabled = provider.enabled if enabled is None else enabled
        _save(provider)
        _record(provider, principal=principal, action="credential_provider.update")
    return provider


def provider_delete(principal: Principal, provider_id: str) -> None:
    """Destroy the provider and its token. Connections that name it ask the person from then on. Raises `NotFound`."""
    _require_organization(principal)
    with transaction.atomic():
        provider = provider_get(principal, provider_id)
        _record(provider, principal=principal, action="credential_provider.delete")
        provider.delete()


def provider_get(principal: Principal, provider_id: str) -> CredentialProvider:
    """One of the organization's, by id. Raises `NotFound`."""
    wanted = lookup_clean(provider_id)
    found = CredentialProvider.objects.filter(organization_id=principal.organization_id, id=wanted).first()
    if found is None:
        raise NotFound("No such credential provider")
    return found


def provider_named(*, organization_id: str, name: str) -> CredentialProvider:
    """One of the organization's, by name. Raises `NotFound`."""
    rows = CredentialProvider.objects.filter(organization_id=organization_id, name=lookup_clean(name).strip())
    found = rows.first()
    if found is None:
        raise NotFound("No such credential provider")
    return found


def provider_list(
    principal: Principal, *, kinds: frozenset[str], query: str | None = None
) -> QuerySet[CredentialProvider]:
    """Those of these kinds, first asked first. `query` is part of a name or a whole id."""
    rows = CredentialProvider.objects.filter(organization_id=principal.organization_id, kind__in=kinds)
    if not searchable(query or ""):
        return rows.none()
    if query:
        rows = rows.filter(Q(id=query) | Q(name__icontains=query))
    return rows.order_by("priority", "created_at", "id")


def provider_config(provider: CredentialProvider) -> SourceConfig:
    """With the token opened: make it where it is used, after the use is on record. Raises `TamperedError`."""
    plain = open_sealed(sealed=bytes(provider.sealed_token), **_place(provider))
    return SourceConfig(token=Secret(plain.decode()), server_url=provider.server_url, options=provider.options)


def _place(provider: CredentialProvider) -> dict[str, str]:
    """Bound to the server too: whoever changes the address in the database does not get the token sent there."""
    return {
        "organization_id": provider.organization_id,
        "table": TABLE,
        "record_id": f"{provider.id}/{provider.kind}/{provider.server_url}",
        "field": FIELD,
    }


def _token_seal(provider: CredentialProvider, token: Secret) -> bytes:
    text = token.reveal().strip()
    if not 1 <= len(text) <= TOKEN_LENGTH or not text.isascii() or not text.isprintable():
        raise Invalid(f"token must have 1 to {TOKEN_LENGTH} printable ASCII characters")
    return seal(plaintext=text.encode(), **_place(provider))


def _ttl_check(seconds: int) -> int:
    return _within(seconds, what="cache_ttl_seconds", least=0, most=TTL_MOST)


def _within(number: int, *, what: str, least: int, most: int) -> int:
    if not least <= number <= most:
        raise Invalid(f"{what} must be {least} to {most}")
    return number


def _require_organization(principal: Principal) -> None:
    if principal.key_project_id is not None:
        raise Forbidden("Credential providers belong to the organization: a key of one project cannot change them")


def _save(provider: CredentialProvider, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            provider.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(f"A credential provider named {provider.name!r} exists already") from None


def _record(provider: CredentialProvider, *, principal: Principal, action: str) -> None:
    audit_append(
        organization_id=provider.organization_id,
        project_id="",
        actor=principal.actor,
        action=action,
        resource_type="credential_provider",
        resource_id=provider.id,
        details={"name": provider.name, "kind": provider.kind},
    )
