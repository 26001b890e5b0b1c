"""The audit log: one chain of hashes per organization, appended to and never changed.

Details name fields and ids only, never values.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from vault.errors import AuditUnavailable
from vault.keys import seal_check
from vault.models import AuditHead, AuditRecord

SYSTEM = "system"
NAMES_LENGTH = 128


@dataclass(frozen=True, slots=True)
class AuditIntact:
    """The chain is whole; `count` records were checked."""

    count: int


@dataclass(frozen=True, slots=True)
class AuditBroken:
    """The first place where the chain does not hold."""

    seq: int
    reason: str


def audit_append(
    *,
    organization_id: str,
    project_id: str,
    actor: str,
    action: str,
    resource_type: str,
    resource_id: str = "",
    outcome: str = "ok",
    details: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditRecord:
    """Add a record to its organization's chain, inside the caller's transaction where there is one.

    `actor` is `key:<id>`, `flow:<id>`, `admin:<user>` or `system`.
    """
    with transaction.atomic():
        AuditHead.objects.get_or_create(organization_id=organization_id)
        head = AuditHead.objects.select_for_update().get(organization_id=organization_id)
        record = AuditRecord(
            organization_id=organization_id,
            project_id=project_id,
            seq=head.seq + 1,
            at=now or timezone.now(),
            actor=actor[:NAMES_LENGTH],
            action=action,
            resource_type=resource_type,
            resource_id=resource_id[:NAMES_LENGTH],
            outcome=outcome,
            details=dict(details or {}),
            prev_hash=head.hash,
        )
        record.hash = record_hash(record)
        record.save(force_insert=True)
        head.seq, head.hash = record.seq, record.hash
        head.save(update_fields=["seq", "hash"])
    return record


@contextmanager
def audit_committed() -> Iterator[None]:
    """What is appended inside is on record for good when this ends: use it before a secret is opened.

    Raises `Sealed` while the vault is sealed: nothing will be opened then. Raises `AuditUnavailable` when the record
    cannot be kept, and `RuntimeError` inside another transaction, which could still take it back.
    """
    seal_check()
    try:
        with transaction.atomic(durable=True):
            yield
    except DatabaseError as error:
        raise AuditUnavailable from error


def record_hash(record: AuditRecord) -> str:
    """SHA-256 over the record's content and the hash before it, as lower-case hex."""
    content = {
        "organization": record.organization_id,
        "project": record.project_id,
        "seq": record.seq,
        "at": record.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": record.actor,
        "action": record.action,
        "resource_type": record.resource_type,
        "resource_id": record.resource_id,
        "outcome": record.outcome,
        "details": record.details,
        "prev": record.prev_hash,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def audit_verify(organization_id: str) -> AuditIntact | AuditBroken:
    """Recompute one organization's chain from its first record and compare its end with the head."""
    head = AuditHead.objects.filter(organization_id=organization_id).first()
    last_seq, last_hash = 0, ""
    records = AuditRecord.objects.filter(organization_id=organization_id).order_by("seq")
    for record in records.iterator(chunk_size=1000):
        if record.seq != last_seq + 1:
            return AuditBroken(seq=last_seq + 1, reason="missing")
        if record.prev_hash != last_hash:
            return AuditBroken(seq=record.seq, reason="does not follow the record before it")
        if record.hash != record_hash(record):
            return AuditBroken(seq=record.seq, reason="changed")
        last_seq, last_hash = record.seq, record.hash
    if (head.seq if head else 0, head.hash if head else "") != (last_seq, last_hash):
        return AuditBroken(seq=last_seq + 1, reason="records are missing at the end")
    return AuditIntact(count=last_seq)
