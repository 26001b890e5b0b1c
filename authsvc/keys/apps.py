"""The application of API keys."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "authsvc.keys"
    label = "keys"
    verbose_name = "API keys"
