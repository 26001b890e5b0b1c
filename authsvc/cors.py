"""Cross-origin calls of embeddable components: to the three addresses that a login's token is for, from the origins
on the list of the connection's project, and from nowhere else."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from flows.models import Connection
from vault.aio import run_db
from vault.middleware import AsyncHandler, HybridMiddleware, SyncHandler

PATH = re.compile(r"/auth/connections/(?P<connection>[A-Za-z0-9_]{1,40})(?P<tail>/exchange|/submit)?")
MAX_AGE_SECONDS = 600


class CorsMiddleware(HybridMiddleware):
    """Without an `Origin` on the list nothing is added, and the browser keeps the answer from the page."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        origin = _origin(request)
        if not origin or not _listed(request.path, origin):
            return handler(request)
        response = _preflight(request) or handler(request)
        return _allowed(response, origin)

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        origin = _origin(request)
        if not origin or not await run_db(_listed, request.path, origin):
            return await handler(request)
        response = _preflight(request) or await handler(request)
        return _allowed(response, origin)


def _origin(request: HttpRequest) -> str:
    """The caller's origin where it matters: any other address is not for pages."""
    return request.headers.get("Origin", "") if PATH.fullmatch(request.path) else ""


def _listed(path: str, origin: str) -> bool:
    match = PATH.fullmatch(path)
    if match is None:
        return False
    rows = Connection.objects.get_queryset().filter(pk=match["connection"])
    allowed = rows.values_list("project__allowed_origins", flat=True).first()
    return origin in (allowed or ())


def _preflight(request: HttpRequest) -> HttpResponse | None:
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    match = PATH.fullmatch(request.path)
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "POST" if match and match["tail"] else "GET"
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key"
    response["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
    return response


def _allowed(response: HttpResponseBase, origin: str) -> HttpResponseBase:
    response["Access-Control-Allow-Origin"] = origin
    vary = response.headers.get("Vary", "")
    response["Vary"] = f"{vary}, Origin" if vary else "Origin"
    return response
