"""Webhooks in the admin site: where events go, what arrived, and sending again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from authsvc.webhooks.models import Delivery, Endpoint, EventType
from authsvc.webhooks.outbox import delivery_queue
from vault.readonly_admin import ReadOnlyAdmin


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("url", "id", "enabled", "wanted", "organization", "project", "created_at")
    list_filter = ("enabled", "organization")
    search_fields = ("=id", "url", "project__name")
    list_select_related = ("organization", "project")
    ordering = ("-created_at",)
    fields = (
        ("id", "enabled"),
        "url",
        "events",
        ("organization", "project"),
        "previous_until",
        ("created_at", "updated_at"),
    )

    @admin.display(description="Events")
    def wanted(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "all"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "state", "attempts", "last_status", "last_error", "endpoint", "created_at", "due_at")
    list_filter = ("state", "type", ("created_at", admin.DateFieldListFilter))
    search_fields = ("=id", "=endpoint__id", "endpoint__url")
    list_select_related = ("endpoint",)
    ordering = ("-created_at",)
    fields = (
        ("id", "type"),
        "endpoint",
        ("state", "attempts"),
        ("last_status", "last_error"),
        ("created_at", "due_at", "ended_at"),
        "payload",
    )
    actions = ("send_again",)

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        now = timezone.now()
        for delivery in queryset.select_related("endpoint"):
            delivery_queue(delivery.endpoint, EventType(delivery.type), delivery.payload, now=now)
        self.message_user(request, "Sent again as new messages.")
