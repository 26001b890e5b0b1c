"""Drop-down lists on a form that logs in: of servers, domains, organizations, kinds of account."""

import re

from flows.engine.reading.items import Item
from flows.engine.reading.text import fold, words
from flows.engine.snapshot import Option

SHOWN = 200  # characters of the entries, for the person who is asked
_LOOKS = frozenset({"lang", "language", "locale", "lng", "country", "prefix", "dial", "theme", "timezone", "tz"})
_CODE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?")
# Languages call themselves by these in every list, whatever the language of the page.
_LANGUAGES = frozenset(
    fold(name)
    for name in (
        "English", "Deutsch", "Français", "Español", "Italiano", "Português", "Nederlands", "Polski", "Svenska",
        "Dansk", "Norsk", "Suomi", "Čeština", "Slovenčina", "Magyar", "Română", "Türkçe", "Русский", "Українська",
        "Ελληνικά", "Български", "Hrvatski", "Српски", "Slovenščina", "Lietuvių", "Latviešu", "Eesti", "Català",
        "العربية", "עברית", "فارسی", "हिन्दी", "ไทย", "日本語",
        "한국어", "中文", "简体中文", "繁體中文", "Tiếng", "Bahasa",
    )
)  # fmt: skip


def is_asked(item: Item) -> bool:
    """Whether the list may say who somebody is or where they log in: it has a name and a choice, and what there is to
    choose are no languages and no countries."""
    found = entries(item)
    if len(found) < 2 or not (item.label or item.ident) or not _LOOKS.isdisjoint(item.ident.split()):
        return False
    named = sum(bool(words(fold(option.text))) and words(fold(option.text))[0] in _LANGUAGES for option in found)
    coded = sum(_CODE.fullmatch(option.value) is not None for option in found)
    return named < 2 and 2 * named < len(found) and 2 * coded <= len(found)


def entries(item: Item) -> list[Option]:
    """What can be chosen; an invitation to choose is not."""
    return [option for option in item.element.options if option.value and not option.disabled and option.text.strip()]


def is_needed(item: Item) -> bool:
    """The form is not taken without a choice, and none is made."""
    e = item.element
    return not e.filled and (e.required or "*" in item.label)


def shown(item: Item) -> str:
    """The entries, for a person to answer with one of them."""
    text = ""
    for option in entries(item):
        longer = f"{text} / {option.text}" if text else option.text
        if len(longer) > SHOWN:
            return text + " / …"
        text = longer
    return text
