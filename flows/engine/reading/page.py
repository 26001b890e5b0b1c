"""A frame seen as a page: which text labels what, which controls belong together."""

from collections.abc import Iterator
from functools import cached_property
from urllib.parse import urlsplit

from flows.engine.reading.groups import groups_of
from flows.engine.reading.items import BUTTON_TYPES, Group, Item, is_field
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.text import fold, identifier_words
from flows.engine.snapshot import Box, Element, Frame, Snapshot, Text

MAX_LABEL = 160
BESIDE_CHARS = 40


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
                if is_field(node) and not node.hidden and node.type not in ("checkbox", "radio"):
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
            if isinstance(node, Element) and is_field(node):
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
        return groups_of(self)


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


def text_key(text: str) -> str:
    """For comparing two texts of a page."""
    return fold(text).strip(" *:.!?")
