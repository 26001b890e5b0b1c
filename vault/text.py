"""Text that comes from outside, made fit for the database or refused with a clear message."""

import unicodedata

from vault.errors import Invalid, NotFound

NAME_LENGTH = 255
SEARCH_LENGTH = 1024


def name_clean(text: str, *, what: str, length: int = NAME_LENGTH, forbidden: str = "") -> str:
    """`text` without surrounding space. Raises `Invalid` unless 1 to `length` printable characters remain."""
    clean = text.strip()
    if not 1 <= len(clean) <= length:
        raise Invalid(f"The {what} must have 1 to {length} characters")
    if any(_unprintable(character) for character in clean):
        raise Invalid(f"The {what} holds a control character")
    if any(character in forbidden for character in clean):
        raise Invalid(f"The {what} cannot contain any of {' '.join(forbidden)}")
    return clean


def lookup_clean(text: str) -> str:
    """`text` as something to look for. Raises `NotFound` for text that no name or id can be."""
    if not searchable(text):
        raise NotFound
    return text


def searchable(text: str) -> bool:
    """Whether the database can look for `text` at all; nothing stored contains what it cannot."""
    return len(text) <= SEARCH_LENGTH and not any(_unprintable(character) for character in text)


def _unprintable(character: str) -> bool:
    """Control characters, and lone surrogates, which no encoding takes."""
    return unicodedata.category(character) in ("Cc", "Cs")
