"""API keys in the admin site: made here, their token shown once."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from authsvc.keys.models import ApiKey
from authsvc.keys.services import key_create, key_delete, policy_check
from vault.errors import Invalid
from vault.readonly_admin import BaseAdmin
from vault.text import name_clean

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelForm = forms.ModelForm

ADDED = ("organization", "project", "name", "policy", "expires_at")
SHOWN = ("id", "masked", *ADDED, "created_by", "created_at", "last_used_at", "deleted_at")


class ApiKeyForm(KeyModelForm):
    """Refuses a project of another organization, and names and policies that cannot be."""

    class Meta:
        model = ApiKey
        fields = ADDED

    def clean_name(self) -> str:
        try:
            return name_clean(self.cleaned_data["name"], what="name")
        except Invalid as error:
            raise forms.ValidationError(error.message) from None

    def clean_policy(self) -> Any:
        policy = self.cleaned_data["policy"]
        try:
            policy_check(policy)
        except Invalid as error:
            raise forms.ValidationError(error.message) from None
        return policy

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        project, organization = cleaned.get("project"), cleaned.get("organization")
        if project and organization and project.organization_id != organization.id:
            raise forms.ValidationError({"project": "This project belongs to another organization"})
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(BaseAdmin):
    form = ApiKeyForm
    list_display = ("name", "masked", "organization", "project", "expires_at", "last_used_at", "deleted_at")
    list_filter = ("organization", "project")
    search_fields = ("name", "id")
    actions = ("withdraw",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ADDED if obj is None else SHOWN

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("keys.delete_apikey")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        key, obj.token = key_create(
            organization_id=obj.organization_id,
            project_id=obj.project_id,
            name=obj.name,
            policy=obj.policy,
            expires_at=obj.expires_at,
            actor=_actor(request),
        )
        obj.pk = key.pk

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The answer itself shows the token: a redirect would have to keep it somewhere on the way."""
        context = {**self.admin_site.each_context(request), "title": "API key", "key": obj}
        response = TemplateResponse(request, "admin/keys/apikey/created.html", context | {"token": obj.token.reveal()})
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Withdraw the selected keys", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            key_delete(key=key, actor=_actor(request), now=timezone.now())
        self.message_user(request, "The selected keys open nothing any more.")


def _actor(request: HttpRequest) -> str:
    return f"admin:{request.user.get_username()}"
