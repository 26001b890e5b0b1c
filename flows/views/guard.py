"""Where a request comes from, judged by what the browser itself says. Django's CSRF token is checked besides."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

View = Callable[..., HttpResponseBase]


def is_same_origin(request: HttpRequest) -> bool:
    """False when the browser names another origin, `null` included. A client that says nothing passes: no browser of
    this decade is silent about a POST."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    return origin is None or origin in _own_origins(request)


def _own_origins(request: HttpRequest) -> frozenset[str]:
    base = urlsplit(settings.BASE_URL)
    return frozenset({f"{base.scheme}://{base.netloc}", f"{request.scheme}://{request.get_host()}"})


def same_origin_required(view: View) -> View:
    """Refuse what another site's page sent."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not is_same_origin(request):
            return render(request, "403.html", status=403)
        return view(request, *args, **kwargs)

    return guarded
