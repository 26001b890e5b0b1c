"""Checks at start. `manage.py` runs them by itself; servers and workers call `start_refuse_unready`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, run_checks
from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_LENGTH = 32


def secret_key_check(*, app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """There is no built-in key: links and sessions would be anybody's to forge."""
    if secret_key_present():
        return []
    hint = "For example: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    message = f"AUTHSVC_SECRET_KEY must be set, {SECRET_KEY_LENGTH} characters or more"
    return [Error(message, hint=hint, id="authsvc.E001")]


def secret_key_present() -> bool:
    """Whether there is one that is long enough."""
    try:
        return len(settings.SECRET_KEY) >= SECRET_KEY_LENGTH
    except ImproperlyConfigured:  # Django's word for an empty one
        return False


def start_refuse_unready() -> None:
    """Raises `ImproperlyConfigured` with every error that the checks find."""
    errors = [message for message in run_checks() if message.level >= ERROR]
    if errors:
        raise ImproperlyConfigured("; ".join(message.msg for message in errors))
