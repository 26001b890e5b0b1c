"""The vault application."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class VaultConfig(AppConfig):
    name = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from vault.checks import keys_check

        register(keys_check)
        connection_created.connect(overwrite_deleted)


def overwrite_deleted(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """SQLite keeps the bytes of deleted rows in its file unless told to overwrite them."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
