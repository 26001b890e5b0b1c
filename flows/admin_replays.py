"""Recordings in the admin site: what was recorded when, and a player. Whoever plays one is on record first."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flows.models import Replay
from flows.ranges import replay_response
from flows.services.replays import State, replay_record
from vault.readonly_admin import ReadOnlyAdmin


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    list_display = ("id", "what", "state", "started_at", "took", "shown_size", "organization", "project")
    list_filter = ("state", ("started_at", admin.DateFieldListFilter), "organization")
    search_fields = ("=id", "=session__id", "=flow__id", "session__name", "flow__connection__domain")
    search_help_text = "Domain, a browser's name, or the id of a recording, browser or login"
    list_select_related = ("session", "flow__connection", "organization", "project")
    ordering = ("-started_at",)
    date_hierarchy = "started_at"
    fields = (
        "player",
        ("id", "state"),
        "what",
        ("organization", "project"),
        ("started_at", "finished_at", "took"),
        ("framerate", "max_seconds", "shown_size"),
        "problem",
    )

    class Media:
        css = {"all": ["hosted/replay.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.video)
        return [path("<path:replay_id>/video", view, name="flows_replay_video"), *super().get_urls()]

    @method_decorator(csp_update({"media-src": [SELF]}))
    def change_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(*args, **kwargs)

    def video(self, request: HttpRequest, replay_id: str) -> HttpResponse:
        """The file or a stretch of it, for who may look at recordings."""
        replay = self.get_object(request, unquote(replay_id))
        if replay is None or not self.has_view_permission(request, replay):
            raise PermissionDenied
        if replay.state != State.READY:
            raise Http404
        replay_record(replay, actor=f"admin:{request.user.get_username()}", action="replay.open")
        return replay_response(request, replay)

    @admin.display(description="Recording")
    def player(self, replay: Replay) -> SafeString | str:
        if replay.state != State.READY:
            return replay.get_state_display()
        address = reverse("admin:flows_replay_video", args=[quote(replay.pk)])
        return format_html(
            '<video class="replay-video" controls playsinline preload="metadata" src="{}"></video>', address
        )

    @admin.display(description="Of")
    def what(self, replay: Replay) -> SafeString | str:
        if replay.flow is None:
            return f"browser {replay.session or replay.browser_id}"
        address = reverse("admin:flows_flow_change", args=[quote(replay.flow.pk)])
        return format_html('<a href="{}">login at {}</a>', address, replay.flow.connection.domain)

    @admin.display(description="Took")
    def took(self, replay: Replay) -> str:
        if replay.finished_at is None:
            return ""
        return f"{(replay.finished_at - replay.started_at).total_seconds():.0f} s"

    @admin.display(description="Size", ordering="size")
    def shown_size(self, replay: Replay) -> str:
        return filesizeformat(replay.size) if replay.size else ""
