"""API keys. Only a hash of the token is kept."""

from django.db import models

from vault.models import ID_LENGTH, NAME_LENGTH, Organization, Project, id_field
from vault.secret import Secret


class ApiKey(models.Model):
    """A caller's key: of one project, or of the whole organization when `project` is empty.

    `policy` is `{"statements": [{"action", "resource"}]}`, or nothing for a key that may do everything in its scope.
    """

    id = id_field("key")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys", null=True, blank=True)
    name = models.CharField(max_length=NAME_LENGTH)
    masked = models.CharField(max_length=32, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    policy = models.JSONField(null=True, blank=True, default=None)
    created_by = models.CharField(max_length=ID_LENGTH, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    token: Secret | None = None  # on the very instance that was just made in the admin site, never stored

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["organization", "-created_at", "id"], name="keys_apikey_newest")]

    def __str__(self) -> str:
        return self.name
