"""Where the result page leads, as the contract's documentation has it (R20)."""

from datetime import datetime

from flows.models import Flow
from flows.page_options import Onward, PageOptions, onward_of


def onward_step(flow: Flow, options: PageOptions, *, now: datetime) -> Onward:
    """Nothing while the login goes on."""
    status = flow.status_at(now)
    if status == "IN_PROGRESS":
        return Onward()
    allowed = flow.project.allowed_origins
    if status == "SUCCESS":
        profile = flow.connection.profile
        added = {"profile_name": profile.name or profile.id, "domain": flow.connection.domain}
        return onward_of(options.success_url, added, allowed)
    code = flow.error_code or ("flow_expired" if status == "EXPIRED" else "")
    added = ({"code": code} if code else {}) | {"message": flow.error_message or "The login did not succeed."}
    return onward_of(options.error_url, added, allowed)
