"""Rows of boxes that take a code together, a character each."""

import re

from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.names import named
from flows.engine.reading.text import identifier_words

_NUMBER = re.compile(r"\d+")


def code_boxes(typed: list[Item]) -> list[Item]:
    """The longest row of at least four small boxes of one size, or of boxes that are numbered and called a code."""
    best: list[Item] = _numbered(typed)
    run: list[Item] = []
    for item in [*(item for item in typed if item.reachable and not item.element.read_only), None]:
        if item is not None and _is_box(item) and (not run or _beside(run[-1], item)):
            run.append(item)
            continue
        if len(run) >= 4 and len(run) > len(best):
            best = run
        run = [item] if item is not None and _is_box(item) else []
    return best if len(best) <= 12 else []


def _numbered(typed: list[Item]) -> list[Item]:
    """The longest run of at least four whose names differ in their number only."""
    best: list[Item] = []
    run: list[Item] = []
    for item in [*(item for item in typed if item.reachable and not item.element.read_only), None]:
        series = _series(item) if item is not None else ""
        if item is not None and series and run and series == _series(run[-1]):
            run.append(item)
            continue
        if len(run) >= 4 and len(run) > len(best):
            best = run
        run = [item] if item is not None and series else []
    return best if len(best) <= 12 else []


def _series(item: Item) -> str:
    """The name without its number, where it is that of a code."""
    e = item.element
    if e.type not in ("text", "tel", "number", "password", "") or (e.max_length or 1) > 2:
        return ""
    for name in (e.id, e.name, e.aria_label):
        bare = _NUMBER.sub("#", name)
        if bare != name and "code" in named(identifier_words(name)) | concepts_of(item.label):
            return bare
    return ""


def _is_box(item: Item) -> bool:
    e = item.element
    if e.type not in ("text", "tel", "number", "password", ""):
        return False
    return e.max_length == 1 or (0 < e.rect.w <= 90 and e.rect.w <= 1.8 * max(e.rect.h, 1) and (e.max_length or 1) <= 2)


def _beside(left: Item, right: Item) -> bool:
    a, b = left.element.rect, right.element.rect
    return abs(a.y - b.y) <= max(a.h, b.h, 6) and abs(a.w - b.w) <= 6
