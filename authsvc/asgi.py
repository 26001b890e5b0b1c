"""The ASGI application: HTTP through Django, websockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authsvc.settings")
django_application = get_asgi_application()

from authsvc.checks import start_refuse_unready  # noqa: E402 - needs the settings
from authsvc.doorway import BodyLimit, websocket_refuse  # noqa: E402 - needs the settings
from authsvc.hardening import memory_close  # noqa: E402 - needs the settings
from flows.browser_links import CDP_PATH  # noqa: E402 - needs the settings
from flows.live_socket import live_socket  # noqa: E402 - needs the settings
from flows.sockets import cdp_socket  # noqa: E402 - needs the settings

memory_close()
start_refuse_unready()

# Django's routes with ASGI applications in them is how Channels has it; the stubs know views only.
websockets = URLRouter(
    [
        path(CDP_PATH, cdp_socket),  # type: ignore[arg-type]
        path("live/<slug:shown_id>/socket", live_socket),  # type: ignore[arg-type]
        re_path("", websocket_refuse),  # type: ignore[arg-type]
    ]
)
application = ProtocolTypeRouter({"http": BodyLimit(django_application), "websocket": websockets})
