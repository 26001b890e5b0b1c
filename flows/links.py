"""The hosted link of a flow: an HMAC over flow and generation, so that it can be shown again while only the
generation and whether it was used are stored."""

import hashlib
import hmac

from django.conf import settings
from django.urls import reverse

from flows.models import Flow


def handoff_code(*, flow_id: str, generation: int) -> str:
    """64 hexadecimal characters."""
    key = hashlib.sha256(b"authsvc handoff code\0" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{flow_id}\0{generation}".encode(), hashlib.sha256).hexdigest()


def code_matches(flow: Flow, code: str) -> bool:
    """Whether `code` is the flow's present link, in constant time; says nothing about its being used."""
    return hmac.compare_digest(handoff_code(flow_id=flow.id, generation=flow.generation).encode(), code.encode())


def hosted_url(flow: Flow) -> str:
    """Absolute, from configuration, never from the request."""
    code = handoff_code(flow_id=flow.id, generation=flow.generation)
    return f"{settings.BASE_URL}{reverse('hosted:login', args=[flow.id])}?code={code}"
