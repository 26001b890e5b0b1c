"""Stretches of a file, as HTTP asks for them: what a player needs to jump."""

import re

from django.http import HttpRequest, HttpResponse

from flows.models import Replay
from flows.services.replays import Stretch, replay_read

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
VIDEO = "video/mp4"


def stretch_wanted(header: str, size: int) -> Stretch | None:
    """What one range asks for; the whole for anything else. None for a range that lies outside."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return Stretch(0, size)
    if not match[1]:
        return Stretch(max(0, size - int(match[2])), size) if int(match[2]) else None
    first, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
    if first >= size:
        return None
    return Stretch(first, end) if first < end else Stretch(0, size)


def replay_response(request: HttpRequest, replay: Replay) -> HttpResponse:
    """The recording's file or the stretch of it that is asked for."""
    stretch = stretch_wanted(request.headers.get("Range", ""), replay.size)
    if stretch is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{replay.size}"})
    whole = stretch == Stretch(0, replay.size)
    response = HttpResponse(replay_read(replay, stretch), content_type=VIDEO, status=200 if whole else 206)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = f'inline; filename="{replay.id}.mp4"'
    if not whole:
        response["Content-Range"] = f"bytes {stretch.first}-{stretch.end - 1}/{replay.size}"
    return response
