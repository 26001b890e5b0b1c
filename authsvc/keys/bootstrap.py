"""The first organization, project and API key of a new installation."""

from dataclasses import dataclass

from django.utils import timezone

from authsvc.keys.models import ApiKey
from authsvc.keys.services import key_create, key_find, token_hash
from vault.models import Organization, Project
from vault.secret import Secret
from vault.tenancy import organization_create, project_default

ORGANIZATION_NAME = "authsvc"
KEY_NAME = "first key"


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """`token` is there only when this call made the key."""

    organization: Organization
    project: Project
    token: Secret | None


def bootstrap(*, api_key: str | None = None) -> Bootstrap:
    """Make what is missing; doing it again changes nothing. With `api_key` that token is made to work."""
    organization = Organization.objects.order_by("created_at", "id").first()
    if organization is None:
        organization, _ = organization_create(ORGANIZATION_NAME)
    project = project_default(organization.id)
    return Bootstrap(organization=organization, project=project, token=_first_token(organization, api_key))


def _first_token(organization: Organization, api_key: str | None) -> Secret | None:
    if api_key:
        if key_find(api_key, now=timezone.now()) is not None:
            return None
        if ApiKey.objects.filter(token_hash=token_hash(api_key)).exists():
            return None  # deleted or expired: what an operator withdrew stays withdrawn
        return key_create(organization_id=organization.id, name=KEY_NAME, token=Secret(api_key))[1]
    if ApiKey.objects.filter(organization=organization).exists():
        return None
    return key_create(organization_id=organization.id, name=KEY_NAME)[1]
