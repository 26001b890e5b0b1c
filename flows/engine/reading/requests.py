"""Codes that are sent only when asked for: the button that has it done."""

from flows.engine.reading.choices import masked_destination, pressables
from flows.engine.reading.controls import control
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of, control_concepts
from flows.engine.reading.model import Control
from flows.engine.reading.page import PageView

_CODE = frozenset({"code", "code_word", "send_code", "totp"})
_SENDS = frozenset({"send", "by_sms", "by_call", "by_email", "send_link"})
_GOES_ON = frozenset({"next", "verify", "accept"})
_NOT = frozenset(
    {"resend", "decline", "other_way", "logout", "forgot", "signup", "cookie", "close", "contact", "choose_account"}
)


def beside_field(page: PageView, taken: set[str], *, disabled: bool = False) -> list[Control]:
    """Buttons that must be pressed to have a code sent, on a page that has the field for it already. A form that asks
    who it is as well may keep its own `disabled` until that is said."""
    return [
        control(item, 0.8, "has a code sent")
        for item in pressables(page, disabled=disabled)
        if item.ref not in taken and "send_code" in _concepts(item) and "resend" not in _concepts(item)
    ][:3]


def alone(page: PageView) -> list[Control]:
    """The button to press on a page without a field, where it says that a code will be sent; the likeliest first."""
    promised = _promised(page)
    scored: list[tuple[float, int, Item]] = []
    for number, item in enumerate(pressables(page)):
        concepts = _concepts(item)
        e = item.element
        if not concepts or not concepts.isdisjoint(_NOT) or _sends_what_is_typed(item):
            continue
        if "send_code" in concepts:
            total = 1.0
        elif promised and not concepts.isdisjoint(_SENDS):
            total = 0.9
        elif promised == 2 and not concepts.isdisjoint(_GOES_ON):
            total = 0.6
        else:
            continue
        total += 0.05 if e.tag in ("button", "input") or e.role == "button" else 0.0
        scored.append((total, -number, item))
    scored.sort(key=lambda entry: entry[:2], reverse=True)
    return [control(item, total, "has a code sent") for total, _, item in scored[:2]]


def _sends_what_is_typed(item: Item) -> bool:
    """It belongs to a field that somebody has to fill first."""
    return item.group is not None and any(field.reachable for field in item.group.typed)


def _promised(page: PageView) -> int:
    """2 if the page speaks of a code and of where it goes, 1 if only of where something goes, else 0."""
    texts = [text.text for text in page.seen_texts[:40] if len(text.text) <= 300]
    if not any(masked_destination(text) for text in texts):
        return 0
    return 2 if any(not concepts_of(text).isdisjoint(_CODE) for text in texts) else 1


def _concepts(item: Item) -> frozenset[str]:
    words = item.words
    return control_concepts(words) if len(words) < 60 else frozenset()
