"""The ASGI application: HTTP through Django, websockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authsvc.settings")
django_application = get_asgi_application()

from authsvc.checks import start_refuse_unready  # noqa: E402 - needs the settings
from authsvc.doorway import BodyLimit, websocket_refuse  # noqa: E402 - needs the settings

start_refuse_unready()

application = ProtocolTypeRouter({"http": BodyLimit(django_application), "websocket": websocket_refuse})
