"""Credentials: written, named, used one value at a time, never read back."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from vault.audit import SYSTEM, audit_append, audit_committed
from vault.credential_seeds import params_override, params_stored, seed_clear, seed_open, seed_set
from vault.credential_values import value_open, values_check, values_remove, values_storable, values_write
from vault.domains import domain_normalise
from vault.errors import Conflict, Invalid, NotFound
from vault.models import NAME_LENGTH, Credential, CredentialValue
from vault.principal import Principal
from vault.secret import Secret
from vault.text import lookup_clean, name_clean, searchable
from vault.totp import TOTP_NAME, TotpCode, TotpParams, is_uri, seed_parse, totp_code, totp_seconds_left, totp_step
from vault.use import Use

__all__ = [
    "TotpCode",
    "TotpWait",
    "Use",
    "credential_create",
    "credential_delete",
    "credential_get",
    "credential_list",
    "credential_names",
    "credential_rejected",
    "credential_rejected_names",
    "credential_save",
    "credential_totp_preview",
    "credential_totp_reveal",
    "credential_totp_show",
    "credential_update",
    "credential_value_keys",
    "credential_value_reveal",
    "credentials_names",
]

PROVIDER_LENGTH = 64
TOTP_LEAST_SECONDS = 3


@dataclass(frozen=True, slots=True)
class TotpWait:
    """No code may be used now; one can be in `seconds`."""

    seconds: float


def credential_create(
    principal: Principal,
    *,
    name: str,
    domain: str,
    values: Mapping[str, str],
    totp_secret: str | None = None,
    totp_algorithm: str | None = None,
    totp_digits: int | None = None,
    totp_period: int | None = None,
    sso_provider: str | None = None,
) -> Credential:
    """Raises `Invalid` for anything unusable and `Conflict` for a name that is taken; then nothing is kept."""
    credential = Credential(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        name=name_clean(name, what="name"),
        domain=domain_normalise(domain),
        sso_provider=_provider_clean(sso_provider),
    )
    if totp_secret:
        explicit = params_override(TotpParams(), totp_algorithm, totp_digits, totp_period)
        seed_set(credential, seed_parse(totp_secret, explicit=explicit))
    values_check(values)
    with transaction.atomic():
        _save(credential, force_insert=True)
        values_write(credential, values)
        _record(credential, actor=principal.actor, action="credential.create", names=values)
    return credential


def credential_update(
    principal: Principal,
    id_or_name: str,
    *,
    name: str | None = None,
    values: Mapping[str, str] | None = None,
    remove_value_keys: Iterable[str] = (),
    sso_provider: str | None = None,
    totp_secret: str | None = None,
    totp_algorithm: str | None = None,
    totp_digits: int | None = None,
    totp_period: int | None = None,
) -> Credential:
    """Change what is given, leave what is `None`. Keys are removed first, then `values` merged in.

    An empty `sso_provider` or `totp_secret` removes it. A new raw seed keeps the parameters that are not given, a URI
    starts from the defaults. Raises as `credential_create` does.
    """
    if not totp_secret and any(item is not None for item in (totp_algorithm, totp_digits, totp_period)):
        raise Invalid("totp_algorithm, totp_digits and totp_period need totp_secret")
    values_check(values or {})
    with transaction.atomic():
        credential = _get(principal, id_or_name, lock=True)
        if name is not None:
            credential.name = name_clean(name, what="name")
        if sso_provider is not None:
            credential.sso_provider = _provider_clean(sso_provider)
        if totp_secret:
            current = TotpParams() if is_uri(totp_secret) else params_stored(credential)
            explicit = params_override(current, totp_algorithm, totp_digits, totp_period)
            seed_set(credential, seed_parse(totp_secret, explicit=explicit))
        elif totp_secret is not None:
            seed_clear(credential)
        _save(credential)
        values_remove(credential, frozenset(remove_value_keys))
        values_write(credential, values or {})
        _record(credential, actor=principal.actor, action="credential.update", names=values or {})
    return credential


def credential_save(
    *, organization_id: str, project_id: str, domain: str, name: str, values: Mapping[str, Secret]
) -> Credential:
    """Keep values that were accepted in a login: in the credential of that name, made when there is none.

    A field whose name or value cannot be stored (a page may name its fields anything) is left out: the login is not to
    fail for it.
    """
    plain = values_storable({key: value.reveal() for key, value in values.items()})
    with transaction.atomic():
        made, _ = Credential.objects.get_or_create(
            organization_id=organization_id,
            project_id=project_id,
            name=name_clean(name[:NAME_LENGTH], what="name"),
            defaults={"domain": domain},
        )
        credential = Credential.objects.select_for_update().get(id=made.id)  # writers of its values queue here
        values_write(credential, plain)
        credential.save(update_fields=["updated_at"])
        _record(credential, actor=SYSTEM, action="credential.save", names=plain)
    return credential


def credential_delete(principal: Principal, id_or_name: str) -> None:
    """Destroy the credential with its values and seed. Raises `NotFound`."""
    with transaction.atomic():
        credential = _get(principal, id_or_name, lock=True)
        _record(credential, actor=principal.actor, action="credential.delete")
        credential.delete()


def credential_get(principal: Principal, id_or_name: str) -> Credential:
    """One credential of the principal's project by id, else by name. Raises `NotFound`."""
    return _get(principal, id_or_name)


def credential_list(
    principal: Principal, *, domain: str | None = None, query: str | None = None
) -> QuerySet[Credential]:
    """Newest first, each with `has_values`. `query` is part of a name or domain, or a whole id."""
    values = CredentialValue.objects.filter(credential=OuterRef("pk"))
    found = Credential.objects.for_principal(principal).annotate(has_values=Exists(values))
    if not searchable(domain or "") or not searchable(query or ""):
        return found.none()
    if domain:
        found = found.filter(domain=domain.strip().lower())
    if query:
        found = found.filter(Q(id=query) | Q(name__icontains=query) | Q(domain__icontains=query))
    return found.order_by("-created_at", "id")


def credential_value_keys(credential: Credential) -> list[str]:
    """Names of the stored values, in the order they came."""
    rows = CredentialValue.objects.filter(credential=credential).order_by("created_at", "id")
    return list(rows.values_list("name", flat=True))


def credential_names(credential: Credential) -> frozenset[str]:
    """Everything a login can use: the stored values' names, and `totp_code` where there is a seed."""
    return credentials_names([credential])[credential.id]


def credentials_names(credentials: Collection[Credential]) -> dict[str, frozenset[str]]:
    """As `credential_names`, by id, in one query."""
    names = {item.id: {TOTP_NAME} if item.has_totp_secret else set() for item in credentials}
    if names:
        rows = CredentialValue.objects.filter(credential_id__in=list(names))
        for credential_id, name in rows.values_list("credential_id", "name"):
            names[credential_id].add(name)
    return {credential_id: frozenset(found) for credential_id, found in names.items()}


def credential_rejected(credential_id: str, names: Collection[str]) -> None:
    """A site refused these values. The mark stays until the value is another one."""
    CredentialValue.objects.filter(credential_id=credential_id, name__in=list(names)).update(rejected=True)


def credential_rejected_names(credential: Credential) -> frozenset[str]:
    """Names of values that a site refused as they are now."""
    rows = CredentialValue.objects.filter(credential=credential, rejected=True)
    return frozenset(rows.values_list("name", flat=True))


def credential_value_reveal(*, credential_id: str, name: str, use: Use) -> Secret:
    """Open one value, after its use is on record.

    Raises `NotFound` without such a value in the tenant of `use`, `AuditUnavailable` and `TamperedError`.
    """
    with audit_committed():
        found = CredentialValue.objects.in_project(organization_id=use.organization_id, project_id=use.project_id)
        row = found.filter(credential_id=credential_id, name=name).first()
        use.record(
            action="credential.use",
            resource_type="credential",
            resource_id=credential_id,
            names=(name,),
            outcome="ok" if row else "not_found",
        )
    if row is None:
        raise NotFound("The credential has no such value")
    return Secret(value_open(row).decode())


def credential_totp_reveal(*, credential_id: str, use: Use, now: datetime) -> TotpCode | TotpWait:
    """A one-time code that was not used before and lives long enough, after its use is on record.

    Raises `NotFound` without a seed, `AuditUnavailable` and `TamperedError`.
    """
    credential = _with_seed(credential_id, use=use)
    left = totp_seconds_left(now=now, period=credential.totp_period)
    if left < min(TOTP_LEAST_SECONDS, credential.totp_period / 2):
        return TotpWait(seconds=left)
    step = totp_step(now=now, period=credential.totp_period)
    with audit_committed():
        unused = Q(last_totp_step=None) | Q(last_totp_step__lt=step)
        claimed = Credential.objects.filter(unused, id=credential.id).update(last_totp_step=step)
        if claimed:
            _record_totp(credential, use=use)
    if not claimed:
        return TotpWait(seconds=left)
    return totp_code(seed_open(credential), step=step)


def credential_totp_show(principal: Principal, id_or_name: str, *, now: datetime) -> TotpCode:
    """The current code for the caller to type. A login will not use the same one.

    Raises `Invalid` without a seed, `NotFound`, `AuditUnavailable` and `TamperedError`.
    """
    credential = _get(principal, id_or_name)
    if not credential.has_totp_secret:
        raise Invalid("This credential has no totp_secret")
    step = totp_step(now=now, period=credential.totp_period)
    use = Use(principal.organization_id, principal.project_id, actor=principal.actor)
    with audit_committed():
        unused = Q(last_totp_step=None) | Q(last_totp_step__lt=step)
        Credential.objects.filter(unused, id=credential.id).update(last_totp_step=step)
        _record_totp(credential, use=use)
    return totp_code(seed_open(credential), step=step)


def credential_totp_preview(credential: Credential, *, now: datetime) -> TotpCode:
    """The current code, for the answer to whoever has just stored the seed, as proof that it is the right one."""
    step = totp_step(now=now, period=credential.totp_period)
    return totp_code(seed_open(credential), step=step)


def _get(principal: Principal, id_or_name: str, *, lock: bool = False) -> Credential:
    wanted = lookup_clean(id_or_name)
    rows = Credential.objects.for_principal(principal)
    if lock:
        rows = rows.select_for_update()
    found = rows.filter(id=wanted).first() or rows.filter(name=wanted).first()
    if found is None:
        raise NotFound("No such credential")
    return found


def _save(credential: Credential, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            credential.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(f"A credential named {credential.name!r} exists already") from None


def _provider_clean(text: str | None) -> str:
    return name_clean(text, what="sso_provider", length=PROVIDER_LENGTH).lower() if text else ""


def _with_seed(credential_id: str, *, use: Use) -> Credential:
    rows = Credential.objects.in_project(organization_id=use.organization_id, project_id=use.project_id)
    credential = rows.filter(id=credential_id, sealed_totp__isnull=False).first()
    if credential is None:
        raise NotFound("The credential has no totp_secret")
    return credential


def _record(credential: Credential, *, actor: str, action: str, names: Iterable[str] = ()) -> None:
    audit_append(
        organization_id=credential.organization_id,
        project_id=credential.project_id,
        actor=actor,
        action=action,
        resource_type="credential",
        resource_id=credential.id,
        details={"name": credential.name, "names": sorted(names)},
    )


def _record_totp(credential: Credential, *, use: Use) -> None:
    use.record(action="credential.use", resource_type="credential", resource_id=credential.id, names=(TOTP_NAME,))
