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
from vault.errors import Invalid
from vault.models import Project
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


def _rendered(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in ProjectOut.model_fields}


def _limits(project: Project) -> dict[str, Any]:
    return {name: project.limits.get(name) for name in LIMITS}
