"""Connections, their flows, what each flow asked, and what happened; and browsers that callers drive themselves.

Every row names its organization and project, and every query starts from a principal (`for_principal`)."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from flows.transitions import LIVE, WAITING, FlowState
from vault.models import NAME_LENGTH, Credential, Profile, TenantModel, id_field

DEFAULT_CHECK_INTERVAL = 3600


class ConnectionStatus(models.TextChoices):
    AUTHENTICATED = "AUTHENTICATED"
    NEEDS_AUTH = "NEEDS_AUTH"


class FlowType(models.TextChoices):
    LOGIN = "LOGIN"
    REAUTH = "REAUTH"


class Proxy(TenantModel):
    """A customer's own proxy. What is secret about it is sealed (`flows.services.proxies`)."""

    class Protocol(models.TextChoices):
        HTTP = "http"
        HTTPS = "https"

    class Status(models.TextChoices):
        AVAILABLE = "available"
        UNAVAILABLE = "unavailable"

    id = id_field("proxy")
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    protocol = models.CharField(max_length=5, choices=Protocol.choices, default=Protocol.HTTPS)
    host = models.CharField(max_length=260)
    port = models.PositiveIntegerField()
    username = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    sealed_password = models.BinaryField(null=True, editable=False)
    sealed_ca_bundle = models.BinaryField(null=True, editable=False)
    bypass_hosts = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, blank=True, default="")
    last_checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "proxies"
        indexes = [models.Index(fields=["project", "-created_at", "id"], name="proxy_newest")]

    def __str__(self) -> str:
        return self.name or self.id


class Connection(TenantModel):
    """A profile kept logged in to a domain. Options that only other parts obey are stored and echoed as given."""

    id = id_field("ma")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="connections")
    domain = models.CharField(max_length=260)
    login_url = models.CharField(max_length=2048, blank=True, default="")
    allowed_domains = models.JSONField(default=list, blank=True)
    consented_origins = models.JSONField(default=list, blank=True)
    credential = models.ForeignKey(
        Credential, null=True, blank=True, on_delete=models.SET_NULL, related_name="connections"
    )
    credential_source = models.JSONField(null=True, blank=True)  # {"provider", "path" | "auto"}
    save_credentials = models.BooleanField(default=True)
    health_checks = models.BooleanField(default=True)
    health_check_interval = models.PositiveIntegerField(default=DEFAULT_CHECK_INTERVAL)
    auto_reauth = models.BooleanField(default=True)
    record_session = models.BooleanField(default=False)
    browser = models.JSONField(default=dict, blank=True)
    telemetry = models.JSONField(null=True, blank=True)
    skill_mode = models.CharField(max_length=16, default="enabled")
    status = models.CharField(max_length=16, choices=ConnectionStatus.choices, default=ConnectionStatus.NEEDS_AUTH)
    post_login_url = models.CharField(max_length=4096, blank=True, default="")
    auth_check = models.JSONField(null=True, blank=True)  # {"url", "signed_in", "signed_out"}
    plan = models.JSONField(null=True, blank=True)  # flows.engine.plan, of the last successful login
    check_due_at = models.DateTimeField(null=True, blank=True)  # None: nothing is checked by itself
    requirements = models.JSONField(null=True, blank=True)  # flows.requirements, of the last successful login
    reauth_failures = models.PositiveSmallIntegerField(default=0)  # unattended logins that failed in a row
    reauth_after = models.DateTimeField(null=True, blank=True)  # no unattended login before
    last_login_at = models.DateTimeField(null=True, blank=True)
    last_auth_check_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "profile", "domain"], name="connection_once_per_profile")
        ]
        indexes = [
            models.Index(fields=["project", "created_at"], name="connection_listing"),
            models.Index(
                fields=["check_due_at"],
                condition=Q(health_checks=True, check_due_at__isnull=False),
                name="connection_check_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} ({self.id})"


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


class RefusedPassword(TenantModel):
    """Fingerprints of a password that a connection's site refused, and of the user name it went with
    (`flows.services.refusals`)."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="refused_passwords")
    account = models.CharField(max_length=64, blank=True, default="")
    password = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "account", "password"], name="password_refused_once")
        ]
        indexes = [models.Index(fields=["created_at"], name="refused_password_age")]

    def __str__(self) -> str:
        return f"at {self.created_at:%H:%M:%S}"


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


class SiteIcon(models.Model):
    """A site's icon, written anew by us; None where it has none that we can show. Shared by all connections of a
    domain: what a site shows to everybody is nobody's secret."""

    domain = models.CharField(primary_key=True, max_length=260)
    image = models.BinaryField(null=True, editable=False)
    fetched_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.domain
