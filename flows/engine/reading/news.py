"""Words that a page did not have before: what a site says to a form that it gives back, in whatever language and
dress. Pure."""

from flows.engine.reading.lexicon import concepts_of
from flows.engine.snapshot import Element, Frame, Snapshot, Text

SHORTEST, LONGEST = 6, 300
FAR = 320  # pixels from the form
TYPED = frozenset({"input", "textarea", "select"})


def appeared(before: Snapshot, after: Snapshot) -> str | None:
    """The new words nearest to the fields, if there are any in sight of them; what speaks of a refusal comes first."""
    old = {_plain(text.text) for frame in before.frames for text in _texts(frame)}
    best: tuple[tuple[bool, int], str] | None = None
    for frame in after.frames:
        fields = [node.rect for node in frame.nodes if isinstance(node, Element) and _is_field(node)]
        if not frame.visible or not fields:
            continue
        top, bottom = min(rect.y for rect in fields), max(rect.y + rect.h for rect in fields)
        for text in _texts(frame):
            if _plain(text.text) in old:
                continue
            distance = int(max(top - (text.rect.y + text.rect.h), text.rect.y - bottom, 0))
            rank = ("rejected" not in concepts_of(text.text), distance)
            if distance <= FAR and (best is None or rank < best[0]):
                best = (rank, " ".join(text.text.split()))
    return best[1] if best is not None else None


def _texts(frame: Frame) -> list[Text]:
    return [node for node in frame.nodes if isinstance(node, Text) and not node.unseen and _says_something(node)]


def _says_something(text: Text) -> bool:
    """A sentence, not a label, a clock or a counter."""
    plain = _plain(text.text)
    letters = sum(character.isalpha() for character in plain)
    # A sentence takes few signs in a script without an alphabet.
    shortest = SHORTEST if plain.isascii() else SHORTEST // 2
    return not text.is_label and letters >= shortest and len(plain) <= LONGEST and letters * 2 > len(plain)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_field(node: Element) -> bool:
    return node.tag in TYPED and node.hidden in ("", "covered") and node.type not in ("hidden", "submit", "button")
