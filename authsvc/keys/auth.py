"""Bearer authentication for the API, for plain and `async` operations alike."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypedDict

from django.http import HttpRequest
from ninja.security import HttpBearer

from authsvc.keys.services import key_authenticate
from vault.aio import run_db
from vault.principal import Principal

PROJECT_ID_HEADER = "X-Kernel-Project-Id"
PROJECT_NAME_HEADER = "X-Kernel-Project"


class Selected(TypedDict):
    """The project the caller names, empty where it names none."""

    project_id: str
    project_name: str


class KeyBearer(HttpBearer):
    """Sets `request.auth` and `request.principal` to the caller's `Principal`; no or a bad key is a 401.

    Raises `NotFound` for a project that the key cannot reach.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_async = True  # so that ninja awaits what `authenticate` gives to an async operation

    def authenticate(
        self, request: HttpRequest, token: str
    ) -> Principal | Coroutine[Any, Any, Principal | None] | None:
        """On a running loop a coroutine, else the answer itself."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return _authenticate(request, token)
        return _authenticate_async(request, token)


def _authenticate(request: HttpRequest, token: str) -> Principal | None:
    return _set(request, key_authenticate(token, **_project(request)))


async def _authenticate_async(request: HttpRequest, token: str) -> Principal | None:
    return _set(request, await run_db(key_authenticate, token, **_project(request)))


def _project(request: HttpRequest) -> Selected:
    return {
        "project_id": request.headers.get(PROJECT_ID_HEADER, ""),
        "project_name": request.headers.get(PROJECT_NAME_HEADER, ""),
    }


def _set(request: HttpRequest, principal: Principal | None) -> Principal | None:
    request.principal = principal  # type: ignore[attr-defined]  # ninja's `auth` is untyped; this one is ours
    return principal
