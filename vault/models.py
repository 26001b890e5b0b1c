"""Tenants and what is sealed for them. Binary columns hold sealed values (`vault.crypto`) and nothing readable."""

from functools import partial

from django.db import models
from django.db.models import Q

from vault.ids import new_id
from vault.querysets import TenantManager

NAME_LENGTH = 255
DOMAIN_LENGTH = 260  # 253 characters of host, a colon and a port
ID_LENGTH = 40


def id_field(prefix: str) -> "models.CharField[str, str]":
    """A primary key made by `new_id(prefix)`."""
    return models.CharField(primary_key=True, max_length=ID_LENGTH, default=partial(new_id, prefix), editable=False)


class Organization(models.Model):
    """A tenant."""

    id = id_field("org")
    name = models.CharField(max_length=NAME_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class DataKey(models.Model):
    """A key that seals an organization's values, itself wrapped by the key-encryption key `kek_id`."""

    id = id_field("dk")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="data_keys")
    wrapped = models.BinaryField()
    kek_id = models.CharField(max_length=64, db_index=True)
    is_primary = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(is_primary=True), name="vault_datakey_one_primary"
            )
        ]

    def __str__(self) -> str:
        return self.id


class VaultSeal(models.Model):
    """There is one row while the vault is sealed, else none."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    sealed_by = models.CharField(max_length=128)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="vault_seal_only_one")]

    def __str__(self) -> str:
        return f"sealed by {self.sealed_by}"


class ProjectStatus(models.TextChoices):
    ACTIVE = "active"
    ARCHIVED = "archived"


class Project(models.Model):
    """A namespace inside an organization."""

    id = id_field("proj")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=NAME_LENGTH)
    status = models.CharField(max_length=16, choices=ProjectStatus.choices, default=ProjectStatus.ACTIVE)
    is_default = models.BooleanField(default=False)
    limits = models.JSONField(default=dict, blank=True)  # {"max_concurrent_sessions": 5}; absent: no cap
    allowed_origins = models.JSONField(default=list, blank=True)  # of pages that may embed or be returned to
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(deleted_at=None), name="vault_project_name"
            ),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(is_default=True), name="vault_project_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Branding(models.Model):
    """How a project's hosted pages look (`vault.branding`). Empty members fall back to the organization and to us."""

    class Theme(models.TextChoices):
        AUTO = "auto"
        LIGHT = "light"
        DARK = "dark"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="branding")
    name = models.CharField(max_length=80, blank=True, default="", help_text="Who asks people to sign in")
    accent = models.CharField(max_length=7, blank=True, default="", help_text="Like #2251cc; made readable when shown")
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    logo = models.BinaryField(null=True, editable=False)  # PNG, written by us
    privacy_url = models.CharField(max_length=500, blank=True, default="")
    terms_url = models.CharField(max_length=500, blank=True, default="")
    support_url = models.CharField(max_length=500, blank=True, default="", help_text="https:// or mailto:")
    welcome = models.CharField(max_length=500, blank=True, default="", help_text="Shown before the login begins")
    farewell = models.CharField(max_length=500, blank=True, default="", help_text="Shown when it succeeded")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "branding"

    def __str__(self) -> str:
        return self.name or str(self.project_id)


class TenantModel(models.Model):
    """A row of one project."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True


class Credential(TenantModel):
    """Named, encrypted values for a domain, with an optional seed for one-time codes."""

    id = id_field("cred")
    name = models.CharField(max_length=NAME_LENGTH)
    domain = models.CharField(max_length=DOMAIN_LENGTH)
    sso_provider = models.CharField(max_length=64, blank=True, default="")
    sealed_totp = models.BinaryField(null=True)
    totp_algorithm = models.CharField(max_length=8, default="SHA1")
    totp_digits = models.PositiveSmallIntegerField(default=6)
    totp_period = models.PositiveIntegerField(default=30)
    last_totp_step = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="vault_credential_name")]
        indexes = [
            models.Index(fields=["project", "-created_at", "id"], name="vault_credential_newest"),
            models.Index(fields=["project", "domain"], name="vault_credential_domain"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_totp_secret(self) -> bool:
        return self.sealed_totp is not None


class CredentialValue(TenantModel):
    """One value of a credential. `rejected` says that the site refused this very value."""

    id = id_field("val")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="values")
    name = models.CharField(max_length=NAME_LENGTH)
    sealed = models.BinaryField()
    rejected = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "name"], name="vault_credentialvalue_name")]

    def __str__(self) -> str:
        return self.name


class Profile(TenantModel):
    """Encrypted browser state. One writer at a time holds the lease; each lease raises the fencing number."""

    id = id_field("prof")
    name = models.CharField(max_length=NAME_LENGTH, null=True, blank=True)
    latest_number = models.PositiveIntegerField(default=0)
    lease_holder = models.CharField(max_length=128, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="vault_profile_name")]
        indexes = [models.Index(fields=["project", "-created_at", "id"], name="vault_profile_newest")]

    def __str__(self) -> str:
        return self.name or self.id


class ProfileVersion(TenantModel):
    """One saved state of a profile, under a key of its own that `kek_id` wraps. `size` is in bytes, unsealed."""

    id = id_field("pver")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()
    wrapped_key = models.BinaryField()
    kek_id = models.CharField(max_length=64, db_index=True)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "number"], name="vault_profileversion_number")]

    def __str__(self) -> str:
        return f"{self.profile_id} #{self.number}"


class AuditHead(models.Model):
    """Where an organization's audit chain ends. Locked while a record is appended."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="audit_head"
    )
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"{self.organization_id} #{self.seq}"


class AuditRecord(models.Model):
    """Who did what, when and with what outcome. `project_id` and `resource_id` outlive what they name."""

    id = id_field("aud")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project_id = models.CharField(max_length=ID_LENGTH, blank=True, default="")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=128)
    action = models.CharField(max_length=64)
    resource_type = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=128, blank=True, default="")
    outcome = models.CharField(max_length=32)
    details = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = TenantManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "seq"], name="vault_auditrecord_seq"),
        ]
        indexes = [models.Index(fields=["organization", "project_id", "-at"], name="vault_auditrecord_newest")]

    def __str__(self) -> str:
        return f"{self.action} #{self.seq}"


class CredentialProvider(models.Model):
    """An outside source of credentials, of one of the kinds in `vault.sources`. Belongs to the whole organization."""

    id = id_field("cp")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="credential_providers")
    name = models.CharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=32)
    server_url = models.CharField(max_length=2048, blank=True, default="")
    options = models.JSONField(default=dict, blank=True)
    sealed_token = models.BinaryField()
    enabled = models.BooleanField(default=True)
    priority = models.IntegerField(default=0)
    cache_ttl_seconds = models.PositiveIntegerField(default=300)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="vault_credentialprovider_name")]

    def __str__(self) -> str:
        return self.name


class ProviderItem(models.Model):
    """What is remembered about one outside item, never its values: which codes were used and what a site refused."""

    provider = models.ForeignKey(CredentialProvider, on_delete=models.CASCADE, related_name="items")
    item_id = models.CharField(max_length=512)
    last_totp_step = models.BigIntegerField(null=True)
    rejected_version = models.CharField(max_length=64, blank=True, default="")
    rejected_names = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "item_id"], name="vault_provideritem_once")]

    def __str__(self) -> str:
        return f"{self.provider_id}/{self.item_id}"
