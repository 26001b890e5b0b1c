"""The page at `live_view_url`: the browser of a login or a caller and nothing else, for a tab or a listed parent."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from flows.services.live import live_shown


@require_safe
@xframe_options_exempt
def view(request: HttpRequest, shown_id: str) -> HttpResponse:
    """An empty stage: what it shows comes by the websocket, to whoever holds a token. Framed only by the origins on
    the list of its project."""
    shown = live_shown(shown_id)
    origins = shown.project.allowed_origins if shown is not None else None
    response = render(request, "hosted/live.html", {"flow_id": shown_id}, status=200 if origins is not None else 404)
    listed = [origin for origin in origins or () if origin.startswith(("https://", "http://"))]
    if listed:
        setattr(response, "_csp_replace", {"frame-ancestors": listed})  # noqa: B010 - django-csp's own
    return response


app_name = "live"
urlpatterns = [path("<slug:shown_id>", view, name="view")]
