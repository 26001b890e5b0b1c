"""What lies over a page and how it is closed: cookie banners in any language, pop-ups, whole layers in frames."""

import re
from collections.abc import Sequence

from flows.engine.reading import providers
from flows.engine.reading.analysis import ReadForm
from flows.engine.reading.choices import pressables
from flows.engine.reading.controls import control
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Control
from flows.engine.reading.names import named_among
from flows.engine.reading.page import PageView
from flows.engine.reading.text import fold, identifier_words
from flows.engine.snapshot import Box, Rect, Text

CROSSES = frozenset({"×", "✕", "✖", "╳", "⨯", "x", "X"})
_CANCEL = frozenset({"cancel"})
_LEADS_ELSEWHERE = frozenset({"login", "signup", "forgot", "subscribe", "search", "terms"})


def dismissals(page: PageView, form: ReadForm | None) -> list[Control]:
    """What closes cookie banners and other layers over the page; refusing comes before accepting."""
    found = [*_banners(page), *_frames(page, form)]
    found.sort(key=lambda entry: entry[0], reverse=True)
    closing = [control(item, score, "closes a layer") for score, item in found[:4]]
    over = _over_form(page, form, {item.ref for _, item in found})
    return [*closing, *([control(over, 0.5, "closes what covers the form")] if over else [])]


def _banners(page: PageView) -> list[tuple[float, Item]]:
    found: list[tuple[float, Item]] = []
    for view in page.frames:
        if not view.frame.visible:
            continue
        for at, node in enumerate(view.nodes):
            if not isinstance(node, Box) or not (node.fixed or node.modal or node.z > 0 or node.id or node.css_class):
                continue
            kind = _layer(node, [text.text for text in view.nodes[at : view.ends[at]] if isinstance(text, Text)][:12])
            if not kind:
                continue
            inside = [item for item in view.items if at < item.position < view.ends[at]]
            if any(item.is_typed and item.reachable for item in inside):
                continue
            best = _closing(inside, cookie=kind == "cookie")
            if best is not None and best[1] not in [item for _, item in found]:
                found.append(best)
    return found


def _frames(page: PageView, form: ReadForm | None) -> list[tuple[float, Item]]:
    """A frame of its own that asks about cookies."""
    found = []
    for view in page.frames[1:]:
        if not view.frame.visible or (form is not None and form.group.frame is view.frame):
            continue
        if any(item.is_typed and item.reachable for item in view.items):
            continue
        said = " . ".join(text.text for text in [n for n in view.nodes if isinstance(n, Text)][:12])[:400]
        best = _closing(view.items, cookie=True) if "cookie" in concepts_of(said) else None
        if best is not None:
            found.append(best)
    return found


def _over_form(page: PageView, form: ReadForm | None, known: set[str]) -> Item | None:
    """Where something nobody can name covers every field of the form: what of it looks most like closing it."""
    fields = [field.item for field in form.fields if field.item.reachable] if form is not None else []
    if form is None or not fields or any(not item.element.hidden for item in fields):
        return None
    area = _cover(fields)
    if area is None:
        return None
    above = [
        item
        for item in pressables(page)
        if item.frame is fields[0].frame and not item.element.hidden and _inside(item.element.rect, area)
    ]
    if any(item.ref in known for item in above):
        return None
    best = _closing(above, cookie=True)
    if best is not None:
        return best[1]
    plain = [
        item
        for item in above
        if item.element.tag != "a"
        and concepts_of(item.words[:60]).isdisjoint(_LEADS_ELSEWHERE)
        and providers.provider_of(item) is None
        and not (item.group is not None and item.group.typed)
    ]
    plain.sort(key=lambda item: item.element.emphasized)  # the quiet button refuses
    return plain[0] if 0 < len(plain) <= 4 else None


def _cover(fields: Sequence[Item]) -> Rect | None:
    for item in fields:
        covers = item.frame.covers
        if 0 <= item.element.cover < len(covers):
            return covers[item.element.cover].rect
    return None


def _inside(rect: Rect, area: Rect) -> bool:
    x, y = rect.x + rect.w // 2, rect.y + rect.h // 2
    return area.x <= x <= area.x + area.w and area.y <= y <= area.y + area.h


def _layer(box: Box, texts: list[str]) -> str:
    name = fold(f"{box.id} {box.css_class} {box.label}")
    said = concepts_of(" . ".join(texts)[:400])
    cookie = (
        bool(re.search(r"cookie|consent|gdpr|onetrust|cmp|didomi|usercentrics|ccm|privacy", name)) or "cookie" in said
    )
    layer = (
        box.fixed or box.modal or box.z > 0 or bool(re.search(r"banner|modal|popup|overlay|dialog|bar|notice", name))
    )
    if cookie and layer:
        return "cookie"
    return "modal" if box.modal and box.fixed else ""


def _closing(inside: Sequence[Item], *, cookie: bool) -> tuple[float, Item] | None:
    scored: list[tuple[float, int, Item]] = []
    for number, item in enumerate(inside):
        e = item.element
        text = item.words
        if not item.reachable or len(text) > 60 or (item.is_field and e.type not in ("submit", "button")):
            continue
        if e.tag == "a" and e.href.startswith("http") and "#" not in e.href:
            continue
        concepts = concepts_of(text)
        if cookie and "cookie_no" in concepts:
            scored.append((0.9, -number, item))
        elif cookie and "cookie_yes" in concepts:
            scored.append((0.8, -number, item))
        elif not concepts.isdisjoint({"close", "decline"}) or text.strip() in CROSSES:
            scored.append((0.7, -number, item))
        elif not text and named_among(identifier_words(f"{e.css_class} {e.id} {e.icon}"), _CANCEL):
            scored.append((0.6, -number, item))
    if not scored:
        return None
    best = max(scored, key=lambda entry: entry[:2])
    return best[0], best[2]
