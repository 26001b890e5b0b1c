"""Webhooks in the admin site: where events go, what arrived, and sending again."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from authsvc.webhooks.models import Delivery, Endpoint
from authsvc.webhooks.services import (
    SELECTABLE,
    delivery_resend,
    endpoint_create,
    endpoint_delete,
    endpoint_rotate,
    endpoint_test,
    endpoint_update,
    room_check,
    url_check,
)
from flows.errors import FlowError
from vault.errors import VaultError
from vault.models import Project
from vault.principal import Principal
from vault.readonly_admin import BaseAdmin, ReadOnlyAdmin
from vault.secret import Secret

if TYPE_CHECKING:
    EndpointModelForm = forms.ModelForm[Endpoint]
else:  # only the type checker's class takes a type argument
    EndpointModelForm = forms.ModelForm

GRACE = timedelta(days=1)
ADDED = ("project", "url", "events")
SHOWN = ("id", "enabled", "url", "events", "organization", "project", "previous_until", "created_at", "updated_at")


class EndpointForm(EndpointModelForm):
    """What the API refuses is refused here too."""

    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in sorted(SELECTABLE)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them",
    )

    class Meta:
        model = Endpoint
        fields = ("project", "url", "events", "enabled")
        labels = {"url": "URL"}

    def clean_project(self) -> Project:
        """Asked for new ones only."""
        project: Project = self.cleaned_data["project"]
        try:
            room_check(project.pk)
        except VaultError as error:
            raise forms.ValidationError(error.message) from None
        return project

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            url_check(url, ssrf_allow=settings.SSRF_ALLOW)
        except (VaultError, FlowError) as error:
            raise forms.ValidationError(error.message) from None
        return url


@admin.register(Endpoint)
class EndpointAdmin(BaseAdmin):
    form = EndpointForm
    list_display = ("url", "id", "enabled", "wanted", "organization", "project", "created_at")
    list_filter = ("enabled", "organization")
    search_fields = ("=id", "url", "project__name")
    list_select_related = ("organization", "project")
    ordering = ("-created_at",)
    actions = ("rotate", "test")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ADDED if obj is None else SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("id", "organization", "project", "previous_until", "created_at", "updated_at")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The only project, where there is but one."""
        projects = list(Project.objects.values_list("pk", flat=True)[:2])
        return {
            **({"project": projects[0]} if len(projects) == 1 else {}),
            **super().get_changeform_initial_data(request),
        }

    @admin.display(description="Events")
    def wanted(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "all"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = {"url": obj.url, "events": form.cleaned_data["events"], "ssrf_allow": settings.SSRF_ALLOW}
        if change:
            endpoint_update(_principal(request, obj.project), obj, enabled=obj.enabled, **given)
            return
        made, secret = endpoint_create(_principal(request, obj.project), now=timezone.now(), **given)
        obj.pk, obj.secret = made.pk, secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._secret(request, obj, obj.secret)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its messages, which nobody deletes alone, go with it."""
        named, counts, _, protected = super().get_deleted_objects(objs, request)
        return named, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        endpoint_delete(_principal(request, obj.project), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset.select_related("project"):
            self.delete_model(request, endpoint)

    @admin.action(description="Give a new secret (the old one signs for a day more)", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponse | None:
        endpoint = queryset.select_related("project").first()
        if endpoint is None or queryset.count() > 1:
            self.message_user(request, "Choose one webhook: each secret is shown once.", messages.WARNING)
            return None
        secret = endpoint_rotate(_principal(request, endpoint.project), endpoint, grace=GRACE, now=timezone.now())
        endpoint.refresh_from_db()
        return self._secret(request, endpoint, secret)

    @admin.action(description="Send a message that tells of nothing", permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset.select_related("project"):
            endpoint_test(_principal(request, endpoint.project), endpoint, now=timezone.now())
        self.message_user(request, "On its way: see the deliveries.")

    def _secret(self, request: HttpRequest, endpoint: Endpoint, secret: Secret) -> HttpResponse:
        """The answer itself shows it: a redirect would have to keep it somewhere on the way."""
        context = {**self.admin_site.each_context(request), "title": "Webhook", "endpoint": endpoint}
        page = "admin/webhooks/endpoint/secret.html"
        response = TemplateResponse(request, page, context | {"secret": secret.reveal()})
        response["Cache-Control"] = "no-store"
        return response


def _principal(request: HttpRequest, project: Project) -> Principal:
    return Principal(
        organization_id=project.organization_id,
        project_id=project.id,
        key_id="",
        key_name="",
        operator=request.user.get_username(),
    )


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

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Deliveries are for looking at; who may change where they go may send them there again."""
        return request.user.has_perm("webhooks.change_endpoint")

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        now = timezone.now()
        for delivery in queryset.select_related("endpoint__project"):
            principal = _principal(request, delivery.endpoint.project)
            delivery_resend(principal, delivery.endpoint, delivery.pk, now=now)
        self.message_user(request, "Sent again as new messages.")
