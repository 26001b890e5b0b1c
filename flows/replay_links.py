"""Addresses of recordings' pages. As with live views the token stands behind the `#` and works for some minutes."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from flows.live_links import LiveRight, live_token, live_token_read
from flows.models import Replay


def replay_url(replay: Replay, *, now: datetime) -> str:
    """Absolute; empty until there is something to see."""
    if replay.state != Replay.State.READY:
        return ""
    token = live_token(replay.id, LiveRight.LOOK, now=now)
    return f"{settings.BASE_URL}{reverse('replays:view', args=[replay.id])}#{token}"


def replay_opens(replay_id: str, token: str) -> bool:
    """Whether the token is this recording's."""
    said = live_token_read(token)
    return said is not None and said.shown_id == replay_id
