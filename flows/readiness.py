"""Whether a connection could be logged in without a person, from what is stored about it."""

from flows.engine.plan import Plan
from flows.models import Connection
from flows.requirements import CanReauth, Requirements, can_reauth
from vault.credentials import credential_names


def connection_names(connection: Connection) -> frozenset[str] | None:
    """What the connection's credential holds; nothing without one."""
    return credential_names(connection.credential) if connection.credential is not None else None


def connection_can_reauth(connection: Connection, names: frozenset[str] | None) -> CanReauth:
    """Whether what is stored would do for an unattended login, and why. `names` are those of
    `connection_names`."""
    plan = Plan.from_json(connection.plan) if connection.skill_mode == "enabled" else None
    return can_reauth(
        needed=Requirements.from_json(connection.requirements) if connection.requirements is not None else None,
        names=names,
        outside=bool(connection.credential_source),
        signed_in_before=connection.last_login_at is not None,
        failures=connection.reauth_failures,
        choices_known=plan is not None and plan.picks,
        planned=plan is not None,
    )
