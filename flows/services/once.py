"""Doing something once per idempotency key (R31): a repeated request gets the first one's result."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction

from flows.errors import IdempotencyReused
from flows.models import OnceKey
from vault.principal import Principal

KEPT = timedelta(hours=24)
KEY_LENGTH = 255
T = TypeVar("T")


def once(
    principal: Principal,
    key: str,
    *,
    scope: str,
    body: Any,
    now: datetime,
    first: Callable[[], T],
    name: Callable[[T], str],
    again: Callable[[str], T],
) -> tuple[T, bool]:
    """What `first` gives and True; for a key seen in this project and scope what `again` makes of the name of the
    first result, and False. Without a key, `first` every time. `first` runs inside a transaction and, where it
    raises, leaves the key unused.

    Raises `IdempotencyReused` for a key that came with another body, or that cannot be one."""
    if not key:
        return first(), True
    if len(key) > KEY_LENGTH:
        raise IdempotencyReused(f"Idempotency-Key must have at most {KEY_LENGTH} characters", code="invalid_request")
    row = OnceKey(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        scope=scope,
        key_hash=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
        body_hash=_body_hash(body),
        created_at=now,
    )
    OnceKey.objects.for_principal(principal).filter(created_at__lte=now - KEPT).delete()
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            known = OnceKey.objects.for_principal(principal).get(scope=scope, key_hash=row.key_hash)
            if not hmac.compare_digest(known.body_hash, row.body_hash):
                raise IdempotencyReused("This Idempotency-Key came with another request before") from None
            return again(known.result), False
        result = first()
        row.result = name(result)
        row.save(update_fields=["result"])
        return result, True


def _body_hash(body: Any) -> str:
    """Keyed, since a body may hold a password."""
    key = hashlib.sha256(b"authsvc idempotency\0" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, json.dumps(body, sort_keys=True, default=str).encode(), hashlib.sha256).hexdigest()
