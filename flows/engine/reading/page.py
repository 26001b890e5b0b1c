"""A frame seen as a page: which text labels what, which controls belong together."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from urllib.parse import urlsplit

from flows.engine.reading.boxes import code_boxes
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.names import named
from flows.engine.reading.text import fold, identifier_words
from flows.engine.snapshot import Box, Element, Form, Frame, Snapshot, Text

FIELD_TAGS = frozenset({"input", "select", "textarea"})
BUTTON_TYPES = frozenset({"submit", "button", "reset", "image"})
NOT_TYPED = frozenset({"checkbox", "radio", "file", "range", "color", "hidden", "submit", "button", "reset", "image"})
MAX_LABEL = 160
BESIDE_CHARS = 40
MAX_APART = 25  # nodes between a field and the password that is asked with it
MAX_GROUPS = 120
MAX_FIELDS = 100
MAX_BUTTONS = 300
_TOGGLE = re.compile(r"eye|toggle|show|hide|reveal|visib|clear|caret|chevron|calendar|info|tooltip|help", re.I)


@dataclass(slots=True, eq=False)
class Item:
    """An element and what stands around it."""

    frame: Frame
    position: int
    element: Element
    label: str = ""  # what names it: label, aria-label, placeholder, text before, whichever comes first
    before: str = ""  # the words before it
    ident: str = ""  # the words of its name and id
    group: "Group | None" = None
    provider: str | None = "?"  # the identity provider it signs in with; "?" until somebody asked
    provider_is_guess: bool = False  # it only has the provider's name, which links to share and to follow have too

    @property
    def ref(self) -> str:
        return self.frame.ref(self.element.index)

    @property
    def selector(self) -> str:
        return self.frame.selector(self.element.path)

    @property
    def is_field(self) -> bool:
        return _is_field(self.element)

    @property
    def is_typed(self) -> bool:
        """Something a person types into."""
        return _is_field(self.element) and self.element.type not in NOT_TYPED and self.element.tag != "select"

    @property
    def reachable(self) -> bool:
        """A person can see it and fill or press it, now or once what covers it is closed."""
        return self.element.hidden in ("", "covered") and self.frame.visible

    @property
    def words(self) -> str:
        """Everything a button says about itself in words."""
        e = self.element
        return e.text or e.aria_label or e.title or (e.host.text or e.host.label if e.host else "")


@dataclass(slots=True, eq=False)
class Group:
    """Controls that are sent together: a form, or what stands in for one."""

    frame: Frame
    form: Form | None
    start: int  # of the node that holds it
    end: int
    fields: list[Item] = field(default_factory=list)
    buttons: list[Item] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    heading: str = ""
    boxes: list[Item] = field(default_factory=list)  # of a code split over several, in order

    @property
    def typed(self) -> list[Item]:
        return [item for item in self.fields if item.is_typed]


class FrameView:
    """Derived facts about one frame. All bounded by the number of its nodes."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.nodes = frame.nodes
        count = len(self.nodes)
        self.ends = [at + 1 for at in range(count)]
        for at in range(count - 1, -1, -1):
            parent = self.nodes[at].parent
            if parent >= 0 and self.ends[at] > self.ends[parent]:
                self.ends[parent] = self.ends[at]
        self.items = [Item(frame, at, node) for at, node in enumerate(self.nodes) if isinstance(node, Element)]
        self.by_position = {item.position: item for item in self.items}
        for item in self.items:
            item.ident = _ident(item.element)
            if item.is_field and item.element.type not in BUTTON_TYPES:
                item.before = self._text_before(item)
                item.label = self._label(item)

    def ancestors(self, position: int) -> Iterator[int]:
        at = self.nodes[position].parent
        while at >= 0:
            yield at
            at = self.nodes[at].parent

    def texts_in(self, start: int, end: int) -> Iterator[Text]:
        return (node for node in self.nodes[start:end] if isinstance(node, Text))

    def boxes_around(self, position: int) -> Iterator[Box]:
        for at in self.ancestors(position):
            node = self.nodes[at]
            if isinstance(node, Box):
                yield node

    def _label(self, item: Item) -> str:
        e = item.element
        host = e.host
        for text in (
            e.label,
            e.aria_label,
            (host.label or host.aria_label) if host else "",
            self._beside(item),
            self._above_example(item),
            e.placeholder,
            host.placeholder if host else "",
        ):
            if text.strip(" *:."):
                return text[:MAX_LABEL]
        if e.type in ("checkbox", "radio"):
            return self._text_after(item) or item.before
        return item.before or self._floating(item) or e.title

    def _above_example(self, item: Item) -> str:
        """A label that nothing ties to its field names it better than "000000" inside it does."""
        example = item.element.placeholder
        if not example.strip() or any(map(str.isalpha, example)):
            return ""
        above = self.nodes[max(0, item.position - 3) : item.position]
        return item.before if any(isinstance(n, Text) and n.is_label and n.text == item.before for n in above) else ""

    def _beside(self, item: Item) -> str:
        """What stands on the field's line before it, as in a table of names and fields. It names the field better
        than the example inside does."""
        field_ = item.element.rect
        if not any(map(str.isalpha, item.before)) or not field_.area:  # "+49" is a part of the value
            return ""
        for node in reversed(self.nodes[max(0, item.position - 6) : item.position]):
            if isinstance(node, Text) and node.text == item.before:
                middle = node.rect.y + node.rect.h / 2
                level = field_.y <= middle <= field_.y + field_.h
                apart = node.rect.x + node.rect.w <= field_.x + 2 or node.rect.x >= field_.x + field_.w - 2
                return node.text if level and apart and len(node.text) <= BESIDE_CHARS else ""
        return ""

    def _text_before(self, item: Item) -> str:
        """The words right before a field: before it in its row, or above it in its column."""
        position = item.position
        for at in range(position - 1, max(-1, position - 7), -1):
            node = self.nodes[at]
            if isinstance(node, Element):
                if _is_field(node) and not node.hidden and node.type not in ("checkbox", "radio"):
                    return self._above(item)
                continue
            if isinstance(node, Text) and not node.unseen:
                gap = item.element.rect.y - (node.rect.y + node.rect.h)
                if len(node.text) <= 120 and gap < 60 and not node.alert > 1:
                    return node.text
                return ""
        return ""

    def _above(self, item: Item) -> str:
        """For rows of labels over rows of fields."""
        rect = item.element.rect
        if not rect.area:
            return ""
        best: tuple[int, str] | None = None
        for node in self.nodes[max(0, item.position - 14) : item.position]:
            if not isinstance(node, Text) or len(node.text) > 60:
                continue
            gap = rect.y - (node.rect.y + node.rect.h)
            if -4 <= gap < 40 and abs(node.rect.x - rect.x) < 40 and (best is None or gap < best[0]):
                best = (gap, node.text)
        return best[1] if best else ""

    def _text_after(self, item: Item) -> str:
        for at in range(item.position + 1, min(len(self.nodes), item.position + 4)):
            node = self.nodes[at]
            if isinstance(node, Text):
                return node.text[:MAX_LABEL]
            if isinstance(node, Element) and _is_field(node):
                return ""
        return ""

    def _floating(self, item: Item) -> str:
        """A label drawn over or under its field, with nothing in the markup that ties them."""
        for at in range(item.position + 1, min(len(self.nodes), item.position + 3)):
            node = self.nodes[at]
            if isinstance(node, Text) and len(node.text) <= 60 and node.parent == self.nodes[item.position].parent:
                return node.text
            if isinstance(node, Element):
                return ""
        return ""

    @cached_property
    def groups(self) -> list[Group]:
        """Forms first, then clusters of fields that are in no form; in document order."""
        found = [*self._form_groups(), *self._loose_groups()]
        found.sort(key=lambda group: group.start)
        for group in found:
            group.texts = list(self.texts_in(group.start, group.end))
            group.heading = self._heading(group)
            group.boxes = code_boxes(group.typed)
            for item in (*group.fields, *group.buttons):
                item.group = item.group or group
        return found

    def _form_groups(self) -> list[Group]:
        starts = {
            node.form: at
            for at, node in reversed(list(enumerate(self.nodes)))
            if isinstance(node, Box) and node.tag == "form" and node.form >= 0
        }
        members: dict[int, list[Item]] = defaultdict(list)
        for item in self.items:
            if item.element.form >= 0:
                members[item.element.form].append(item)
        groups = []
        for number, items in list(members.items())[:MAX_GROUPS]:
            start = starts.get(number, items[0].position)
            end = self.ends[start] if number in starts else items[-1].position + 1
            form = self.frame.forms[number] if number < len(self.frame.forms) else Form()
            group = Group(self.frame, form, start, end)
            _fill(group, items)
            if group.fields:
                groups += self._parts(group, items) or [group]
        return groups

    def _parts(self, group: Group, items: list[Item]) -> list[Group]:
        """The forms inside a form that spans the whole page, as some frameworks write it: each with a button of its
        own, one of them with a password and whose it is. Empty where it is one form after all."""
        typed = [item for item in group.typed if item.reachable]
        sending = [item.position for item in items if _is_button(item) and _could_submit(item)]
        homes: dict[int, list[Item]] = defaultdict(list)
        for item in typed:
            inside = (at for at in self.ancestors(item.position) if at > group.start)
            home = next((at for at in inside if any(at < p < self.ends[at] for p in sending)), -1)
            homes[home].append(item)
        whole = [any(field.element.type == "password" for field in fields) for fields in homes.values()]
        apart = all(self.ends[a] <= b for a, b in pairwise(sorted(homes)))
        alone = any(len(fields) == 1 and has for fields, has in zip(homes.values(), whole, strict=True))
        steps = any(not concepts_of(item.label).isdisjoint({"code", "totp"}) for item in typed)  # of the same login
        if len(homes) < 2 or -1 in homes or not any(whole) or not apart or alone or steps:
            return []
        parts = [Group(self.frame, group.form, home, self.ends[home]) for home in sorted(homes)]
        for part in parts:
            _fill(part, [item for item in items if part.start < item.position < part.end])
        return parts

    def _loose_groups(self) -> list[Group]:
        loose = [item for item in self.items if item.element.form < 0 and item.is_typed][:300]
        if not loose:
            return []
        pressable = {item.position for item in self.items if _is_button(item)}
        pressable = {at for at in pressable if _could_submit(self.by_position[at])}
        homes: dict[int, list[Item]] = defaultdict(list)
        for item in loose:
            home = -1
            for depth, at in enumerate(self.ancestors(item.position)):
                if depth > 14:
                    break
                home = at
                if any(at < p < self.ends[at] for p in pressable):
                    break
            homes[home].append(item)
        self._join_passwords(homes, pressable)
        groups: list[Group] = []
        for start in sorted(homes):
            end = self.ends[start] if start >= 0 else len(self.nodes)
            outer = groups[-1] if groups and groups[-1].end >= end else None
            if outer is not None and outer.start < start:
                inner_buttons = [self.by_position[p] for p in pressable if start < p < end]
                if not any(_sends(item) for item in inner_buttons):
                    continue  # a part of what surrounds it
            groups.append(Group(self.frame, None, start, end))
        for group in reversed(groups):
            taken = [
                i for i in self.items if group.start < i.position < group.end and i.element.form < 0 and not i.group
            ]
            _fill(group, taken)
            for item in taken:
                item.group = group
        return [group for group in groups if group.fields][:MAX_GROUPS]

    def _join_passwords(self, homes: dict[int, list[Item]], pressable: set[int]) -> None:
        """A password alone with its button belongs to the field before it, where that has no button of its own."""
        for home in sorted(homes):
            typed = [item for item in homes[home] if item.reachable]
            if home < 0 or len(typed) != 1 or typed[0].element.type != "password":
                continue
            before = [
                (item.position, item, start)
                for start, items in homes.items()
                for item in items
                if start != home and item.reachable and 0 < typed[0].position - item.position <= MAX_APART
            ]
            if not before:
                continue
            _, last, other = max(before, key=lambda entry: entry[0])
            end = self.ends[other] if other >= 0 else len(self.nodes)
            own = (p for p in pressable if other < p < end and not home < p < self.ends[home])
            if _is_for_search(last) or any(_sends(self.by_position[p]) for p in own):
                continue
            around = set(self.ancestors(typed[0].position))
            joint = next((at for at in self.ancestors(last.position) if at in around), -1)
            homes[joint] = [*homes.get(joint, []), *homes.pop(home)]
            if joint != other:
                homes[other].remove(last)
                homes[joint].append(last)

    def _heading(self, group: Group) -> str:
        """The heading inside the group, else the last one before it."""
        for text in group.texts[:4]:
            if text.heading:
                return text.text
        for at in range(group.start - 1, max(-1, group.start - 14), -1):
            node = self.nodes[at]
            if isinstance(node, Text) and (node.heading or node.size >= 22):
                return node.text
            if isinstance(node, Element) and _is_field(node) and not node.hidden:
                break
        return ""


class PageView:
    """All frames of a snapshot and the facts that hold for the page as a whole."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.frames = [FrameView(frame) for frame in snapshot.frames]
        self.items = [item for view in self.frames for item in view.items]
        self.view_of = {frame.frame.index: frame for frame in self.frames}
        self.groups = [group for view in self.frames for group in view.groups]
        self.url_words = identifier_words(_path_words(snapshot.url))
        self.title_concepts = concepts_of(snapshot.title)
        self.url_concepts = concepts_of(self.url_words)

    def is_reachable(self, ref: str) -> bool:
        return any(item.reachable for item in self.items if item.ref == ref)

    @cached_property
    def texts(self) -> list[Text]:
        return [node for view in self.frames if view.frame.visible for node in view.nodes if isinstance(node, Text)]

    @cached_property
    def seen_texts(self) -> list[Text]:
        return [text for text in self.texts if not text.unseen]

    @cached_property
    def headings(self) -> list[str]:
        return [text.text for text in self.seen_texts if text.heading and text.heading <= 4][:12]


def _path_words(url: str) -> str:
    parts = urlsplit(url) if url.isprintable() and "[" not in url else urlsplit("")
    return f"{parts.path} {parts.query} {parts.fragment}"[:300]


def _ident(e: Element) -> str:
    host = e.host
    names = [e.name, e.id, host.name if host else "", host.id if host else "", _model_name(e.data)]
    return identifier_words(" ".join(name for name in names if name))


def _model_name(data: str) -> str:
    return " ".join(part.partition("=")[2] for part in data.split() if not part.startswith(("onclick", "jsname")))


def _is_field(e: Element) -> bool:
    if e.tag == "input":
        return True
    return e.tag in FIELD_TAGS or e.role in ("textbox", "searchbox")


def _is_button(item: Item) -> bool:
    return not item.is_field or item.element.type in BUTTON_TYPES


def _could_submit(item: Item) -> bool:
    e = item.element
    if e.tag == "iframe" or e.hidden not in ("", "covered"):
        return False
    if e.tag == "a" and e.href and not e.href.endswith("#") and not e.href.startswith("javascript"):
        return False
    words = item.words
    if not words:
        return e.tag in ("button", "input") and not _TOGGLE.search(f"{e.css_class} {e.icon} {e.id}")
    return "show" not in concepts_of(words) or "login" in concepts_of(words)


def _sends(item: Item) -> bool:
    if item.element.type == "submit" and item.element.tag == "input":
        return True
    concepts = concepts_of(item.words)
    return not concepts.isdisjoint({"login", "next", "verify", "signup", "search", "subscribe", "send", "forgot"})


def _is_for_search(item: Item) -> bool:
    e = item.element
    said = concepts_of(f"{item.label} . {e.placeholder}") | named(item.ident)
    return "search" in (e.type, *said) or e.role == "searchbox"


def _fill(group: Group, items: list[Item]) -> None:
    for item in items:
        if item.is_field and item.element.type not in BUTTON_TYPES:
            if len(group.fields) < MAX_FIELDS:
                group.fields.append(item)
        elif item.element.tag != "iframe" and len(group.buttons) < MAX_BUTTONS:
            group.buttons.append(item)


def text_key(text: str) -> str:
    """For comparing two texts of a page."""
    return fold(text).strip(" *:.!?")
