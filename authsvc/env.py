"""Reading settings from the environment: a bad value stops the start and names itself."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_str(name: str, default: str = "") -> str:
    """The variable as it is; empty counts as absent."""
    return os.environ.get(name) or default


def env_bool(name: str, default: bool) -> bool:
    """Exactly `True` or `False`."""
    value = env_str(name, str(default))
    if value not in ("True", "False"):
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}")
    return value == "True"


def env_int(name: str, default: int, *, low: int = 1, high: int = 10**9) -> int:
    """A whole number from `low` to `high`."""
    value = env_str(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name} must be between {low} and {high}, not {number}")
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated words; spaces around them and empty ones are dropped."""
    return [word for word in (part.strip() for part in env_str(name, default).split(",")) if word]


def file_text(path: Path) -> str:
    """What the file holds, without spaces around it; nothing when it is not there."""
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}") from None
