"""Connections and their logins in the admin site."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from flows.admin_inlines import (
    FlowEventInline,
    FlowInline,
    HealthCheckInline,
    InteractionInline,
    address_plain,
    admin_link,
)
from flows.admin_pictures import PicturedAdmin, picture_link
from flows.admin_replays import ReplayAdmin as ReplayAdmin  # registered with the others
from flows.models import Connection, Flow
from flows.readiness import connection_can_reauth, connection_names
from vault.errors import VaultError


@admin.register(Connection)
class ConnectionAdmin(PicturedAdmin):
    pictured_by = ("health_check__connection",)
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
class FlowAdmin(PicturedAdmin):
    pictured_by = ("flow", "interaction__flow")
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
        ("link", "recordings", "last_page"),
    )
    inlines = (FlowEventInline, InteractionInline)

    @admin.display(description="Picture")
    def last_page(self, flow: Flow) -> SafeString | str:
        return picture_link(flow, "where it ended", beside=flow) or "none"

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
