"""Middleware: one line per request, errors in one form, static files without a thread, the admin's own policy."""

import gzip
import re
import time
from functools import lru_cache

import structlog
from csp.constants import SELF
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.encoding import escape_uri_path
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from authsvc.refusals import OURS, family_error, refusal, refusal_plain
from vault.errors import VaultError
from vault.ids import new_id
from vault.middleware import AsyncHandler, HybridMiddleware, SyncHandler

log = structlog.get_logger("authsvc.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET_PATHS = ("/healthz", "/readyz", "/static/")
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
COMPRESSED = ("text/", "application/json", "image/svg+xml")


class RequestLogMiddleware(HybridMiddleware):
    """Gives each request an id, and the log one line when its response begins: never a query, never a body."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        request_id, begun = _begin(request)
        return _end(request, _impossible(request) or handler(request), request_id=request_id, begun=begun)

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        request_id, begun = _begin(request)
        response = _impossible(request) or await handler(request)
        return _end(request, response, request_id=request_id, begun=begun)


def _begin(request: HttpRequest) -> tuple[str, float]:
    offered = request.headers.get("X-Request-Id", "")
    request_id = offered if REQUEST_ID.fullmatch(offered) else new_id("req")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id, time.perf_counter()


def _impossible(request: HttpRequest) -> HttpResponse | None:
    """A NUL is in no name, id or cursor of ours, and databases choke on it."""
    if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        return refusal("invalid_request", "NUL in the address")
    return None


def _end(request: HttpRequest, response: HttpResponseBase, *, request_id: str, begun: float) -> HttpResponseBase:
    response = refusal_plain(request, response)
    response.headers["X-Request-Id"] = request_id
    response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    if not request.path.startswith("/static/"):
        response.setdefault("Cache-Control", "no-store")
    write = log.debug if request.path.startswith(QUIET_PATHS) else log.info
    write(
        "request",
        method=request.method,
        path=escape_uri_path(request.path),
        status=response.status_code,
        ms=round((time.perf_counter() - begun) * 1000, 1),
    )
    return response


class RefusalMiddleware(HybridMiddleware):
    """Gives what the vault refuses outside the API its status: a page asked for while it is sealed is no failure."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        return handler(request)

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        return await handler(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return family_error(request, error) if isinstance(error, VaultError) and error.code not in OURS else None


class StaticMiddleware(HybridMiddleware, WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise that lets an async request pass as one: its own class would move every request to a thread."""

    def __init__(self, get_response: SyncHandler | AsyncHandler) -> None:
        WhiteNoiseMiddleware.__init__(self, get_response)
        HybridMiddleware.__init__(self, get_response)

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        found = self._found(request)
        return handler(request) if found is None else self.serve(found, request)

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        found = self._found(request)
        return await handler(request) if found is None else self.serve(found, request)

    def _found(self, request: HttpRequest) -> StaticFile | None:
        path = request.path_info
        found: StaticFile | None = self.find_file(path) if self.autorefresh else self.files.get(path)
        return found

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The file whole: ours are small, and a response read piece by piece would block an async server."""
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["Content-Type"]
        for name, value in answer.headers:
            response[name] = value
        if body and response.status_code == 200 and response.get("Content-Type", "").startswith(COMPRESSED):
            return _smaller(request, response, body)
        return response


def _smaller(request: HttpRequest, response: HttpResponse, body: bytes) -> HttpResponse:
    """The same, compressed for who takes it. Its time stays as what it is compared by: a tag would name other bytes."""
    response["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content = _gzipped(body)
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
        del response["ETag"]
    return response


@lru_cache(maxsize=128)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)


class PolicyMiddleware(CSPMiddleware):
    """The site's policy, and under `/admin/` the same with the scripts that we ship: Django's admin pages load
    theirs without a nonce, all of them from our own static files."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith("/admin/"):
            parts.update = {**(parts.update or {}), "script-src": [SELF]}
        return parts
