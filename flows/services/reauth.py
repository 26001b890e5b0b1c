"""Logging in again without a person: when it may be tried, and when it is left alone for a while."""

from datetime import datetime

from flows.models import Connection, Flow, Interaction
from flows.pauses import choice_from_json, field_from_json
from flows.readiness import connection_can_reauth, connection_names
from flows.requirements import Asked, Requirements, requirements_of
from flows.services.flows import flow_start

FAILURES_MOST = 5  # then only a login that somebody asks for tries again


def reauth_refused(connection: Connection, *, now: datetime) -> str:
    """Why no unattended login begins now, or nothing."""
    if not connection.auto_reauth:
        return "automatic re-authentication is off"
    allowed, reason = connection_can_reauth(connection, connection_names(connection))
    if not allowed:
        return reason
    if connection.reauth_failures >= FAILURES_MOST:
        return f"it failed {connection.reauth_failures} times in a row"
    if connection.reauth_after is not None and connection.reauth_after > now:
        return "it failed a short while ago"
    return ""


def reauth_begin(connection: Connection, *, now: datetime) -> Flow | None:
    """The unattended login, if one may begin; the caller hands it to a worker. None also when a login runs already."""
    if reauth_refused(connection, now=now):
        return None
    flow, new = flow_start(connection, now=now, overrides={"skill_mode": connection.skill_mode}, unattended=True)
    return flow if new else None


def flow_requirements(flow: Flow, *, used: frozenset[str], passkey: bool = False) -> Requirements:
    """What this successful login took, from the names it typed and the questions it asked."""
    rows = Interaction.objects.filter(flow=flow).order_by("created_at")
    return requirements_of(used, [asked for row in rows if (asked := _asked(row)) is not None], passkey=passkey)


def _asked(row: Interaction) -> Asked | None:
    if row.state == Interaction.State.ANSWERED:
        fields = tuple(item for item in map(field_from_json, row.fields) if item.id in row.given)
        choices = [item for item in map(choice_from_json, row.choices) if item.id == row.picked]
        return Asked(fields=fields, picked=choices[0] if choices else None)
    return Asked(external=True) if row.instruction else None
