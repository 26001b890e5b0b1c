"""The project as an application: its checks."""

from django.apps import AppConfig
from django.core.checks import register


class AuthsvcConfig(AppConfig):
    name = "authsvc"
    verbose_name = "authsvc"

    def ready(self) -> None:
        from authsvc.checks import secret_key_check

        register(secret_key_check)
