"""The application of webhooks: it listens to what flows say."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "authsvc.webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from authsvc.webhooks.receivers import receivers_connect

        receivers_connect()
