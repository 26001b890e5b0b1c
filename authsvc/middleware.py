"""Middleware: one line per request, errors in one form, static files without a thread, the admin's own policy."""

import gzip
import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TypeAlias, cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from csp.constants import SELF
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.encoding import escape_uri_path
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from authsvc.refusals import refusal, refusal_plain
from vault.ids import new_id

log = structlog.get_logger("authsvc.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET_PATHS = ("/healthz", "/readyz", "/static/")
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
COMPRESSED = ("text/", "application/json", "image/svg+xml")
SyncHandler: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class RequestLogMiddleware:
    """Gives each request an id, and the log one line when its response begins: never a query, never a body."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: SyncHandler | AsyncHandler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        request_id, begun = _begin(request)
        handler = cast(SyncHandler, self.get_response)
        return _end(request, _impossible(request) or handler(request), request_id=request_id, begun=begun)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        request_id, begun = _begin(request)
        handler = cast(AsyncHandler, self.get_response)
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


class StaticMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise that lets an async request pass as one: its own class would move every request to a thread."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: SyncHandler | AsyncHandler) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        return cast(HttpResponseBase, super().__call__(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        found = self.find_file(path) if self.autorefresh else self.files.get(path)
        if found is None:
            return await cast(AsyncHandler, self.get_response)(request)
        return self.serve(found, request)

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
