"""Organizations and projects, and who asks on their behalf."""

from django.db import IntegrityError, transaction

from vault.errors import Conflict, NotFound
from vault.models import Organization, Project, ProjectStatus
from vault.principal import ALLOW_ALL, Policy, Principal, Statement
from vault.sealing import data_key_primary
from vault.text import lookup_clean, name_clean

__all__ = [
    "ALLOW_ALL",
    "Policy",
    "Principal",
    "Statement",
    "organization_create",
    "project_create",
    "project_default",
    "project_find",
]

DEFAULT_PROJECT_NAME = "default"


def organization_create(name: str) -> tuple[Organization, Project]:
    """A tenant with its own data key, and its default project."""
    with transaction.atomic():
        organization = Organization.objects.create(name=name_clean(name, what="organization name"))
        data_key_primary(organization.id)
        project = Project.objects.create(organization=organization, name=DEFAULT_PROJECT_NAME, is_default=True)
    return organization, project


def project_create(*, organization_id: str, name: str) -> Project:
    """Raises `Invalid` for a name that cannot be, `Conflict` for one that is taken."""
    clean = name_clean(name, what="project name", forbidden="/%")
    try:
        with transaction.atomic():
            return Project.objects.create(organization_id=organization_id, name=clean)
    except IntegrityError:
        raise Conflict(f"A project named {clean!r} exists already") from None


def project_default(organization_id: str) -> Project:
    """Raises `NotFound` when the organization has none."""
    return _project_get(organization_id=organization_id, is_default=True)


def project_find(*, organization_id: str, project_id: str = "", name: str = "") -> Project:
    """An active project of the organization by its id, else by its name. Raises `NotFound`."""
    if project_id:
        return _project_get(organization_id=organization_id, id=lookup_clean(project_id))
    return _project_get(organization_id=organization_id, name=lookup_clean(name))


def _project_get(**conditions: object) -> Project:
    project = Project.objects.filter(**conditions, status=ProjectStatus.ACTIVE, deleted_at=None).first()
    if project is None:
        raise NotFound("No such project")
    return project
