"""Connections, and what they reach their sites through."""

from django.db import models
from django.db.models import Q

from vault.models import NAME_LENGTH, Credential, Profile, TenantModel, id_field

DEFAULT_CHECK_INTERVAL = 3600


class ConnectionStatus(models.TextChoices):
    AUTHENTICATED = "AUTHENTICATED"
    NEEDS_AUTH = "NEEDS_AUTH"


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


class SiteIcon(models.Model):
    """A site's icon, written anew by us; None where it has none that we can show. Shared by all connections of a
    domain: what a site shows to everybody is nobody's secret."""

    domain = models.CharField(primary_key=True, max_length=260)
    image = models.BinaryField(null=True, editable=False)
    fetched_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.domain
