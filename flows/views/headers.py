"""Response headers of every page that are nobody else's."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from flows.views.cookies import cookies_for_frame

SyncHandler: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

# Only names that Chromium knows in a header: it complains about others in the console of every page.
_OFF = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "identity-credentials-get", "idle-detection", "magnetometer", "microphone", "midi", "payment",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _OFF)
HOSTED = "/login/"


class PageHeadersMiddleware:
    """Pages are stored nowhere, embedded as a resource nowhere, and use no device. The rest of the policy is set by
    Django's security middleware and django-csp from the settings."""

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
        return headers_add(request, cast(SyncHandler, self.get_response)(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        return headers_add(request, await cast(AsyncHandler, self.get_response)(request))


def headers_add(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Complete the headers of a page; what is no page (static files, the API) stays as it is."""
    hosted = request.path.startswith(HOSTED)
    if hosted or response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.setdefault("Cache-Control", "no-store")
    if getattr(response, "for_frame", False):
        cookies_for_frame(response)
    if hosted:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
