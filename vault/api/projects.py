"""`/org/projects`: each operation parses, calls one service and renders."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.branding import branding_get, branding_update
from vault.colours import accent_dark, accent_light
from vault.errors import Invalid
from vault.models import Branding, Project
from vault.projects import (
    LIMITS,
    WRITE,
    limits_update,
    project_delete,
    project_get,
    project_new,
    project_update,
    projects_list,
)

router = Router(tags=["projects"])


class ProjectCreate(Schema):
    name: str


class ProjectUpdate(Schema):
    name: str | None = None
    status: Literal["active", "archived"] | None = None
    allowed_origins: list[Annotated[str, Field(max_length=300)]] | None = Field(
        None, description="Origins of pages that may use a login's JWT and be returned to; ours, not the SDK's"
    )


class ProjectOut(Schema):
    id: str
    name: str
    status: Literal["active", "archived"]
    created_at: datetime
    updated_at: datetime
    allowed_origins: list[str]


class BrandingChange(Schema):
    """What is given is changed; an empty text takes a member away."""

    name: str | None = None
    accent: str | None = Field(None, description="`#rrggbb`; moved until it can be read on either theme")
    theme: Literal["auto", "light", "dark", ""] | None = None
    logo: str | None = Field(None, description="A picture as `data:image/…;base64,…`, at most 512 kB")
    privacy_url: str | None = None
    terms_url: str | None = None
    support_url: str | None = Field(None, description="`https://` or `mailto:`")
    welcome: str | None = Field(None, description="Own words before the login begins")
    farewell: str | None = Field(None, description="Own words when it succeeded")


class AccentShown(Schema):
    light: str
    dark: str


class BrandingOut(Schema):
    name: str
    accent: str
    accent_shown: AccentShown | None = Field(None, description="The colour as each theme shows it")
    theme: Literal["auto", "light", "dark"]
    has_logo: bool
    privacy_url: str
    terms_url: str
    support_url: str
    welcome: str
    farewell: str


class Limits(Schema):
    max_concurrent_invocations: int | None = None
    max_concurrent_sessions: int | None = None
    max_pooled_sessions: int | None = None


@router.post("", response={201: ProjectOut, REFUSED: Refusal}, summary="Create a project")
def create(request: HttpRequest, body: ProjectCreate) -> Status[Project]:
    return Status(201, project_new(caller(request), name=body.name))


@router.get("", response={200: list[ProjectOut], REFUSED: Refusal}, summary="List projects")
def list_projects(
    request: HttpRequest,
    response: HttpResponse,
    name: str | None = None,
    query: str | None = None,
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    return page(request, response, projects_list(caller(request), name=name, query=query), limit, offset, _rendered)


@router.get("/{id_or_name}/limits", response={200: Limits, REFUSED: Refusal}, summary="A project's limits")
def limits(request: HttpRequest, id_or_name: str) -> dict[str, Any]:
    return _limits(project_get(caller(request), id_or_name))


@router.patch("/{id_or_name}/limits", response={200: Limits, REFUSED: Refusal}, summary="Change a project's limits")
def limits_change(request: HttpRequest, id_or_name: str, body: Limits) -> dict[str, Any]:
    principal = caller(request)
    project = project_get(principal, id_or_name, action=WRITE)
    changes = body.model_dump(exclude_unset=True)
    if changes.pop("max_pooled_sessions", None) is not None:
        raise Invalid("max_pooled_sessions is no longer known: use max_concurrent_sessions")
    given = {name: value for name, value in changes.items() if value is not None}
    return _limits(limits_update(principal, project, given))


@router.get("/{id_or_name}/branding", response={200: BrandingOut, REFUSED: Refusal}, summary="How hosted pages look")
def branding(request: HttpRequest, id_or_name: str) -> dict[str, Any]:
    return _branding(branding_get(project_get(caller(request), id_or_name)))


@router.patch(
    "/{id_or_name}/branding", response={200: BrandingOut, REFUSED: Refusal}, summary="Change how hosted pages look"
)
def branding_change(request: HttpRequest, id_or_name: str, body: BrandingChange) -> dict[str, Any]:
    principal = caller(request)
    project = project_get(principal, id_or_name, action=WRITE)
    given = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    return _branding(branding_update(principal, project, given))


@router.get("/{id_or_name}", response={200: ProjectOut, REFUSED: Refusal}, summary="Retrieve a project")
def retrieve(request: HttpRequest, id_or_name: str) -> Project:
    return project_get(caller(request), id_or_name)


@router.patch("/{id_or_name}", response={200: ProjectOut, REFUSED: Refusal}, summary="Change a project")
def update(request: HttpRequest, id_or_name: str, body: ProjectUpdate) -> Project:
    principal = caller(request)
    project = project_get(principal, id_or_name, action=WRITE)
    return project_update(principal, project, name=body.name, status=body.status, allowed_origins=body.allowed_origins)


@router.delete("/{id_or_name}", response={204: None, REFUSED: Refusal}, summary="Delete an empty project")
def delete(request: HttpRequest, id_or_name: str) -> Status[None]:
    principal = caller(request)
    project_delete(principal, project_get(principal, id_or_name, action=WRITE), now=timezone.now())
    return Status(204, None)


def _branding(row: Branding) -> dict[str, Any]:
    shown = {"light": accent_light(row.accent).plain, "dark": accent_dark(row.accent).plain} if row.accent else None
    members = ("name", "accent", "theme", "privacy_url", "terms_url", "support_url", "welcome", "farewell")
    return {name: getattr(row, name) for name in members} | {"accent_shown": shown, "has_logo": row.logo is not None}


def _rendered(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in ProjectOut.model_fields}


def _limits(project: Project) -> dict[str, Any]:
    return {name: project.limits.get(name) for name in LIMITS}
