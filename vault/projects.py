"""The projects of an organization, as its keys see and change them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet

from vault.audit import audit_append
from vault.errors import Conflict, Forbidden, Invalid, NotFound
from vault.models import Project, ProjectStatus, TenantModel
from vault.principal import Principal
from vault.tenancy import project_create
from vault.text import lookup_clean, name_clean, searchable

KIND = "projects"
READ, WRITE = "projects:read", "projects:write"
LIMITS = ("max_concurrent_sessions", "max_concurrent_invocations")
LIMIT_MOST = 1_000_000
ORIGINS_MOST = 50
# An origin as browsers write it, or a scheme of an application of its own.
ORIGIN = re.compile(r"https?://[a-z0-9._-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?|[a-z][a-z0-9+.-]*:")
SCHEMES_NEVER = frozenset({"http:", "https:", "javascript:", "data:", "file:", "blob:", "about:", "vbscript:"})


def projects_list(principal: Principal, *, name: str | None, query: str | None) -> QuerySet[Project]:
    """Those this key reaches: all of the organization, or the one it is bound to."""
    principal.require(READ, kind=KIND, project_id="*")
    rows = _reachable(principal)
    if not searchable(name or "") or not searchable(query or ""):
        return rows.none()
    if name:
        rows = rows.filter(name__iexact=name)
    if query:
        rows = rows.filter(name__icontains=query)
    return rows.order_by("-created_at", "pk")


def project_get(principal: Principal, id_or_name: str, *, action: str = READ) -> Project:
    """Archived ones too. Raises `NotFound`, `Forbidden`."""
    wanted = lookup_clean(id_or_name)
    rows = _reachable(principal)
    project = rows.filter(pk=wanted).first() or rows.filter(name=wanted).first()
    if project is None:
        raise NotFound("No such project")
    principal.require(action, kind=KIND, record_id=project.id, project_id=project.id)
    if action == WRITE:
        _organization_wide(principal)
    return project


def project_new(principal: Principal, *, name: str) -> Project:
    """Raises `Invalid`, `Conflict` for a name that is taken, `Forbidden` for a key of one project."""
    principal.require(WRITE, kind=KIND, project_id="*")
    _organization_wide(principal)
    with transaction.atomic():
        project = project_create(organization_id=principal.organization_id, name=name)
        _record(principal, "project.create", project)
    return project


def project_update(
    principal: Principal,
    project: Project,
    *,
    name: str | None = None,
    status: str | None = None,
    allowed_origins: Sequence[str] | None = None,
) -> Project:
    """Change what is given. The default project stays active."""
    if status == ProjectStatus.ARCHIVED and project.is_default:
        raise Invalid("The default project cannot be archived")
    if name is not None:
        project.name = name_clean(name, what="project name", forbidden="/%")
    if status is not None:
        project.status = status
    if allowed_origins is not None:
        project.allowed_origins = origins_clean(allowed_origins)
    try:
        with transaction.atomic():
            project.save()
            _record(principal, "project.update", project)
    except IntegrityError:
        raise Conflict(f"A project named {project.name!r} exists already") from None
    return project


def project_delete(principal: Principal, project: Project, *, now: datetime) -> None:
    """Take an empty project out of use; its name is free again. Raises `Conflict` while anything is in it."""
    if project.is_default:
        raise Invalid("The default project cannot be deleted")
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if full := [model for model in _contents() if model._base_manager.filter(project_id=project.id).exists()]:
            raise Conflict(f"The project still has {full[0]._meta.verbose_name_plural}")
        Project.objects.filter(pk=project.pk).update(deleted_at=now, status=ProjectStatus.ARCHIVED)
        _record(principal, "project.delete", project)


def limits_update(principal: Principal, project: Project, changes: Mapping[str, int | None]) -> Project:
    """Set the caps that are given; 0 removes one. Raises `Invalid`."""
    limits = dict(project.limits)
    for name, value in changes.items():
        if name not in LIMITS or value is None or not 0 <= value <= LIMIT_MOST:
            raise Invalid(f"{name} cannot be set to this")
        limits[name] = value
    project.limits = {name: value for name, value in limits.items() if value}
    with transaction.atomic():
        project.save(update_fields=["limits", "updated_at"])
        _record(principal, "project.limits", project)
    return project


def origins_clean(origins: Sequence[str]) -> list[str]:
    """Origins of web pages (`https://app.example`), or schemes of applications (`myapp:`), without doubles."""
    if len(origins) > ORIGINS_MOST:
        raise Invalid(f"allowed_origins must have at most {ORIGINS_MOST} entries")
    clean = [origin.strip().lower().removesuffix("/") for origin in origins]
    if bad := [n for n, origin in enumerate(clean) if not ORIGIN.fullmatch(origin) or origin in SCHEMES_NEVER]:
        raise Invalid(f"allowed_origins: entry {bad[0] + 1} is not an origin like https://app.example")
    return list(dict.fromkeys(clean))


def _reachable(principal: Principal) -> QuerySet[Project]:
    rows = Project.objects.filter(organization_id=principal.organization_id, deleted_at=None)
    return rows.filter(pk=principal.key_project_id) if principal.key_project_id else rows


def _organization_wide(principal: Principal) -> None:
    if principal.key_project_id is not None:
        raise Forbidden("A key of one project cannot change projects")


def _contents() -> list[type[Model]]:
    """What belongs to projects, whichever app it is of."""
    fields = Project._meta.get_fields(include_hidden=True)
    related = [field.related_model for field in fields if field.auto_created and field.one_to_many]
    return [model for model in related if isinstance(model, type) and issubclass(model, TenantModel)]


def _record(principal: Principal, action: str, project: Project) -> None:
    audit_append(
        organization_id=project.organization_id,
        project_id=project.id,
        actor=principal.actor,
        action=action,
        resource_type="project",
        resource_id=project.id,
        details={"name": project.name},
    )
