"""Starting a login as a caller asks for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from flows.models import Connection, Flow
from flows.services.flows import flow_start
from flows.transitions import LIVE
from vault.rates import rate_take


def login_start(connection: Connection, overrides: Mapping[str, Any], *, now: datetime) -> tuple[Flow, bool]:
    """The connection's live flow, and whether it is new. The options hold for a new flow only; its `skill_mode` is
    also that of automatic re-authentications until the next accepted login. Raises `RateLimited` for a domain that
    had too many new logins this minute; joining a running one is no new login."""
    running = Flow.objects.filter(connection=connection, state__in=LIVE, expires_at__gt=now)
    if not running.exists():
        rate_take(f"logins:{connection.domain}", limit=settings.DOMAIN_LOGINS, at=now.timestamp())
    with transaction.atomic():
        flow, new = flow_start(connection, now=now, overrides=overrides)
        mode = str(overrides.get("skill_mode", "enabled"))
        if new and mode != connection.skill_mode:
            Connection.objects.filter(pk=connection.pk).update(skill_mode=mode)
    return flow, new
