"""Making API keys and telling whose a token is."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from authsvc.keys.models import ApiKey
from vault.audit import SYSTEM, audit_append
from vault.errors import Conflict, Invalid, NotFound
from vault.models import ProjectStatus
from vault.principal import Policy, Principal
from vault.secret import Secret
from vault.tenancy import project_default, project_find
from vault.text import name_clean

TOKEN_PREFIX = "sk_"  # noqa: S105 - how every token begins, not one of them
TOKEN_BYTES = 32
USE_NOTED_EVERY = timedelta(minutes=1)


def key_create(
    *,
    organization_id: str,
    name: str,
    project_id: str | None = None,
    policy: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
    actor: str = SYSTEM,
    token: Secret | None = None,
) -> tuple[ApiKey, Secret]:
    """A key and its token, which nobody can read again afterwards. `token` is for a first key chosen by the operator.

    Raises `Invalid` for a name or policy that cannot be, `Conflict` for a token that is in use.
    """
    secret = token or token_new()
    policy_check(policy)
    key = ApiKey(
        organization_id=organization_id,
        project_id=project_id,
        name=name_clean(name, what="key name"),
        masked=token_mask(secret),
        token_hash=token_hash(secret.reveal()),
        policy=dict(policy) if policy is not None else None,
        expires_at=expires_at,
        created_by=actor[:40],
    )
    with transaction.atomic():
        if ApiKey.objects.filter(token_hash=key.token_hash).exists():
            raise Conflict("This token is in use")
        key.save(force_insert=True)
        key_record(key, actor=actor, action="api_key.create")
    return key, secret


def key_delete(*, key: ApiKey, actor: str, now: datetime) -> None:
    """From now on the key opens nothing. The row stays for the record."""
    with transaction.atomic():
        changed = ApiKey.objects.filter(id=key.id, deleted_at=None).update(deleted_at=now)
        if changed:
            key_record(key, actor=actor, action="api_key.delete")


def key_find(token: str, *, now: datetime) -> ApiKey | None:
    """The live key of this token. The look-up goes by hash, so its time tells nothing about stored tokens."""
    wanted = token_hash(token)
    live = Q(deleted_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    key = ApiKey.objects.select_related("project").filter(live, token_hash=wanted).first()
    if key is None or not hmac.compare_digest(key.token_hash, wanted):
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at <= now - USE_NOTED_EVERY:
        ApiKey.objects.filter(stale, id=key.id).update(last_used_at=now)
    return key


def key_authenticate(
    token: str, *, project_id: str = "", project_name: str = "", now: datetime | None = None
) -> Principal | None:
    """Who calls, and in which project: the one named, else the key's own, else the default one.

    `None` for an unknown, expired or deleted key. Raises `NotFound` for a project outside the key's reach.
    """
    key = key_find(token, now=now or timezone.now())
    if key is None:
        return None
    return Principal(
        organization_id=key.organization_id,
        project_id=_project_id(key, project_id=project_id, project_name=project_name),
        key_id=key.id,
        key_name=key.name,
        policy=Policy.parse(key.policy),
        key_project_id=key.project_id,
    )


def _project_id(key: ApiKey, *, project_id: str, project_name: str) -> str:
    if not (project_id or project_name):
        if key.project is None:
            return project_default(key.organization_id).id
        if key.project.status != ProjectStatus.ACTIVE or key.project.deleted_at is not None:
            raise NotFound("No such project")
        return key.project.id
    project = project_find(organization_id=key.organization_id, project_id=project_id, name=project_name)
    if key.project_id not in (None, project.id):
        raise NotFound("No such project")
    return project.id


def token_new() -> Secret:
    return Secret(TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES))


def token_hash(token: str) -> str:
    """Tokens are random enough that a plain hash cannot be searched backwards."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def token_mask(token: Secret) -> str:
    """Enough of the token to recognise it by, at most eight of its characters."""
    text = token.reveal()
    return f"{text[:7]}…{text[-4:]}" if len(text) >= 24 else "…"


def policy_check(policy: Mapping[str, Any] | None) -> None:
    """Raises `Invalid` for anything but nothing or `{"statements": [{"action", "resource"}]}`."""
    if policy is None:
        return
    statements = policy.get("statements") if isinstance(policy, dict) else None
    if not isinstance(statements, list) or not all(_is_statement(item) for item in statements):
        raise Invalid("A policy is a list of statements, each with an action and a resource; the wildcard is *")


def _is_statement(item: object) -> bool:
    return (
        isinstance(item, dict)
        and set(item) == {"action", "resource"}
        and all(isinstance(value, str) and 0 < len(value) <= 500 for value in item.values())
        and not any(character in "?[]" for value in item.values() for character in value)
    )


def key_record(key: ApiKey, *, actor: str, action: str) -> None:
    audit_append(
        organization_id=key.organization_id,
        project_id=key.project_id or "",
        actor=actor,
        action=action,
        resource_type="api_key",
        resource_id=key.id,
        details={"name": key.name},
    )
