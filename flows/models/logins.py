"""Logins, what each one asked, and what happened."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from flows.models.connections import Connection
from flows.transitions import LIVE, WAITING, FlowState
from vault.models import TenantModel, id_field


class FlowType(models.TextChoices):
    LOGIN = "LOGIN"
    REAUTH = "REAUTH"


class OnceKey(TenantModel):
    """An idempotency key that was used, and the id of what it made."""

    scope = models.CharField(max_length=80)
    key_hash = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    result = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "scope", "key_hash"], name="once_per_key")]
        indexes = [models.Index(fields=["project", "created_at"], name="once_age")]

    def __str__(self) -> str:
        return f"{self.scope} {self.result}"


class Flow(TenantModel):
    """One attempt to log in. `attempt` counts the workers that took it: what an earlier one writes is refused."""

    id = id_field("flow")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="flows")
    type = models.CharField(max_length=8, choices=FlowType.choices, default=FlowType.LOGIN)
    state = models.CharField(
        max_length=32,
        choices=[(state.value, state.value) for state in FlowState],
        default=FlowState.DISCOVERING,
    )
    reached = models.CharField(max_length=32, default=FlowState.DISCOVERING)  # the last live state
    overrides = models.JSONField(default=dict, blank=True)  # this login's own browser options
    unattended = models.BooleanField(default=False)  # begun by a health check
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    lease_holder = models.CharField(max_length=80, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    address = models.CharField(max_length=300, blank=True, default="")  # of the worker, for the live view
    dispatched_at = models.DateTimeField()

    generation = models.PositiveIntegerField(default=1)  # of the hosted link
    used_generation = models.PositiveIntegerField(default=0)  # links up to this one are spent
    page_session_hash = models.CharField(max_length=64, blank=True, default="")  # of the browser that opened it
    page_options = models.JSONField(default=dict, blank=True)  # flows.page_options, of the link that was opened

    rejected = models.JSONField(default=list, blank=True)  # refs the site refused in this flow
    sent = models.JSONField(default=dict, blank=True)  # ref -> how often it was typed, outcome seen or not
    prints = models.JSONField(default=dict, blank=True)  # flows.services.refusals, of what was typed last
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.CharField(max_length=1000, blank=True, default="")
    website_error = models.CharField(max_length=1000, blank=True, default="")
    post_login_url = models.CharField(max_length=4096, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=[state.value for state in LIVE]),
                name="one_live_flow_per_connection",
            )
        ]
        indexes = [
            models.Index(fields=["connection", "-created_at"], name="flow_history"),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state__in=[state.value for state in LIVE]),
                name="flow_due",
            ),
            models.Index(fields=["ended_at"], name="flow_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def waiting(self) -> bool:
        return self.state in WAITING

    def status_at(self, now: datetime) -> str:
        """The wire's `flow_status`; a flow past its time is expired even before anybody noted it."""
        if self.live:
            return "EXPIRED" if now >= self.expires_at else "IN_PROGRESS"
        return self.state

    def step_at(self, now: datetime) -> str:
        """The wire's `flow_step`."""
        return self.state if self.status_at(now) == "IN_PROGRESS" else "COMPLETED"


class Interaction(TenantModel):
    """One actionable pause. `sealed_values` holds what was submitted until the flow ends, then nothing."""

    class State(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        WITHDRAWN = "withdrawn"

    id = id_field("int")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="interactions")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    url = models.CharField(max_length=4096, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="")
    fields = models.JSONField(default=list)  # flows.pauses.fields_to_json
    choices = models.JSONField(default=list)
    instruction = models.TextField(blank=True, default="")
    website_error = models.CharField(max_length=1000, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    picked = models.CharField(max_length=80, blank=True, default="")
    given = models.JSONField(default=list)  # ids of the fields that were submitted
    sealed_values = models.BinaryField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow"], condition=Q(state="open"), name="one_open_interaction_per_flow")
        ]
        indexes = [models.Index(fields=["flow", "-created_at"], name="interaction_history")]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class FlowEvent(TenantModel):
    """What a flow looked like after a change, as its followers saw it. Carries no value and no link."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    state = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["flow", "id"], name="flow_event_order")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%H:%M:%S}"
