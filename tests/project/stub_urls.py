"""A small API behind the real assembly, so that every way to fail can be asked for."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field, field_validator

from authsvc.api import api_build
from authsvc.health import router as health_router
from flows import errors as flow_errors
from vault import errors as vault_errors

CANARY = "canary-5d1f"
router = Router()

ERRORS: dict[str, Exception] = {
    "invalid": vault_errors.Invalid("name is too long"),
    "unauthorized": vault_errors.Unauthorized(),
    "forbidden": vault_errors.Forbidden(),
    "not_found": vault_errors.NotFound(),
    "conflict": vault_errors.Conflict("name is taken"),
    "lease_lost": vault_errors.LeaseLost(),
    "sealed": vault_errors.Sealed(),
    "tampered": vault_errors.TamperedError(),
    "connection_not_found": flow_errors.ConnectionNotFound("no such connection"),
    "connection_exists": flow_errors.ConnectionExists("there is one"),
    "interaction_stale": flow_errors.InteractionStale("interaction is over"),
    "http404": Http404(CANARY),
    "denied": PermissionDenied(CANARY),
    "too_many": HttpError(429, "Too many requests"),
    "unexpected": RuntimeError(CANARY),
}


class Sample(Schema):
    name: str = Field(max_length=5)
    size: int = Field(1, ge=1, le=9)
    values: dict[str, str] = {}

    @field_validator("name")
    @classmethod
    def name_check(cls, name: str) -> str:
        if name == "bad":
            raise ValueError(f"{CANARY} may not be")
        return name


@router.get("/stub/fail/{name}", auth=None)
def fail(request: HttpRequest, name: str) -> None:
    raise ERRORS[name]


@router.post("/stub/echo", auth=None)
def echo(request: HttpRequest, body: Sample) -> dict[str, Any]:
    return body.model_dump()


@router.get("/stub/number", auth=None)
async def number(request: HttpRequest, limit: int) -> dict[str, int]:
    return {"limit": limit}


@router.get("/stub/private")
def private(request: HttpRequest) -> dict[str, str]:
    return {"auth": str(request.auth)}  # type: ignore[attr-defined]  # ninja sets it


def _no_one(request: HttpRequest) -> None:
    return None


def _page_missing(request: HttpRequest) -> HttpResponse:
    raise Http404(CANARY)


def _broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(CANARY)


api = api_build([("", router), ("", health_router)], auth=_no_one, namespace="stub")
urlpatterns: list[URLPattern | URLResolver] = [
    path("pages/missing", _page_missing),
    path("pages/broken", _broken),
    path("", api.urls),
]
handler400 = "authsvc.refusals.handler400"
handler403 = "authsvc.refusals.handler403"
handler404 = "authsvc.refusals.handler404"
handler500 = "authsvc.refusals.handler500"
