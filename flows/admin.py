"""Connections and their logins in the admin site: what happened and why, nothing to change, nothing secret.

Addresses are shown without their query, where sites put tokens; interactions name the fields that were asked and
given, never a value.
"""

from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.admin.utils import flatten, quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from flows.admin_replays import ReplayAdmin as ReplayAdmin  # registered with the others
from flows.models import Connection, Flow, FlowEvent, HealthCheck, Interaction, Picture
from flows.pauses import choice_from_json, field_from_json
from flows.readiness import connection_can_reauth, connection_names
from flows.services.pictures import picture_open
from vault.audit import audit_append, audit_committed
from vault.errors import VaultError
from vault.readonly_admin import ReadOnlyAdmin

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
        if not Picture.objects.filter(interaction=interaction).exists():
            return ""
        address = reverse("admin:flows_flow_picture", args=[quote(interaction.flow_id), quote(interaction.pk)])
        return format_html('<a href="{}">what was in the way</a>', address)

    @admin.display(description="Site said")
    def site_message(self, interaction: Interaction) -> str:
        return interaction.website_error


class FlowInline(ReadOnlyInline):
    """A connection's latest logins."""

    model = Flow
    verbose_name_plural = f"Logins (the latest {SHOWN_FLOWS})"
    fields = ("login", "type", "state", "error_code", "created_at", "ended_at")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flow]:
        newest = Flow.objects.filter(connection=OuterRef("connection")).order_by("-created_at", "-pk")
        rows: QuerySet[Flow] = super().get_queryset(request)
        return rows.filter(pk__in=Subquery(newest.values("pk")[:SHOWN_FLOWS]))

    @admin.display(description="Login")
    def login(self, flow: Flow) -> SafeString:
        return admin_link("flows_flow_change", flow.pk, flow.pk)


class HealthCheckInline(ReadOnlyInline):
    """A connection's latest checks, each with the reason for what followed."""

    model = HealthCheck
    verbose_name_plural = f"Health checks (the latest {SHOWN_CHECKS})"
    fields = ("created_at", "result", "reason", "way", "took", "before", "status", "scheduled")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthCheck]:
        newest = HealthCheck.objects.filter(connection=OuterRef("connection")).order_by("-created_at", "-pk")
        rows: QuerySet[HealthCheck] = super().get_queryset(request)
        return rows.filter(pk__in=Subquery(newest.values("pk")[:SHOWN_CHECKS]))

    @admin.display(description="Took")
    def took(self, check: HealthCheck) -> str:
        return f"{(check.ended_at - check.created_at).total_seconds():.1f} s" if check.ended_at else "running"

    @admin.display(description="Status before")
    def before(self, check: HealthCheck) -> str:
        return check.previous_status


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = (
        "domain",
        "id",
        "status",
        "profile",
        "credential",
        "last_login_at",
        "last_auth_check_at",
        "latest_login",
        "organization",
        "project",
    )
    list_filter = (
        "status",
        "auto_reauth",
        "health_checks",
        ("last_login_at", admin.DateFieldListFilter),
        "organization",
    )
    search_fields = (
        "=id",
        "domain",
        "profile__name",
        "=profile__id",
        "credential__name",
        "organization__name",
        "project__name",
    )
    search_help_text = "Domain, profile, credential, organization, project or a connection's id"
    list_select_related = ("profile", "credential", "organization", "project")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    fields = (
        ("id", "status"),
        ("organization", "project"),
        "domain",
        "login_page",
        "profile_link",
        "credential_link",
        ("last_login_at", "last_auth_check_at"),
        "landing_page",
        "check_page",
        ("auto_reauth", "health_checks", "health_check_interval"),
        ("check_due_at", "unattended"),
        ("reauth_failures", "reauth_after"),
        ("save_credentials", "record_session", "skill_mode"),
        "allowed_domains",
        "consented_origins",
        ("created_at", "updated_at"),
    )
    inlines = (FlowInline, HealthCheckInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        newest = Flow.objects.filter(connection=OuterRef("pk")).order_by("-created_at", "-pk")
        rows: QuerySet[Connection] = super().get_queryset(request)
        return rows.annotate(
            latest_id=Subquery(newest.values("pk")[:1]), latest_state=Subquery(newest.values("state")[:1])
        )

    @admin.display(description="Latest login", ordering="latest_state")
    def latest_login(self, connection: Any) -> SafeString | str:
        if connection.latest_id is None:
            return "none"
        return admin_link("flows_flow_change", connection.latest_id, connection.latest_state)

    @admin.display(description="Profile")
    def profile_link(self, connection: Connection) -> SafeString:
        return admin_link("vault_profile_change", connection.profile_id, str(connection.profile))

    @admin.display(description="Credential")
    def credential_link(self, connection: Connection) -> SafeString | str:
        if connection.credential is None:
            return "none"
        return admin_link("vault_credential_change", connection.credential.pk, connection.credential.name)

    @admin.display(description="Login without a person")
    def unattended(self, connection: Connection) -> str:
        try:
            allowed, reason = connection_can_reauth(connection, connection_names(connection))
        except VaultError as error:
            return f"unknown: {error.code}"
        return f"{'possible' if allowed else 'not possible'}: {reason}"

    @admin.display(description="Login page")
    def login_page(self, connection: Connection) -> str:
        return address_plain(connection.login_url) or "found by itself"

    @admin.display(description="Page after login")
    def landing_page(self, connection: Connection) -> str:
        return address_plain(connection.post_login_url)

    @admin.display(description="Page that is checked")
    def check_page(self, connection: Connection) -> str:
        return address_plain(str((connection.auth_check or {}).get("url", "")))


def _replays(flow: Flow) -> list[str]:
    return list(flow.replays.order_by("started_at").values_list("pk", flat=True))


@admin.register(Flow)
class FlowAdmin(ReadOnlyAdmin):
    list_display = ("id", "domain", "type", "state", "error_code", "created_at", "took", "attempt", "organization")
    list_filter = ("state", "type", "error_code", ("created_at", admin.DateFieldListFilter), "organization")
    search_fields = ("=id", "connection__domain", "=connection__id", "connection__profile__name", "error_code")
    search_help_text = "Domain, profile, error code, or the id of a login or connection"
    list_select_related = ("connection", "organization")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    fields = (
        ("id", "type"),
        ("state", "reached"),
        "connection_link",
        ("organization", "project"),
        ("created_at", "expires_at", "ended_at", "took"),
        ("attempt", "lease_holder", "lease_expires_at"),
        ("error_code", "error_message"),
        "website_error",
        "landing_page",
        ("link", "recordings"),
    )
    inlines = (FlowEventInline, InteractionInline)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.picture)
        return [
            path("<path:flow_id>/picture/<path:interaction_id>", view, name="flows_flow_picture"),
            *super().get_urls(),
        ]

    def picture(self, request: HttpRequest, flow_id: str, interaction_id: str) -> HttpResponse:
        """A picture, for who may look at logins; that it was looked at is on record."""
        flow = self.get_object(request, unquote(flow_id))
        if flow is None or not self.has_view_permission(request, flow):
            raise PermissionDenied
        interaction = unquote(interaction_id)
        if not flow.interactions.filter(pk=interaction, picture__isnull=False).exists():
            raise Http404
        with audit_committed():
            audit_append(
                organization_id=flow.organization_id,
                project_id=flow.project_id,
                actor=f"admin:{request.user.get_username()}",
                action="picture.open",
                resource_type="interaction",
                resource_id=interaction,
            )
        return HttpResponse(picture_open(interaction, flow_id=flow.pk), content_type="image/jpeg")

    @admin.display(description="Recordings")
    def recordings(self, flow: Flow) -> SafeString | str:
        links = ((reverse("admin:flows_replay_change", args=[quote(pk)]), pk) for pk in _replays(flow))
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "none"

    @admin.display(description="Domain", ordering="connection__domain")
    def domain(self, flow: Flow) -> str:
        return flow.connection.domain

    @admin.display(description="Took")
    def took(self, flow: Flow) -> str:
        if flow.ended_at is None:
            return ""
        return f"{(flow.ended_at - flow.created_at).total_seconds():.1f} s"

    @admin.display(description="Connection")
    def connection_link(self, flow: Flow) -> SafeString:
        return admin_link("flows_connection_change", flow.connection_id, str(flow.connection))

    @admin.display(description="Page after login")
    def landing_page(self, flow: Flow) -> str:
        return address_plain(flow.post_login_url)

    @admin.display(description="Hosted link")
    def link(self, flow: Flow) -> str:
        used = "opened by a person" if flow.used_generation >= flow.generation else "not opened"
        return f"link {flow.generation}, {used}"
