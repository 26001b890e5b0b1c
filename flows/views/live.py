"""The page at `live_view_url`: a login's browser and nothing else, for a tab or an iframe of a listed parent."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from flows.models import Flow


@require_safe
@xframe_options_exempt
def view(request: HttpRequest, flow_id: str) -> HttpResponse:
    """An empty stage: what it shows comes by the websocket, to whoever holds a token. Framed only by the origins on
    the list of the login's project."""
    rows = Flow.objects.get_queryset().filter(pk=flow_id)
    origins = rows.values_list("project__allowed_origins", flat=True).first()
    response = render(request, "hosted/live.html", {"flow_id": flow_id}, status=200 if origins is not None else 404)
    listed = [origin for origin in origins or () if origin.startswith(("https://", "http://"))]
    if listed:
        setattr(response, "_csp_replace", {"frame-ancestors": listed})  # noqa: B010 - django-csp's own
    return response


app_name = "live"
urlpatterns = [path("<slug:flow_id>", view, name="view")]
