"""The API: every router of the house under one description, one way to sign in, one form of error.

Mounted at the root of the site: `/auth/connections`, `/credentials`, `/profiles`; the description is at
`/openapi.json`, readable at `/docs`.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.openapi.docs import Swagger
from ninja.parser import Parser

from authsvc.health import router as health_router
from authsvc.keys.api import context, keys
from authsvc.keys.auth import KeyBearer
from authsvc.refusals import refusals_install
from authsvc.webhooks.api import router as webhooks_router
from flows.api import router as flows_router
from vault.api import router as vault_router

DESCRIPTION = """Keeps browser profiles logged in. Sign in with `Authorization: Bearer <API key>`; choose a
project with `X-Kernel-Project-Id` or `X-Kernel-Project`. Refusals are `{"code", "message", "details"?}`."""


class StrictParser(Parser):
    """JSON that every database and model downstream can hold: no NaN, no NUL, no half of a surrogate pair."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(request.body, parse_constant=_refuse_constant)
        if b"\\u" in request.body:
            text = json.dumps(parsed, ensure_ascii=False)
            text.encode()
            if "\\u0000" in text:
                raise ValueError("NUL in a text")
        return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def api_build(
    routers: Sequence[tuple[str, Router]], *, auth: Callable[[HttpRequest], Any], namespace: str = "api"
) -> NinjaAPI:
    """The API over `(prefix, router)` pairs. Every operation asks `auth` unless it says otherwise."""
    api = NinjaAPI(
        title="authsvc",
        version="1",
        description=DESCRIPTION,
        urls_namespace=namespace,
        auth=auth,
        parser=StrictParser(),
        docs=Swagger(settings={"validatorUrl": None, "persistAuthorization": False}),
    )
    refusals_install(api)
    for prefix, router in routers:
        api.add_router(prefix, router)
    return api


def api_default() -> NinjaAPI:
    """The service's own API."""
    routers = [
        ("", health_router),
        ("/auth/context", context),
        ("/org/api_keys", keys),
        ("/webhooks", webhooks_router),
        ("", vault_router),
        ("", flows_router),
    ]
    return api_build(routers, auth=KeyBearer())
