"""The plan of a connection: read before a login, written after a success, dropped when it may have misled one.

A flow with `skill_mode: disabled` neither reads nor writes it.
"""

from flows.engine.contract import AuthCheck, ErrorCode
from flows.engine.plan import Plan
from flows.models import Connection, Flow

# Ends that a plan may have led to: the site is not what it was.
_ASTRAY = frozenset(
    {
        ErrorCode.LOGIN_PAGE_NOT_FOUND,
        ErrorCode.TOO_MANY_STEPS,
        ErrorCode.UNSUPPORTED_AUTH_METHOD,
        ErrorCode.VERIFICATION_FAILED,
        ErrorCode.WRONG_ORIGIN,
    }
)


def flow_plans(flow: Flow) -> bool:
    """Whether this flow may use plans."""
    return bool(flow.overrides.get("skill_mode", "enabled") == "enabled")


def plan_of(flow: Flow) -> Plan | None:
    return Plan.from_json(flow.connection.plan) if flow_plans(flow) else None


def check_of(flow: Flow) -> AuthCheck | None:
    """What proved the last login, to be looked at first after this one."""
    known = flow.connection.auth_check
    if not flow_plans(flow) or not known:
        return None
    return AuthCheck.from_json(known)


def plan_store(flow: Flow, plan: Plan | None) -> None:
    """After a success. A profile that was still signed in says nothing of the way, so the old plan stays."""
    if plan is not None and flow_plans(flow):
        Connection.objects.filter(pk=flow.connection_id).update(plan=plan.to_json())


def plan_doubt(flow_id: str, code: ErrorCode) -> None:
    """After a failure: the next login finds its own way again."""
    if code in _ASTRAY:
        Connection.objects.filter(flows__pk=flow_id).update(plan=None)
