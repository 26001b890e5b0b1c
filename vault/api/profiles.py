"""`/profiles`: each operation parses, calls one service and renders."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status

from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, ProfileCreate, ProfileOut, ProfileUpdate, Refusal
from vault.models import Profile
from vault.principal import Principal
from vault.profile_archive import EMPTY_STATE, archive_tar, archive_tar_zst
from vault.profiles import (
    profile_create,
    profile_delete,
    profile_export,
    profile_get,
    profile_list,
    profile_rename,
)

router = Router(tags=["profiles"])
KIND = "profiles"


@router.post("", response={201: ProfileOut, REFUSED: Refusal}, exclude_none=True, summary="Create a profile")
def create(request: HttpRequest, body: ProfileCreate | None = None) -> Status[dict[str, Any]]:
    principal = caller(request)
    principal.require("profiles:write", kind=KIND)
    return Status(201, _rendered(profile_create(principal, name=body.name if body else None)))


@router.get("", response={200: list[ProfileOut], REFUSED: Refusal}, exclude_none=True, summary="List profiles")
def list_profiles(
    request: HttpRequest,
    response: HttpResponse,
    name: str | None = None,
    query: str | None = None,
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    principal = caller(request)
    principal.require("profiles:read", kind=KIND)
    rows = profile_list(principal, name=name, query=query)
    return page(request, response, rows, limit, offset, _rendered)


@router.get("/{path:id_or_name}/download", response={REFUSED: Refusal}, summary="Download a profile's state")
def download(request: HttpRequest, id_or_name: str, format: Literal["tar", "tar.zst"] | None = None) -> HttpResponse:
    """JSON in Playwright's storageState form with `session_storage` and `passkeys` beside it; or an archive of that
    file. Passkeys come with their private keys."""
    principal = caller(request)
    profile = _find(principal, id_or_name, action="profiles:export")
    profile, state = profile_export(principal, profile.id, now=timezone.now())
    content, content_type = _content(profile, state or EMPTY_STATE, format=format)
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{profile.id}.{format or "json"}"'
    response["Cache-Control"] = "no-store"
    return response


@router.get(
    "/{path:id_or_name}",
    response={200: ProfileOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Retrieve a profile",
)
def retrieve(request: HttpRequest, id_or_name: str) -> dict[str, Any]:
    return _rendered(_find(caller(request), id_or_name, action="profiles:read"))


@router.patch(
    "/{path:id_or_name}",
    response={200: ProfileOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Rename a profile",
)
def update(request: HttpRequest, id_or_name: str, body: ProfileUpdate) -> dict[str, Any]:
    principal = caller(request)
    profile = _find(principal, id_or_name, action="profiles:write")
    return _rendered(profile_rename(principal, profile.id, name=body.name))


@router.delete("/{path:id_or_name}", response={204: None, REFUSED: Refusal}, summary="Delete a profile")
def delete(request: HttpRequest, id_or_name: str) -> Status[None]:
    principal = caller(request)
    profile_delete(principal, _find(principal, id_or_name, action="profiles:write").id)
    return Status(204, None)


def _find(principal: Principal, id_or_name: str, *, action: str) -> Profile:
    profile = profile_get(principal, id_or_name)
    principal.require(action, kind=KIND, record_id=profile.id)
    return profile


def _content(profile: Profile, state: bytes, *, format: str | None) -> tuple[bytes, str]:
    match format:
        case "tar":
            return archive_tar(state, changed_at=profile.updated_at), "application/x-tar"
        case "tar.zst":
            return archive_tar_zst(state, changed_at=profile.updated_at), "application/zstd"
        case _:
            return state, "application/json"


def _rendered(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "name": profile.name,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
        "last_used_at": profile.last_used_at,
    }
