"""Rows on the pages of connections and logins: what happened and why, nothing to change, nothing secret.

Addresses are shown without their query, where sites put tokens; interactions name the fields that were asked and
given, never a value.
"""

from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.admin.utils import flatten, quote
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flows.admin_pictures import picture_link
from flows.models import Flow, FlowEvent, HealthCheck, Interaction
from flows.pauses import choice_from_json, field_from_json

if TYPE_CHECKING:
    BaseInline = admin.TabularInline[Any, Any]
else:  # only the type checker's class takes type arguments
    BaseInline = admin.TabularInline

SHOWN_FLOWS = 20
SHOWN_CHECKS = 30


def address_plain(url: str) -> str:
    """Scheme, host and path of an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(unreadable)"
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" if place else ""


def admin_link(view: str, pk: str, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{view}", args=[quote(pk)]), text)


class ReadOnlyInline(BaseInline):
    """Rows that are only looked at."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return flatten(self.fields or ())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FlowEventInline(ReadOnlyInline):
    """The timeline of a login."""

    model = FlowEvent
    verbose_name_plural = "Timeline"
    fields = ("when", "kind", "step", "asked", "message")
    ordering = ("id",)

    @admin.display(description="At (UTC)")
    def when(self, event: FlowEvent) -> str:
        return event.at.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")

    @admin.display(description="Step")
    def step(self, event: FlowEvent) -> str:
        status, step = event.state.get("flow_status", ""), event.state.get("flow_step", "")
        return str(step if status == "IN_PROGRESS" else status)

    @admin.display(description="Asked")
    def asked(self, event: FlowEvent) -> str:
        """The labels of what the person could fill in or press."""
        items = [*event.state.get("fields", []), *event.state.get("choices", [])]
        return ", ".join(str(item.get("label") or item.get("ref") or item.get("id")) for item in items)

    @admin.display(description="Message")
    def message(self, event: FlowEvent) -> str:
        state = event.state
        site = state.get("website_error")
        parts = [state.get("external_action_message"), f"site: {site}" if site else "", state.get("error_code")]
        return " · ".join(str(part) for part in [*parts, state.get("error_message")] if part)


class InteractionInline(ReadOnlyInline):
    """What was asked and whether it was answered."""

    model = Interaction
    verbose_name_plural = "Questions"
    fields = ("created_at", "state", "page", "asked", "answered", "answered_at", "site_message", "shown")
    ordering = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interaction]:
        rows: QuerySet[Interaction] = super().get_queryset(request)
        return rows.select_related("picture", "flow")

    @admin.display(description="Page")
    def page(self, interaction: Interaction) -> str:
        return address_plain(interaction.url)

    @admin.display(description="Asked")
    def asked(self, interaction: Interaction) -> str:
        fields = [field_from_json(data) for data in interaction.fields]
        choices = [choice_from_json(data) for data in interaction.choices]
        asked = [f"{field.label or field.name} ({field.role.value}, {field.reason.value})" for field in fields]
        return ", ".join([*asked, *(f"[{choice.label}]" for choice in choices)])

    @admin.display(description="Answered with")
    def answered(self, interaction: Interaction) -> str:
        given = set(interaction.given)
        names = [item.label or item.name for item in map(field_from_json, interaction.fields) if item.id in given]
        picked = [item.label for item in map(choice_from_json, interaction.choices) if item.id == interaction.picked]
        return ", ".join([*names, *picked])

    @admin.display(description="Picture")
    def shown(self, interaction: Interaction) -> SafeString | str:
        return picture_link(interaction, "what was in the way", beside=interaction.flow)

    @admin.display(description="Site said")
    def site_message(self, interaction: Interaction) -> str:
        return interaction.website_error


class FlowInline(ReadOnlyInline):
    """A connection's latest logins."""

    model = Flow
    verbose_name_plural = f"Logins (the latest {SHOWN_FLOWS})"
    fields = ("login", "type", "state", "error_code", "created_at", "ended_at", "shown")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flow]:
        newest = Flow.objects.filter(connection=OuterRef("connection")).order_by("-created_at", "-pk")
        rows: QuerySet[Flow] = super().get_queryset(request)
        return rows.filter(pk__in=Subquery(newest.values("pk")[:SHOWN_FLOWS])).select_related("picture")

    @admin.display(description="Picture")
    def shown(self, flow: Flow) -> SafeString | str:
        return picture_link(flow, "where it ended", beside=flow)

    @admin.display(description="Login")
    def login(self, flow: Flow) -> SafeString:
        return admin_link("flows_flow_change", flow.pk, flow.pk)


class HealthCheckInline(ReadOnlyInline):
    """A connection's latest checks, each with the reason for what followed."""

    model = HealthCheck
    verbose_name_plural = f"Health checks (the latest {SHOWN_CHECKS})"
    fields = ("created_at", "result", "reason", "way", "took", "before", "status", "scheduled", "shown")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthCheck]:
        newest = HealthCheck.objects.filter(connection=OuterRef("connection")).order_by("-created_at", "-pk")
        rows: QuerySet[HealthCheck] = super().get_queryset(request)
        return rows.filter(pk__in=Subquery(newest.values("pk")[:SHOWN_CHECKS])).select_related("picture")

    @admin.display(description="Picture")
    def shown(self, check: HealthCheck) -> SafeString | str:
        return picture_link(check, "what it saw", beside=check.connection)

    @admin.display(description="Took")
    def took(self, check: HealthCheck) -> str:
        return f"{(check.ended_at - check.created_at).total_seconds():.1f} s" if check.ended_at else "running"

    @admin.display(description="Status before")
    def before(self, check: HealthCheck) -> str:
        return check.previous_status
