"""Puts API requests on the audit record: what changed something, and what was refused to a known key (R36).

Reading is not recorded here; where a read releases a secret, the vault records it before it does."""

import time
from typing import Any

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase

from vault.aio import run_db
from vault.audit import audit_append
from vault.audit_log import REQUEST
from vault.middleware import AsyncHandler, HybridMiddleware, SyncHandler
from vault.principal import Principal

log = structlog.get_logger(__name__)
READING = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = frozenset({403, 404})
TEXT_LENGTH = 256


class TrailMiddleware(HybridMiddleware):
    """The record follows the response's making: what the request did is on the record of whoever did it already."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        begun = time.perf_counter()
        response = handler(request)
        if (principal := _worth_telling(request, response)) is not None:
            _append(principal, _details(request, response, begun=begun))
        return response

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        begun = time.perf_counter()
        response = await handler(request)
        if (principal := _worth_telling(request, response)) is not None:
            await run_db(_append, principal, _details(request, response, begun=begun))
        return response


def _worth_telling(request: HttpRequest, response: HttpResponseBase) -> Principal | None:
    principal: Principal | None = getattr(request, "principal", None)
    if request.method in READING and response.status_code not in REFUSED:
        return None
    return principal


def _details(request: HttpRequest, response: HttpResponseBase, *, begun: float) -> dict[str, Any]:
    route = request.resolver_match.route if request.resolver_match else ""
    return {
        "method": request.method or "",
        "path": request.path[:TEXT_LENGTH],
        "route": f"/{route}"[:TEXT_LENGTH],
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - begun) * 1000),
        "client_ip": request.META.get("REMOTE_ADDR", ""),
        "user_agent": request.headers.get("User-Agent", "")[:TEXT_LENGTH],
        "domain": request.META.get("HTTP_HOST", "")[:TEXT_LENGTH],
    }


def _append(principal: Principal, details: dict[str, Any]) -> None:
    outcome = "ok" if details["status"] < 400 else "denied" if details["status"] in REFUSED else "refused"
    try:
        audit_append(
            organization_id=principal.organization_id,
            project_id=principal.project_id,
            actor=principal.actor,
            action=REQUEST,
            resource_type="request",
            outcome=outcome,
            details=details,
        )
    except DatabaseError as error:
        # The response stands: what it did was recorded when it was done.
        log.error("request not recorded", exc_info=error)
