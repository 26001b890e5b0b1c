"""The second line of defence of the logs: whatever looks like a secret is cut out just before a line is written.

The first line is that nobody logs secrets. This one knows the usual names and shapes only.
"""

import re
from collections.abc import Mapping
from typing import Any

CUT = "[cut]"
_MAX_DEPTH = 6

_PARTS = (
    "password|passwd|passphrase|secret|token|authorization|cookie|api_?key|apikey|credentials?_values?|totp|otp"
    "|private_?key|session_?key|jwt|seed|kek|signature"
)
_SECRET_KEY = re.compile(_PARTS, re.IGNORECASE)
_SECRET_EXACT = frozenset(
    {"code", "codes", "value", "values", "fields", "field_values", "answer", "pin", "cvv", "body", "form"}
    | {"data", "storage", "cookies", "state"}
)
# Names *about* secrets say nothing themselves: `token_id`, `secret_names`, `password_rejected_at`.
_HARMLESS_END = re.compile(r"_(?:id|ids|name|names|count|kind|type|at|seconds|length)$", re.IGNORECASE)

_TEXT_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic|Token)\s+[^\s\"',;]+", re.IGNORECASE), rf"\1 {CUT}"),
    (re.compile(r"\bsk_[A-Za-z0-9_\-]{8,}"), f"sk_{CUT}"),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*"), CUT),
    (re.compile(r"otpauth://\S+", re.IGNORECASE), f"otpauth://{CUT}"),
    (re.compile(r"(\w+://)[^\s/@:]*:[^\s/@]+@"), rf"\1{CUT}@"),
    # Any query of any address: codes and tokens travel there, and no line needs one.
    (re.compile(r"((?:\w+:/)?/[^\s?\"'<>]*)\?[^\s\"'<>]+"), rf"\1?{CUT}"),
    (re.compile(r"\b((?:Set-)?Cookie:)[^\r\n]+", re.IGNORECASE), rf"\1 {CUT}"),
    (
        re.compile(
            rf"([\"']?\b\w*(?:{_PARTS})\b[\"']?\s*(?:=|:|=>)\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&)}}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{CUT}",
    ),
    (re.compile(r"(\b(?:code|pin|otp)\s*[=:]\s*[\"']?)[A-Za-z0-9\-]{4,12}\b", re.IGNORECASE), rf"\1{CUT}"),
)


def is_secret_key(key: str) -> bool:
    """Whether a value under this name is cut, whatever it is."""
    if _HARMLESS_END.search(key):
        return False
    return key.lower() in _SECRET_EXACT or _SECRET_KEY.search(key) is not None


def redact_text(text: str) -> str:
    """The text without what looks like a secret in it."""
    for pattern, replacement in _TEXT_RULES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, *, depth: int = 0) -> Any:
    """The value as a log may hold it: plain, shallow, with secrets cut. Objects are only named by their class."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _MAX_DEPTH or callable(getattr(value, "reveal", None)) or isinstance(value, bytes | bytearray):
        return CUT
    if isinstance(value, Mapping):
        return {
            str(key): CUT if is_secret_key(str(key)) else redact(item, depth=depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth=depth + 1) for item in value]
    if isinstance(value, BaseException):
        return redact_text(f"{type(value).__name__}: {value}")
    return redact_text(str(value)) if _is_plain(value) else f"<{type(value).__name__}>"


def _is_plain(value: object) -> bool:
    """Dates, ids, paths, enums: standard library values whose text says only what they are."""
    return type(value).__module__.split(".")[0] in {"datetime", "uuid", "pathlib", "enum", "decimal", "ipaddress"}
