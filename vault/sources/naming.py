"""From an item's own field names to those that a login knows."""

from collections.abc import Iterable

from vault.errors import Invalid
from vault.secret import Secret
from vault.totp import TotpParams, TotpSeed, seed_parse

ALIASES = {"user": "username", "login": "username", "user name": "username", "pass": "password", "pwd": "password"}
TOTP_NAMES = frozenset({"totp", "otp", "totp_secret", "totp secret", "one-time password", "mfa_secret"})


def name_known(label: str) -> str:
    """`username` and `password` under the names people give them; any other label stays as it is."""
    clean = label.strip()
    lower = clean.lower()
    return ALIASES.get(lower, lower if lower in ("username", "password", "email") else clean)


def values_collect(pairs: Iterable[tuple[str, str]]) -> dict[str, Secret]:
    """The first value of a name counts; empty names and values do not."""
    found: dict[str, Secret] = {}
    for name, value in pairs:
        if name and value:
            found.setdefault(name, Secret(value))
    return found


def seed_find(texts: Iterable[str]) -> TotpSeed | None:
    """The first usable seed or `otpauth://` URI."""
    for text in texts:
        try:
            return seed_parse(text, explicit=TotpParams())
        except Invalid:
            continue
    return None
