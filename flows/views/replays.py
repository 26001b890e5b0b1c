"""The page at `replay_view_url`: a recording and nothing else. Its script fetches the file with the token that stands
behind the `#`, so that no address holds one."""

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View

from flows.models import Replay
from flows.ranges import replay_response
from flows.services.replays import State, replay_open

BEARER = "Bearer "


@method_decorator(csp_update({"media-src": [SELF, "blob:"]}), name="dispatch")
class ReplayPage(View):
    """An empty player."""

    def get(self, request: HttpRequest, replay_id: str) -> HttpResponse:
        known = Replay.objects.filter(pk=replay_id, state=State.READY).exists()
        return render(request, "hosted/replay.html", {"replay_id": replay_id}, status=200 if known else 404)


def video(request: HttpRequest, replay_id: str) -> HttpResponse:
    """The file, to whoever holds its token."""
    given = request.headers.get("Authorization", "")
    token = given.removeprefix(BEARER) if given.startswith(BEARER) else ""
    source = request.META.get("REMOTE_ADDR", "")
    replay = replay_open(replay_id, token=token, source=source, now=timezone.now())
    return HttpResponse(status=404) if replay is None else replay_response(request, replay)


app_name = "replays"
urlpatterns = [
    path("<slug:replay_id>", ReplayPage.as_view(), name="view"),
    path("<slug:replay_id>/video", video, name="video"),
]
