"""Words out of page text and out of attribute names, folded so that spelling variants compare equal."""

import re
import unicodedata
from functools import lru_cache

_SPECIAL = str.maketrans(
    {
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ь": "", "ъ": "", "ى": "ي", "ی": "ي",
        "ک": "ك", "ة": "ه", "ـ": "", "’": "'", "‘": "'", "＠": "@",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Lower case, no accents, full-width forms narrow, no invisible characters, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    flat = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c for c in flat if unicodedata.category(c) not in ("Mn", "Cf", "Cc") or c.isspace())
    return " ".join(unicodedata.normalize("NFC", kept).translate(_SPECIAL).split())


def words(folded: str) -> list[str]:
    """The words of folded text."""
    return _WORD.findall(folded)


def is_unspaced(text: str) -> bool:
    """Whether the text holds a script that is written without spaces between words (or glues particles on)."""
    return _UNSPACED.search(text) is not None


@lru_cache(maxsize=8192)
def identifier_words(name: str) -> str:
    """`"loginForm:txtUserName_2"` gives `"login form txt user name 2"`."""
    return " ".join(words(fold(_CAMEL.sub(" ", name[:200]))))
