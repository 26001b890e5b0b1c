"""Response headers of every page that are nobody else's."""

from django.http import HttpRequest, HttpResponseBase

from flows.views.cookies import cookies_for_frame
from vault.middleware import AsyncHandler, HybridMiddleware, SyncHandler

# Only names that Chromium knows in a header: it complains about others in the console of every page.
_OFF = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "identity-credentials-get", "idle-detection", "magnetometer", "microphone", "midi", "payment",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _OFF)
HOSTED = "/login/"


class PageHeadersMiddleware(HybridMiddleware):
    """Pages are stored nowhere, embedded as a resource nowhere, and use no device. The rest of the policy is set by
    Django's security middleware and django-csp from the settings."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        return headers_add(request, handler(request))

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        return headers_add(request, await handler(request))


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
