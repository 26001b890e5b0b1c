"""The vault in the admin site: names and numbers, nothing sealed, nothing to change by hand."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vault.branding import branding_clean, logo_png
from vault.credentials import credential_names
from vault.errors import Invalid, VaultError
from vault.models import AuditRecord, Branding, Credential, CredentialProvider, Organization, Profile, Project
from vault.profiles import profile_rollback
from vault.projects import origins_clean
from vault.readonly_admin import BaseAdmin, ReadOnlyAdmin
from vault.sealing import data_key_primary

if TYPE_CHECKING:
    BrandingModelForm = forms.ModelForm[Branding]
    ProjectModelForm = forms.ModelForm[Project]
    BaseInline = admin.StackedInline[Any, Any]
else:  # only the type checker's classes take type arguments
    BrandingModelForm = ProjectModelForm = forms.ModelForm
    BaseInline = admin.StackedInline


@admin.register(Organization)
class OrganizationAdmin(BaseAdmin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name", "id")
    readonly_fields = ("id", "created_at")

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        data_key_primary(obj.id)
        Project.objects.get_or_create(organization=obj, is_default=True, defaults={"name": "default"})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


BRANDING_FIELDS = ("name", "accent", "theme", "privacy_url", "terms_url", "support_url", "welcome", "farewell")


class BrandingForm(BrandingModelForm):
    """What the API refuses is refused here too."""

    picture = forms.FileField(
        required=False, label="Logo", help_text="PNG, JPEG, WebP or GIF; shown at 320 by 96 at most"
    )
    without_logo = forms.BooleanField(required=False, label="Remove the logo")

    class Meta:
        model = Branding
        fields = BRANDING_FIELDS
        widgets = {"welcome": forms.Textarea({"rows": 2}), "farewell": forms.Textarea({"rows": 2})}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in BRANDING_FIELDS:
            try:
                cleaned |= branding_clean({name: cleaned.get(name, "")})
            except Invalid as error:
                self.add_error(name, error.message)
        if (picture := cleaned.get("picture")) is not None:
            try:
                self.instance.logo = logo_png(picture.read())
            except Invalid as error:
                self.add_error("picture", error.message)
        elif cleaned.get("without_logo"):
            self.instance.logo = None
        return cleaned


class BrandingInline(BaseInline):
    model = Branding
    form = BrandingForm
    can_delete = False
    verbose_name_plural = "How hosted pages look"


class ProjectForm(ProjectModelForm):
    class Meta:
        model = Project
        fields = ("organization", "name", "status", "limits", "allowed_origins")

    def clean_allowed_origins(self) -> list[str]:
        given = self.cleaned_data["allowed_origins"] or []
        if not isinstance(given, list) or not all(isinstance(origin, str) for origin in given):
            raise forms.ValidationError('A list like ["https://app.example", "myapp:"]')
        try:
            return origins_clean(given)
        except Invalid as error:
            raise forms.ValidationError(error.message) from None


@admin.register(Project)
class ProjectAdmin(BaseAdmin):
    form = ProjectForm
    inlines = (BrandingInline,)

    list_display = ("name", "organization", "status", "is_default", "id")
    list_filter = ("status", "organization")
    search_fields = ("name", "id")
    readonly_fields = ("id", "is_default", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "organization", "project", "created_at", "updated_at")
    list_filter = ("organization", "project")
    search_fields = ("name", "domain", "id")
    fields = (
        "id",
        "organization",
        "project",
        "name",
        "domain",
        "field_names",
        "sso_provider",
        "created_at",
        "updated_at",
    )

    @admin.display(description="Stored fields")
    def field_names(self, credential: Credential) -> str:
        return ", ".join(sorted(credential_names(credential))) or "none"


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "organization", "project", "versions_kept", "largest", "updated_at", "last_used_at")
    list_filter = ("organization", "project")
    search_fields = ("name", "id")
    fields = (
        "id",
        "organization",
        "project",
        "name",
        "version_list",
        "lease_holder",
        "lease_expires_at",
        "created_at",
        "updated_at",
        "last_used_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Profile]:
        rows: QuerySet[Profile] = super().get_queryset(request)
        return rows.annotate(version_count=Count("versions"), largest_size=Max("versions__size"))

    actions = ("roll_back",)

    def has_roll_back_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vault.change_profile")

    @admin.action(description="Roll back to the version before", permissions=["roll_back"])
    def roll_back(self, request: HttpRequest, profiles: QuerySet[Profile]) -> None:
        actor = f"admin:{request.user.get_username()}"
        for profile in profiles:
            try:
                number = profile_rollback(profile.id, number=profile.latest_number - 1, actor=actor, now=timezone.now())
            except VaultError as error:
                self.message_user(request, f"{profile}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{profile}: as it was before, now version {number}", messages.SUCCESS)

    @admin.display(description="Versions")
    def versions_kept(self, profile: Any) -> int:
        count: int = profile.version_count
        return count

    @admin.display(description="Largest (bytes)")
    def largest(self, profile: Any) -> int:
        return profile.largest_size or 0

    @admin.display(description="Versions")
    def version_list(self, profile: Profile) -> str:
        rows = profile.versions.order_by("-number").values_list("number", "size", "created_at")
        return "; ".join(f"#{number}: {size} bytes, {at:%Y-%m-%d %H:%M}" for number, size, at in rows) or "none"


@admin.register(CredentialProvider)
class CredentialProviderAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "organization", "enabled", "priority", "updated_at")
    list_filter = ("kind", "organization")
    search_fields = ("name", "id")
    fields = ("id", "organization", "name", "kind", "server_url", "enabled", "priority", "cache_ttl_seconds")


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "resource_type", "resource_id", "outcome", "organization", "seq")
    list_filter = ("action", "outcome", "organization")
    search_fields = ("actor", "resource_id", "project_id")
    date_hierarchy = "at"
    ordering = ("-at", "-seq")
