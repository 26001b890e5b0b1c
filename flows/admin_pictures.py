"""Pictures in the admin site, beside what they show. Whoever looks at one is on record first."""

from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flows.models import Picture
from flows.services.pictures import picture_open
from vault.audit import audit_append, audit_committed
from vault.readonly_admin import ReadOnlyAdmin


class PicturedAdmin(ReadOnlyAdmin):
    """Shows the pictures of its objects to who may look at those."""

    pictured_by: tuple[str, ...] = ()  # the ways from a picture to the object

    def pictures(self, obj: Any) -> "QuerySet[Picture]":
        """Those that belong to the object."""
        return Picture.objects.filter(reduce(or_, (Q(**{way: obj}) for way in self.pictured_by)))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.picture)
        name = f"{self.opts.app_label}_{self.opts.model_name}_picture"
        return [path("<path:object_id>/picture/<path:shown_id>", view, name=name), *super().get_urls()]

    def picture(self, request: HttpRequest, object_id: str, shown_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise PermissionDenied
        shown = unquote(shown_id)
        found = next((row for row in self.pictures(obj) if row.shown_id == shown), None)
        if found is None:
            raise Http404
        with audit_committed():
            audit_append(
                organization_id=found.organization_id,
                project_id=found.project_id,
                actor=f"admin:{request.user.get_username()}",
                action="picture.open",
                resource_type="picture",
                resource_id=shown,
            )
        return HttpResponse(picture_open(shown), content_type="image/jpeg")


def picture_link(shown: Model, text: str, *, beside: Model) -> SafeString | str:
    """To the picture of a question, login or check, on the page of `beside`; nothing where there is none."""
    if not hasattr(shown, "picture"):
        return ""
    address = reverse(f"admin:flows_{beside._meta.model_name}_picture", args=[quote(beside.pk), quote(shown.pk)])
    return format_html('<a href="{}">{}</a>', address, text)
