"""Browsers that callers drive themselves, and recordings."""

from django.db import models
from django.db.models import Q

from flows.models.logins import Flow
from vault.models import NAME_LENGTH, Profile, TenantModel, id_field


class BrowserSession(TenantModel):
    """A Chromium of its own that the caller drives over CDP. A worker holds it for as long as it renews the lease."""

    class State(models.TextChoices):
        STARTING = "starting"
        RUNNING = "running"
        ENDED = "ended"

    class Ending(models.TextChoices):
        DELETED = "deleted"
        TIMEOUT = "timeout"  # nobody used it
        CRASHED = "crashed"  # the browser ended by itself
        STOPPED = "stopped"  # its worker was told to stop
        LOST = "lost"  # its worker gave no sign any more
        FAILED = "failed"  # it never ran

    id = id_field("browser")
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    tags = models.JSONField(default=dict, blank=True)  # "=" + key -> value: no key looks like a number to the database
    options = models.JSONField(default=dict)  # flows.services.sessions.NewSession
    profile = models.ForeignKey(Profile, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    save_changes = models.BooleanField(default=False)
    profile_fence = models.PositiveBigIntegerField(null=True, blank=True)  # of the lease that this session holds
    timeout_seconds = models.PositiveIntegerField(default=60)  # of inactivity
    created_by = models.CharField(max_length=128)  # the audit log's actor

    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTING)
    lease_holder = models.CharField(max_length=80, blank=True, default="")
    lease_expires_at = models.DateTimeField()
    address = models.CharField(max_length=260, blank=True, default="")  # host:port of its worker's relay
    live_address = models.CharField(max_length=300, blank=True, default="")  # of its worker's exchange
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True, default="")
    problem = models.CharField(max_length=200, blank=True, default="")  # why it did not start, or kept no changes

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(ended_at__isnull=True) & ~Q(name=""),
                name="browser_name_once_while_active",
            )
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "id"], name="browser_newest"),
            models.Index(fields=["lease_expires_at"], condition=Q(ended_at__isnull=True), name="browser_due"),
            models.Index(fields=["ended_at"], name="browser_ended"),
        ]

    def __str__(self) -> str:
        return self.name or self.id

    @property
    def active(self) -> bool:
        return self.ended_at is None


class Replay(TenantModel):
    """A recording of a caller's browser or of a login, exactly one of the two. Kept for some time, in sealed parts."""

    class State(models.TextChoices):
        RECORDING = "recording"
        READY = "ready"
        FAILED = "failed"

    id = id_field("replay")
    session = models.ForeignKey(BrowserSession, null=True, blank=True, on_delete=models.CASCADE, related_name="replays")
    flow = models.ForeignKey(Flow, null=True, blank=True, on_delete=models.CASCADE, related_name="replays")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECORDING)
    framerate = models.PositiveSmallIntegerField()
    max_seconds = models.PositiveIntegerField()
    size = models.PositiveIntegerField(default=0)  # bytes
    problem = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(session__isnull=True) ^ Q(flow__isnull=True), name="replay_of_one_browser"
            ),
            models.UniqueConstraint(
                fields=["session"], condition=Q(state="recording"), name="one_recording_per_browser"
            ),
        ]
        indexes = [
            models.Index(fields=["started_at"], name="replay_age"),
            models.Index(fields=["started_at"], condition=Q(state="recording"), name="replay_recording"),
        ]

    def __str__(self) -> str:
        return f"of {self.browser_id}"

    @property
    def browser_id(self) -> str:
        """By which `/browsers` knows what was recorded."""
        return str(self.session_id or self.flow_id)


class ReplayPart(models.Model):
    """A stretch of a recording's file (`flows.services.replays`)."""

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["replay", "number"], name="replay_part_once")]

    def __str__(self) -> str:
        return f"{self.replay_id} {self.number}"
