"""A login's one-time code for a token, for components that are not the hosted page."""

import time

from django.conf import settings
from django.utils import timezone

from flows.errors import CodeRefused, ConnectionNotFound
from flows.models import Flow
from flows.services.handoff import LinkOpen, LinkRefusal, link_exchange, page_token
from flows.tokens import token_issue
from vault.rates import rate_take

REFUSALS = {
    LinkRefusal.UNKNOWN: ("code_invalid", "This code opens no login"),
    LinkRefusal.STALE: ("code_invalid", "This code opens no login"),
    LinkRefusal.USED: ("code_used", "This code was used before"),
    LinkRefusal.OVER: ("flow_over", "This login is over: start another"),
}


def code_exchange(connection_id: str, code: str, *, address: str) -> str:
    """The token for the connection's newest flow; the code is spent. Raises `ConnectionNotFound` for a connection
    without a flow, `RateLimited`, and `CodeRefused`, which is on record."""
    flow = Flow.objects.get_queryset().filter(connection_id=connection_id).order_by("-created_at", "-pk").first()
    if flow is None:
        raise ConnectionNotFound("No such connection")
    rate_take(f"link:{flow.id}", limit=settings.LINK_TRIES, at=time.time())
    now = timezone.now()
    seen = link_exchange(flow.id, code, token=page_token(), address=address, now=now)
    if not isinstance(seen, LinkOpen):
        refused, message = REFUSALS[seen]
        raise CodeRefused(message, code=refused)
    return token_issue(seen.flow, now=now)
