"""Checks at start: no key, no service."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from vault.keyring import keyring


def keys_check(*, app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """An error without a usable key, a warning for a key file that others can read."""
    try:
        keyring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="vault.E001")]
    if settings.KEK_FILE and Path(settings.KEK_FILE).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [Warning("AUTHSVC_KEK_FILE can be read by others: chmod 600 it", id="vault.W001")]
    return []
