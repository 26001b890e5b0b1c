"""Starting a login as a caller asks for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from flows.models import Connection, Flow
from flows.services.flows import flow_start


def login_start(connection: Connection, overrides: Mapping[str, Any], *, now: datetime) -> tuple[Flow, bool]:
    """The connection's live flow, and whether it is new. The options hold for a new flow only; its `skill_mode` is
    also that of automatic re-authentications until the next accepted login."""
    with transaction.atomic():
        flow, new = flow_start(connection, now=now, overrides=overrides)
        mode = str(overrides.get("skill_mode", "enabled"))
        if new and mode != connection.skill_mode:
            Connection.objects.filter(pk=connection.pk).update(skill_mode=mode)
    return flow, new
