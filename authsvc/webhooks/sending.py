"""One signed request to a customer's endpoint, by the Standard Webhooks specification, through the SSRF guard."""

from dataclasses import dataclass
from datetime import datetime

import httpx
from standardwebhooks import Webhook

from authsvc.webhooks.models import Delivery, Endpoint
from authsvc.webhooks.secrets import endpoint_secrets
from vault.sources.base import SourceError
from vault.sources.outbound import GuardedTransport

SECONDS = 15.0
GONE = 410  # the receiver wants no more


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back. `error` is ours, never the receiver's words."""

    status: int | None = None
    error: str = ""

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == GONE


def headers_for(delivery: Delivery, endpoint: Endpoint, *, now: datetime) -> dict[str, str]:
    """The three headers of the specification; during a rotation with a signature of each secret."""
    signatures = [
        Webhook(secret.reveal()).sign(delivery.id, now, delivery.payload)
        for secret in endpoint_secrets(endpoint, now=now)
    ]
    return {
        "content-type": "application/json",
        "user-agent": "authsvc-webhooks/1",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def send(delivery: Delivery, *, now: datetime) -> Sent:
    """Post it once; redirects are not followed, and what is answered beside the status is not read. Raises the
    vault's `Sealed`."""
    headers = headers_for(delivery, delivery.endpoint, now=now)
    try:
        with httpx.Client(
            transport=GuardedTransport(read_body=False), timeout=SECONDS, follow_redirects=False
        ) as client:
            answer = client.post(delivery.endpoint.url, content=delivery.payload.encode(), headers=headers)
    except SourceError:
        return Sent(error="the address cannot be resolved, or is a private one")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Sent(error=f"no answer: {type(error).__name__}")
    return Sent(status=answer.status_code, error="" if answer.is_success else f"answered {answer.status_code}")
