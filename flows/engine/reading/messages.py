"""The site's own words about what went wrong, and the field they are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.engine.reading.analysis import ReadForm
from flows.engine.reading.features import is_password
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Message
from flows.engine.reading.page import FrameView, PageView
from flows.engine.reading.text import fold, words
from flows.engine.snapshot import Element, Text

LONGEST = 300
TITLE_CHARS, TITLE_GAP = 30, 60
FEW_TEXTS = 12  # a page that says no more than this says it about what was just done
_ERRORS = frozenset({"wrong", "rejected", "locked"})
_TELLING = frozenset({"rejected", "locked"})
THRESHOLD = 1.9
FAINT = 0.8
DESCRIBED = 3.5  # what describes an invalid field is about it, unless something speaks up as loud
NOTE_CHARS = 40  # beside a field: "Required", "Please fill in this field"
FEW_CONTROLS = 6
_FURNITURE = frozenset({"nav", "footer"})
_WHOSE = frozenset({"user", "email", "phone", "login"})


@dataclass(frozen=True, slots=True)
class _Candidate:
    weight: float
    message: Message
    seen: bool  # not for screen readers only

    @property
    def telling(self) -> bool:
        """It says more than that a field is empty or odd."""
        short = len(self.message.text) <= NOTE_CHARS and self.message.field_ref is not None
        return not short or not _TELLING.isdisjoint(concepts_of(self.message.text))

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """What people see comes first, then what tells them something."""
        return self.seen, self.telling, self.weight


def find(page: PageView, form: ReadForm | None, fields: Sequence[Item]) -> Message | None:
    """The strongest message on the page. None if nothing speaks to the person about an attempt."""
    bare = (
        form is None and len(page.seen_texts) <= FEW_TEXTS and not any(i.is_typed and i.reachable for i in page.items)
    )
    found: list[_Candidate] = []
    faint: list[_Candidate] = []  # seen, but nothing marks them as messages
    for view in page.frames:
        if not view.frame.visible:
            continue
        for position, node in enumerate(view.nodes):
            if not isinstance(node, Text):
                continue
            weight, reasons = _weight(view, position, node, form, bare=bare)
            if weight < FAINT or (weight < THRESHOLD and node.unseen):
                continue
            told = _fuller(view, position, node)
            blamed = _field_at(position, node, concepts_of(told.text), fields)
            message = _message(told.text, reasons, blamed, red=node.is_red)
            (found if weight >= THRESHOLD else faint).append(_Candidate(weight, message, not told.unseen))
    if not found and form is None:
        found += _said_by_heading(page)
    found += _described(page, fields)
    if found and not any(one.seen for one in found):
        # What is read out says that there is something to see: the words of it that people see, if they are there.
        found += [one for one in faint if any(_repeats(one.message.text, other.message.text) for other in found)]
    return max(found, key=lambda one: one.rank).message if found else None


def _repeats(text: str, other: str) -> bool:
    own = set(words(fold(text)))
    return bool(own) and 2 * len(own.intersection(words(fold(other)))) > len(own)


def _said_by_heading(page: PageView) -> list[_Candidate]:
    """A page that offers next to nothing and is headed by a lock-out, with no mark of an error anywhere."""
    if sum(item.reachable for item in page.items) > FEW_CONTROLS:
        return []
    headed = [text for text in page.headings[:2] if "locked" in concepts_of(text)]
    return [
        _Candidate(THRESHOLD, _message(text, ("the page is headed by it",), None, red=False), True)
        for text in headed[:1]
    ]


def _fuller(view: FrameView, position: int, title: Text) -> Text:
    """Where a few words head a sentence about the same, as in a dialog, the sentence."""
    if len(title.text) > TITLE_CHARS:
        return title
    for node in view.nodes[position + 1 : position + 8]:
        if isinstance(node, Element) and node.tag in ("input", "select", "textarea"):
            break
        if not isinstance(node, Text) or node.unseen or node.is_label or len(node.text) <= len(title.text):
            continue
        gap = node.rect.y - (title.rect.y + title.rect.h)
        if gap < TITLE_GAP and len(node.text) <= LONGEST and not _ERRORS.isdisjoint(concepts_of(node.text)):
            return node
    return title


def _weight(
    view: FrameView, position: int, node: Text, form: ReadForm | None, *, bare: bool
) -> tuple[float, tuple[str, ...]]:
    if len(node.text) < 2 or len(node.text) > 600:
        return 0.0, ()
    concepts = concepts_of(node.text)
    reasons: list[str] = []
    total = 0.0
    if node.alert and not (node.unseen and node.alert < 2):
        total += (0.0, 0.9, 1.3, 2.0)[max(0, min(node.alert, 3))]
        reasons.append(("", "message class", "live region", "alert")[max(0, min(node.alert, 3))])
    if node.is_red:
        total += 1.0
        reasons.append("red")
    if "rejected" in concepts:
        total += 1.6
        reasons.append("says rejected")
    elif "wrong" in concepts:
        total += 0.8
        reasons.append("says wrong")
    if "locked" in concepts:
        total += 1.8
        reasons.append("says locked")
    if not reasons:
        return 0.0, ()
    if bare and "rejected" in concepts and not node.unseen:
        total += 1.0
        reasons.append("says little else")
    elif node.is_label or node.heading in (1, 2, 6):
        total -= 0.9
    if not concepts.isdisjoint({"cookie", "forgot"}) and "rejected" not in concepts:
        total -= 1.6
    if node.unseen:
        total -= 0.8
    if not node.alert and not node.is_red:
        total -= 0.6 if len(node.text) < 140 else 1.6
        if form is not None and not _near(position, form, view):
            total -= 0.8
    for box in view.boxes_around(position):
        if box.tag in _FURNITURE or (box.tag == "aside" and not node.alert):
            total -= 1.5
            break
    return total, tuple(reasons)


def _near(position: int, form: ReadForm, view: FrameView) -> bool:
    group = form.group
    return group.frame is view.frame and group.start - 12 <= position <= group.end + 4


def _message(text: str, reasons: tuple[str, ...], field_ref: str | None, *, red: bool) -> Message:
    concepts = concepts_of(text)
    locked = "locked" in concepts
    is_error = locked or not concepts.isdisjoint({"wrong", "rejected"}) or red
    if is_error and not red and concepts.isdisjoint({"rejected", "locked"}) and "external_mail" in concepts:
        is_error = False
    if "signed_in" in concepts or ("logout" in concepts and not red):
        is_error = is_error and bool(concepts & {"rejected", "locked"})
    expired = "form_expired" in concepts and not locked
    return Message(text[:LONGEST].strip(), is_error, field_ref, locked and is_error, reasons, expired)


def _field_at(position: int, node: Text, concepts: frozenset[str], fields: Sequence[Item]) -> str | None:
    """The one field that the words are about. Words under the last field are about the whole form, unless they name
    what that field holds and nothing else."""
    invalid = [field for field in fields if field.element.invalid]
    if len(invalid) == 1:
        return invalid[0].ref
    above = max(
        (field for field in fields if field.position < position), key=lambda field: field.position, default=None
    )
    if above is None or position - above.position > 4:
        return None
    if is_password(above) and ("password" not in concepts or concepts & _WHOSE):
        return None
    rect = above.element.rect
    gap = node.rect.y - (rect.y + rect.h)
    stands_under = -6 <= gap < 40 and rect.area and abs(node.rect.x - rect.x) < 80
    return above.ref if stands_under else None


def _described(page: PageView, fields: Sequence[Item]) -> list[_Candidate]:
    """What the markup says of the first field that it calls invalid."""
    for field in fields:
        e = field.element
        if e.invalid and e.description and not concepts_of(e.description).isdisjoint(_ERRORS):
            said = fold(e.description)
            seen = any(text.text and fold(text.text) in said for text in page.seen_texts if len(text.text) > 2)
            told = _message(e.description, ("described by", "invalid field"), field.ref, red=True)
            return [_Candidate(DESCRIBED, told, seen)]
    return []
