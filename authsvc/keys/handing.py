"""What a key may do to keys: see, make, rename, rotate and delete those that can do no more than itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from authsvc.keys.models import ApiKey
from authsvc.keys.services import key_create, key_record
from vault.errors import Forbidden, Invalid, NotFound
from vault.principal import Policy, Principal
from vault.secret import Secret
from vault.tenancy import project_find
from vault.text import lookup_clean, name_clean, searchable

KIND = "api_keys"
READ, WRITE = "keys:read", "keys:write"
DAYS_MOST = 3650
GRACE_DAYS = 7


def keys_list(principal: Principal, *, name: str | None, query: str | None, deleted: bool | None) -> QuerySet[ApiKey]:
    """Those this key reaches; with `deleted` only live (False), only deleted (True) or both (None)."""
    _require(principal, READ, key=None)
    rows = _reachable(principal).select_related("project")
    if not searchable(name or "") or not searchable(query or ""):
        return rows.none()
    if deleted is not None:
        rows = rows.filter(deleted_at__isnull=not deleted)
    if name:
        rows = rows.filter(name__iexact=name)
    if query:
        contains = Q(name__icontains=query) | Q(created_by__icontains=query) | Q(project__name__icontains=query)
        rows = rows.filter(contains | Q(pk__startswith=query) | Q(masked__startswith=query))
    return rows


def key_get(principal: Principal, key_id: str, *, action: str = READ, deleted: bool = False) -> ApiKey:
    """Raises `NotFound`, also for a deleted key unless `deleted`, and `Forbidden`."""
    rows = _reachable(principal).select_related("project").filter(pk=lookup_clean(key_id))
    key = (rows if deleted else rows.filter(deleted_at=None)).first()
    if key is None:
        raise NotFound("No such API key")
    _require(principal, action, key=key)
    return key


def key_issue(
    principal: Principal,
    *,
    name: str,
    project_id: str | None,
    policy: Mapping[str, Any] | None,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[ApiKey, Secret]:
    """A new key; without `project_id` one of the whole organization, which a key of one project cannot make.

    Raises `Invalid`, `NotFound` for an unknown project, and `Forbidden` for more than the issuer may itself."""
    if project_id is None:
        if principal.key_project_id is not None:
            raise Forbidden("A key of one project can only make keys of that project")
    else:
        project = project_find(organization_id=principal.organization_id, project_id=project_id)
        if principal.key_project_id not in (None, project.id):
            raise NotFound("No such project")
    principal.require(WRITE, kind=KIND, project_id=project_id or "*")
    with transaction.atomic():
        key, token = key_create(
            organization_id=principal.organization_id,
            name=name,
            project_id=project_id,
            policy=policy,
            expires_at=_expiry(principal, expires_at, now=now),
            actor=principal.actor,
        )
        _covered(principal, key)
    return key, token


def key_rename(principal: Principal, key: ApiKey, *, name: str) -> ApiKey:
    key.name = name_clean(name, what="key name")
    with transaction.atomic():
        key.save(update_fields=["name"])
        key_record(key, actor=principal.actor, action="api_key.update")
    return key


def key_rotate(
    principal: Principal,
    key: ApiKey,
    *,
    grace_days: int | None,
    days: int | None,
    now: datetime,
) -> tuple[ApiKey, Secret]:
    """A successor with the same name, project and policy. The old key works for `grace_days` more, at most as long
    as it would have; the new one lives `days`, else as long as the old one was meant to."""
    _covered(principal, key)
    grace = timedelta(days=GRACE_DAYS if grace_days is None else _days(grace_days, least=0, what="expire_in_days"))
    lifetime = key.expires_at - key.created_at if key.expires_at else None
    if days is not None:
        lifetime = timedelta(days=_days(days, least=1, what="days_to_expire"))
    with transaction.atomic():
        locked = ApiKey.objects.select_for_update().filter(pk=key.pk, deleted_at=None).first()
        if locked is None:
            raise NotFound("No such API key")
        successor, token = key_create(
            organization_id=key.organization_id,
            name=key.name,
            project_id=key.project_id,
            policy=key.policy,
            expires_at=_capped(principal, now + lifetime if lifetime is not None else None),
            actor=principal.actor,
        )
        locked.expires_at = min(filter(None, (locked.expires_at, now + grace)))
        locked.save(update_fields=["expires_at"])
        key_record(locked, actor=principal.actor, action="api_key.rotate")
    return successor, token


def expiry_of(*, days: int | None, at: datetime | None, now: datetime) -> datetime | None:
    """Raises `Invalid` for both, or for a time that cannot be."""
    if days is not None and at is not None:
        raise Invalid("Give days_to_expire or expires_at, not both")
    if at is not None and at <= now:
        raise Invalid("expires_at must be in the future")
    return at if days is None else now + timedelta(days=_days(days, least=1, what="days_to_expire"))


def _reachable(principal: Principal) -> QuerySet[ApiKey]:
    rows = ApiKey.objects.filter(organization_id=principal.organization_id)
    return rows.filter(project_id=principal.key_project_id) if principal.key_project_id else rows


def _require(principal: Principal, action: str, *, key: ApiKey | None) -> None:
    project_id = principal.key_project_id or "*" if key is None else key.project_id or "*"
    principal.require(action, kind=KIND, record_id=key.id if key else "*", project_id=project_id)


def _covered(principal: Principal, key: ApiKey) -> None:
    """Nobody hands out more than they hold: raises `Forbidden`."""
    if not policy_covers(principal.policy, Policy.parse(key.policy)):
        raise Forbidden("This API key's policy does not cover what the other key may do")


def policy_covers(issuer: Policy, wanted: Policy) -> bool:
    """Whether everything that `wanted` allows, `issuer` allows. A wildcard is only covered by a wildcard."""
    if issuer.statements is None:
        return True
    if wanted.statements is None:
        return False
    return all(
        any(
            fnmatchcase(item.action, own.action) and fnmatchcase(item.resource, own.resource)
            for own in issuer.statements
        )
        for item in wanted.statements
    )


def _expiry(principal: Principal, at: datetime | None, *, now: datetime) -> datetime | None:
    """`at` unless it is later than the issuer's own end, which is refused when named and kept otherwise."""
    own = _own_expiry(principal)
    if own is None or (at is not None and at <= own):
        return at
    if at is not None:
        raise Invalid("The expiry must be no later than that of the key that issues it")
    return own


def _capped(principal: Principal, at: datetime | None) -> datetime | None:
    own = _own_expiry(principal)
    return min(filter(None, (at, own)), default=None)


def _own_expiry(principal: Principal) -> datetime | None:
    return ApiKey.objects.filter(pk=principal.key_id).values_list("expires_at", flat=True).first()


def _days(days: int, *, least: int, what: str) -> int:
    if not least <= days <= DAYS_MOST:
        raise Invalid(f"{what} must be {least} to {DAYS_MOST}")
    return days
