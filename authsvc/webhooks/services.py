"""A customer's endpoints: made, changed, rotated and removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet

from authsvc.webhooks.events import message
from authsvc.webhooks.models import Delivery, Endpoint, EventType
from authsvc.webhooks.outbox import delivery_queue
from authsvc.webhooks.secrets import PREVIOUS, endpoint_secrets, secret_new, secret_seal
from flows.addresses import page_url_check, plain_http_allowed
from flows.engine.guard import Guard
from vault.audit import audit_append
from vault.errors import Conflict, Invalid, NotFound
from vault.principal import Principal
from vault.secret import Secret

ENDPOINTS_MOST = 20  # of a project
GRACE_MOST = timedelta(days=7)
SELECTABLE = frozenset(EventType.values) - {EventType.TEST.value}


def endpoint_create(
    principal: Principal, *, url: str, events: Sequence[str], ssrf_allow: Sequence[str], now: datetime
) -> tuple[Endpoint, Secret]:
    """The endpoint and its secret, which is shown this once. Raises `Invalid`, `Conflict` beyond the limit."""
    url_check(url, ssrf_allow=ssrf_allow)
    room_check(principal.project_id)
    secret = secret_new()
    endpoint = Endpoint(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        url=url,
        events=events_clean(events),
        created_at=now,
    )
    endpoint.sealed_secret = secret_seal(endpoint, secret)
    with transaction.atomic():
        endpoint.save(force_insert=True)
        _record(principal, "webhook.create", endpoint)
    return endpoint, secret


def room_check(project_id: str) -> None:
    """Raises `Conflict` where the project has as many as it may have."""
    if Endpoint.objects.filter(project_id=project_id).count() >= ENDPOINTS_MOST:
        raise Conflict(f"A project has at most {ENDPOINTS_MOST} webhooks")


def url_check(url: str, *, ssrf_allow: Sequence[str]) -> None:
    """Raises the errors of `page_url_check`, and `Invalid` for http to anything but an allow-listed host."""
    page_url_check(url, ssrf_allow=ssrf_allow)
    parts = urlsplit(url)
    if parts.scheme == "http" and not plain_http_allowed(
        parts.hostname or "", parts.port or 80, guard=Guard(ssrf_allow)
    ):
        raise Invalid("url must be https")


def events_clean(events: Sequence[str]) -> list[str]:
    """Raises `Invalid` for an event there is not."""
    if unknown := sorted(set(events) - SELECTABLE):
        raise Invalid(f"Unknown event: {unknown[0]!s:.40}. There are {', '.join(sorted(SELECTABLE))}")
    return sorted(set(events))


def endpoint_list(principal: Principal) -> QuerySet[Endpoint]:
    rows: QuerySet[Endpoint] = Endpoint.objects.for_principal(principal).order_by("-created_at", "pk")
    return rows


def endpoint_get(principal: Principal, endpoint_id: str) -> Endpoint:
    """Raises `NotFound`, also for another tenant's."""
    endpoint: Endpoint | None = Endpoint.objects.for_principal(principal).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("No such webhook")
    return endpoint


def endpoint_update(
    principal: Principal,
    endpoint: Endpoint,
    *,
    url: str | None,
    events: Sequence[str] | None,
    enabled: bool | None,
    ssrf_allow: Sequence[str],
) -> Endpoint:
    """`None` leaves a member as it is."""
    if url is not None:
        url_check(url, ssrf_allow=ssrf_allow)
        endpoint.url = url
    if events is not None:
        endpoint.events = events_clean(events)
    if enabled is not None:
        endpoint.enabled = enabled
    with transaction.atomic():
        endpoint.save(update_fields=["url", "events", "enabled", "updated_at"])
        _record(principal, "webhook.update", endpoint)
    return endpoint


def endpoint_rotate(principal: Principal, endpoint: Endpoint, *, grace: timedelta, now: datetime) -> Secret:
    """A new secret, shown this once; the old one signs beside it for `grace`. Raises the vault's `Sealed`."""
    if not timedelta(0) <= grace <= GRACE_MOST:
        raise Invalid(f"grace_seconds must be 0 to {int(GRACE_MOST.total_seconds())}")
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        old, secret = endpoint_secrets(locked, now=now)[0], secret_new()
        locked.sealed_previous = secret_seal(locked, old, column=PREVIOUS) if grace else None
        locked.previous_until = now + grace if grace else None
        locked.sealed_secret = secret_seal(locked, secret)
        locked.save(update_fields=["sealed_secret", "sealed_previous", "previous_until", "updated_at"])
        _record(principal, "webhook.rotate", locked)
    return secret


def endpoint_delete(principal: Principal, endpoint: Endpoint) -> None:
    with transaction.atomic():
        _record(principal, "webhook.delete", endpoint)
        endpoint.delete()


def endpoint_test(principal: Principal, endpoint: Endpoint, *, now: datetime) -> Delivery:
    """A message that tells of nothing, to see whether it arrives."""
    with transaction.atomic():
        _record(principal, "webhook.test", endpoint)
        return delivery_queue(endpoint, EventType.TEST, message(EventType.TEST, {}, now=now), now=now)


def delivery_list(endpoint: Endpoint) -> QuerySet[Delivery]:
    return Delivery.objects.filter(endpoint=endpoint).order_by("-created_at", "pk")


def delivery_resend(principal: Principal, endpoint: Endpoint, delivery_id: str, *, now: datetime) -> Delivery:
    """The same words as a new message: receivers that drop what they have seen take it. Raises `NotFound`."""
    delivery = Delivery.objects.filter(endpoint=endpoint, pk=delivery_id).first()
    if delivery is None:
        raise NotFound("No such delivery")
    with transaction.atomic():
        _record(principal, "webhook.resend", endpoint)
        return delivery_queue(endpoint, EventType(delivery.type), delivery.payload, now=now)


def _record(principal: Principal, action: str, endpoint: Endpoint) -> None:
    audit_append(
        organization_id=endpoint.organization_id,
        project_id=endpoint.project_id,
        actor=principal.actor,
        action=action,
        resource_type="webhook",
        resource_id=endpoint.id,
    )
