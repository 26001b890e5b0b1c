"""Sealing the vault: from then on no process reads a key, until an operator unseals it.

Keys live in memory only while something is sealed or opened, so there is nothing to chase through the processes: a
row in the database that every use of a key looks at is enough. What sealing cannot reach is said in the threat model.
"""

from datetime import datetime

from django.db import transaction

from vault.audit import audit_append
from vault.keyring import keyring
from vault.models import Organization, VaultSeal

ONLY = 1  # the row's primary key


def vault_seal(*, by: str, now: datetime) -> bool:
    """False when it was sealed before. On record in every organization's audit log."""
    with transaction.atomic():
        _, made = VaultSeal.objects.get_or_create(id=ONLY, defaults={"sealed_at": now, "sealed_by": by[:128]})
        if made:
            _record("vault.seal", by=by, now=now)
    return made


def vault_unseal(*, by: str, now: datetime) -> bool:
    """False when it was not sealed. Raises `ImproperlyConfigured` when there is no key to go on with."""
    keyring()
    with transaction.atomic():
        removed, _ = VaultSeal.objects.filter(id=ONLY).delete()
        if removed:
            _record("vault.unseal", by=by, now=now)
    return bool(removed)


def _record(action: str, *, by: str, now: datetime) -> None:
    for organization_id in Organization.objects.order_by("id").values_list("id", flat=True):
        audit_append(
            organization_id=organization_id,
            project_id="",
            actor=by,
            action=action,
            resource_type="vault",
            now=now,
        )
