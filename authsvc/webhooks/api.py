"""`/webhooks`: where a project's events go. Beyond the SDK."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from authsvc.webhooks.models import Delivery, Endpoint
from authsvc.webhooks.services import (
    delivery_list,
    delivery_resend,
    endpoint_create,
    endpoint_delete,
    endpoint_get,
    endpoint_list,
    endpoint_rotate,
    endpoint_test,
    endpoint_update,
)
from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.secret import Secret

router = Router(tags=["webhooks"])
KIND = "webhooks"
READ, WRITE = "webhooks:read", "webhooks:write"
DAY_SECONDS = 86_400
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Events = Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=20)]


class WebhookCreate(Schema):
    url: Url
    events: Events = Field([], description="Event types; empty for all")


class WebhookUpdate(Schema):
    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None


class WebhookRotate(Schema):
    grace_seconds: int = Field(DAY_SECONDS, description="How long the old secret signs beside the new one")


class WebhookOut(Schema):
    id: str
    url: str
    events: list[str]
    enabled: bool
    created_at: datetime
    updated_at: datetime
    previous_until: datetime | None = Field(None, description="Until when the old secret signs as well")


class WebhookCreated(WebhookOut):
    secret: str = Field(description="Shown this once")


class DeliveryOut(Schema):
    id: str
    type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    created_at: datetime
    due_at: datetime | None = None
    ended_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    payload: str


@router.post("", response={201: WebhookCreated, REFUSED: Refusal}, exclude_none=True, summary="Create a webhook")
def create(request: HttpRequest, body: WebhookCreate) -> Status[dict[str, Any]]:
    principal = caller(request)
    principal.require(WRITE, kind=KIND)
    endpoint, secret = endpoint_create(
        principal, url=body.url, events=body.events, ssrf_allow=settings.SSRF_ALLOW, now=timezone.now()
    )
    return Status(201, _with_secret(endpoint, secret))


@router.get("", response={200: list[WebhookOut], REFUSED: Refusal}, exclude_none=True, summary="List webhooks")
def listing(
    request: HttpRequest, response: HttpResponse, limit: int = LIMIT_DEFAULT, offset: int = 0
) -> list[dict[str, Any]]:
    principal = caller(request)
    principal.require(READ, kind=KIND)
    return page(request, response, endpoint_list(principal), limit, offset, _rendered)


@router.get(
    "/{webhook_id}", response={200: WebhookOut, REFUSED: Refusal}, exclude_none=True, summary="Retrieve a webhook"
)
def retrieve(request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    return _rendered(_find(request, webhook_id, READ))


@router.patch(
    "/{webhook_id}", response={200: WebhookOut, REFUSED: Refusal}, exclude_none=True, summary="Change a webhook"
)
def update(request: HttpRequest, webhook_id: str, body: WebhookUpdate) -> dict[str, Any]:
    endpoint = _find(request, webhook_id, WRITE)
    changed = endpoint_update(caller(request), endpoint, **body.model_dump(), ssrf_allow=settings.SSRF_ALLOW)
    return _rendered(changed)


@router.delete("/{webhook_id}", response={204: None, REFUSED: Refusal}, summary="Delete a webhook")
def delete(request: HttpRequest, webhook_id: str) -> Status[None]:
    endpoint_delete(caller(request), _find(request, webhook_id, WRITE))
    return Status(204, None)


@router.post(
    "/{webhook_id}/rotate",
    response={200: WebhookCreated, REFUSED: Refusal},
    exclude_none=True,
    summary="Give a webhook a new secret",
)
def rotate(request: HttpRequest, webhook_id: str, body: WebhookRotate) -> dict[str, Any]:
    endpoint = _find(request, webhook_id, WRITE)
    grace = timedelta(seconds=max(-1, min(body.grace_seconds, 10**9)))
    secret = endpoint_rotate(caller(request), endpoint, grace=grace, now=timezone.now())
    return _with_secret(_find(request, webhook_id, WRITE), secret)


@router.post(
    "/{webhook_id}/test",
    response={202: DeliveryOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Send a message that tells of nothing",
)
def test(request: HttpRequest, webhook_id: str) -> Status[dict[str, Any]]:
    endpoint = _find(request, webhook_id, WRITE)
    return Status(202, _delivery(endpoint_test(caller(request), endpoint, now=timezone.now())))


@router.get(
    "/{webhook_id}/deliveries",
    response={200: list[DeliveryOut], REFUSED: Refusal},
    exclude_none=True,
    summary="Messages to a webhook, newest first",
)
def deliveries(
    request: HttpRequest, response: HttpResponse, webhook_id: str, limit: int = LIMIT_DEFAULT, offset: int = 0
) -> list[dict[str, Any]]:
    rows = delivery_list(_find(request, webhook_id, READ))
    return page(request, response, rows, limit, offset, _delivery)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    response={202: DeliveryOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Send a message again",
)
def resend(request: HttpRequest, webhook_id: str, delivery_id: str) -> Status[dict[str, Any]]:
    endpoint = _find(request, webhook_id, WRITE)
    return Status(202, _delivery(delivery_resend(caller(request), endpoint, delivery_id, now=timezone.now())))


def _find(request: HttpRequest, webhook_id: str, action: str) -> Endpoint:
    principal = caller(request)
    endpoint = endpoint_get(principal, webhook_id)
    principal.require(action, kind=KIND, record_id=endpoint.id)
    return endpoint


def _rendered(endpoint: Endpoint) -> dict[str, Any]:
    names = ("id", "url", "events", "enabled", "created_at", "updated_at", "previous_until")
    return {name: getattr(endpoint, name) for name in names}


def _with_secret(endpoint: Endpoint, secret: Secret) -> dict[str, Any]:
    return _rendered(endpoint) | {"secret": secret.reveal()}


def _delivery(delivery: Delivery) -> dict[str, Any]:
    names = ("id", "type", "state", "attempts", "created_at", "due_at", "ended_at", "last_status", "payload")
    return {name: getattr(delivery, name) for name in names} | {"last_error": delivery.last_error or None}
