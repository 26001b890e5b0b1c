"""Health checks, and the pictures of what they and the logins ended at."""

from django.db import models
from django.db.models import Q

from flows.models.connections import Connection, ConnectionStatus
from flows.models.logins import Flow, Interaction
from vault.models import TenantModel, id_field


class HealthCheck(TenantModel):
    """One look at whether a connection's profile is still signed in. `result` is empty until it is over."""

    class Result(models.TextChoices):
        OK = "ok"
        LOGGED_OUT = "logged_out"
        INDETERMINATE = "indeterminate"

    class Way(models.TextChoices):
        BROWSER = "browser"
        REQUEST = "request"

    id = id_field("hc")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="checks")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=16, choices=Result.choices, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")  # why it is indeterminate, or what followed
    scheduled = models.BooleanField(default=False)
    way = models.CharField(max_length=8, choices=Way.choices, blank=True, default="")  # that told
    previous_status = models.CharField(max_length=16, choices=ConnectionStatus.choices)
    status = models.CharField(max_length=16, choices=ConnectionStatus.choices)  # after it

    class Meta:
        indexes = [
            models.Index(fields=["connection", "-created_at"], name="healthcheck_history"),
            models.Index(fields=["created_at"], condition=Q(ended_at=None), name="healthcheck_running"),
            models.Index(fields=["ended_at"], name="healthcheck_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.result or 'running'}"


class Picture(TenantModel):
    """A sealed JPEG with every field covered, of one of three: what was in the way when a question was asked, where a
    login failed, what a check saw that did not find the profile signed in. Kept for some hours
    (`flows.services.pictures`)."""

    interaction = models.OneToOneField(
        Interaction, null=True, blank=True, on_delete=models.CASCADE, related_name="picture"
    )
    flow = models.OneToOneField(Flow, null=True, blank=True, on_delete=models.CASCADE, related_name="picture")
    health_check = models.OneToOneField(
        HealthCheck, null=True, blank=True, on_delete=models.CASCADE, related_name="picture"
    )
    sealed_image = models.BinaryField(editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(interaction__isnull=False, flow=None, health_check=None)
                | Q(interaction=None, flow__isnull=False, health_check=None)
                | Q(interaction=None, flow=None, health_check__isnull=False),
                name="picture_of_one_thing",
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="picture_age")]

    def __str__(self) -> str:
        return f"of {self.shown_id}"

    @property
    def shown_id(self) -> str:
        """Of the question, login or check."""
        return str(self.interaction_id or self.flow_id or self.health_check_id)
