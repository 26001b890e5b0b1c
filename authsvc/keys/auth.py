"""Bearer authentication for the API, for plain and `async` operations alike."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypedDict

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from authsvc.keys.services import key_authenticate
from flows.models import Flow
from flows.tokens import token_read
from vault.aio import run_db
from vault.principal import Policy, Principal
from vault.rates import rate_take

PROJECT_ID_HEADER = "X-Kernel-Project-Id"
PROJECT_NAME_HEADER = "X-Kernel-Project"


class Selected(TypedDict):
    """The project the caller names, empty where it names none."""

    project_id: str
    project_name: str


class KeyBearer(HttpBearer):
    """Sets `request.auth` and `request.principal` to the caller's `Principal`; no or a bad key is a 401, and so is a
    login's token that is no longer good.

    Raises `NotFound` for a project that the key cannot reach, `RateLimited` for a key that calls too often.
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
    return _set(request, _caller(token, _project(request)))


async def _authenticate_async(request: HttpRequest, token: str) -> Principal | None:
    return _set(request, await run_db(_caller, token, _project(request)))


def _caller(token: str, project: Selected) -> Principal | None:
    principal = flow_principal(token) if token.count(".") == 2 else key_authenticate(token, **project)
    if principal is not None:
        rate_take(principal.actor, limit=settings.KEY_REQUESTS, at=time.time())
    return principal


def flow_principal(token: str) -> Principal | None:
    """An embeddable component: its policy allows nothing, the doors of its own flow let it in by name."""
    seen = token_read(token)
    flow = Flow.objects.get_queryset().filter(pk=seen.flow_id).first() if seen else None
    if seen is None or flow is None or flow.connection_id != seen.connection_id:
        return None
    return Principal(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        key_id=flow.id,
        key_name="login",
        policy=Policy(statements=()),
        key_project_id=flow.project_id,
        flow_id=flow.id,
    )


def _project(request: HttpRequest) -> Selected:
    return {
        "project_id": request.headers.get(PROJECT_ID_HEADER, ""),
        "project_name": request.headers.get(PROJECT_NAME_HEADER, ""),
    }


def _set(request: HttpRequest, principal: Principal | None) -> Principal | None:
    request.principal = principal  # type: ignore[attr-defined]  # ninja's `auth` is untyped; this one is ours
    return principal
