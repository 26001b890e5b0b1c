"""`/metrics` for Prometheus. It speaks of all tenants, so no API key opens it: only the operator's own token does, and
without one there is no such page."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from authsvc.refusals import refusal
from authsvc.webhooks.models import Delivery
from flows.metrics import metrics_read


class _Now(Collector):
    """Everything, as it is when asked."""

    def collect(self) -> Iterator[Metric]:
        yield from metrics_read(now=timezone.now())
        messages = GaugeMetricFamily("authsvc_webhook_deliveries", "Webhook messages kept, by state", labels=("state",))
        for row in Delivery.objects.values("state").annotate(number=Count("pk")).order_by("state"):
            messages.add_metric((row["state"],), row["number"])
        yield messages


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    token = settings.METRICS_TOKEN
    if not token:
        return refusal("not_found", "AUTHSVC_METRICS_TOKEN is not set")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return refusal("unauthorized", "The metrics need their own token")
    registry = CollectorRegistry()
    registry.register(_Now())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
