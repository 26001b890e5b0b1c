"""Where events go, and each message on its way there."""

from django.db import models
from django.db.models import Q

from vault.models import TenantModel, id_field

URL_LENGTH = 2048


class EventType(models.TextChoices):
    AUTHENTICATED = "connection.authenticated"
    NEEDS_AUTH = "connection.needs_auth"
    AWAITING_INPUT = "flow.awaiting_input"
    SUCCEEDED = "flow.succeeded"
    FAILED = "flow.failed"
    TEST = "test"


class Endpoint(TenantModel):
    """An address of a customer. During a rotation both secrets sign, until `previous_until`."""

    id = id_field("whk")
    url = models.CharField(max_length=URL_LENGTH)
    events = models.JSONField(default=list, blank=True)  # event types; empty for all
    enabled = models.BooleanField(default=True)
    sealed_secret = models.BinaryField(editable=False)
    sealed_previous = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "webhook"
        indexes = [models.Index(fields=["project", "-created_at", "id"], name="webhook_newest")]

    def __str__(self) -> str:
        return f"{self.url} ({self.id})"


class Delivery(TenantModel):
    """One message to one endpoint. `due_at` is when it is tried next; empty once it is over."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = id_field("msg")  # also the message id that the receiver sees, the same at every try
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    type = models.CharField(max_length=40, choices=EventType.choices)
    payload = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["endpoint", "-created_at", "id"], name="delivery_newest"),
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.id})"
