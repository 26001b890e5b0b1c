"""Reading the audit log, newest first, in pages that a token continues."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from vault.errors import Invalid
from vault.models import AuditRecord
from vault.principal import Principal
from vault.text import searchable

REQUEST = "http.request"  # the action of records that tell of an API request
KINDS = {"key:": "api_key", "flow:": "flow", "check:": "flow", "admin:": "session"}  # of an actor, by its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    start: datetime
    end: datetime
    method: str = ""
    exclude_method: Sequence[str] = field(default_factory=tuple)
    auth_strategy: str = ""
    search: str = ""
    search_user_id: Sequence[str] = field(default_factory=tuple)


def audit_records(principal: Principal, wanted: AuditFilter, *, page_token: str = "") -> QuerySet[AuditRecord]:
    """What the key may see: its organization's records, or those of the project it is bound to."""
    rows = AuditRecord.objects.get_queryset().filter(
        organization_id=principal.organization_id, at__gte=wanted.start, at__lt=wanted.end
    )
    if principal.key_project_id is not None:
        rows = rows.filter(project_id=principal.key_project_id)
    if page_token:
        rows = rows.filter(seq__lt=_token_read(page_token))
    if wanted.method:
        rows = rows.filter(details__method=wanted.method.upper())
    for method in wanted.exclude_method:
        rows = rows.exclude(pk__in=rows.filter(details__method=method.upper()).values("pk"))
    if wanted.auth_strategy:
        rows = rows.filter(_of_strategy(wanted.auth_strategy))
    if wanted.search or wanted.search_user_id:
        rows = rows.filter(_matching(wanted.search, wanted.search_user_id))
    return rows.order_by("-seq")


def audit_strategy(actor: str) -> str:
    """How whoever acted had shown who it is."""
    return next((kind for start, kind in KINDS.items() if actor.startswith(start)), "system")


def token_write(record: AuditRecord) -> str:
    """Continues after this record."""
    return base64.urlsafe_b64encode(f"seq:{record.seq}".encode()).decode().rstrip("=")


def _token_read(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        kind, _, number = text.partition(":")
        if kind != "seq" or not number.isascii() or not number.isdigit() or len(number) > 18:
            raise ValueError(token)
        return int(number)
    except (binascii.Error, ValueError):
        raise Invalid("page_token is not one of ours") from None


def _of_strategy(strategy: str) -> Q:
    starts = [start for start, kind in KINDS.items() if kind == strategy]
    if strategy == "system":
        return ~_any([Q(actor__startswith=start) for start in KINDS])
    return _any([Q(actor__startswith=start) for start in starts]) if starts else Q(pk__in=[])


def _matching(search: str, user_ids: Sequence[str]) -> Q:
    if not searchable(search):
        return Q(pk__in=[])
    ways = [Q(actor=user) | Q(actor=f"key:{user}") for user in user_ids if searchable(user)]
    if search:
        ways += [
            Q(details__path__icontains=search),
            Q(action__icontains=search),
            Q(actor__icontains=search),
            Q(resource_id__icontains=search),
            Q(details__client_ip__icontains=search),
        ]
        if search.isascii() and search.isdigit() and len(search) == 3:
            ways.append(Q(details__status=int(search)))
    return _any(ways) if ways else Q(pk__in=[])


def _any(ways: Sequence[Q]) -> Q:
    found = Q()
    for way in ways:
        found |= way
    return found
