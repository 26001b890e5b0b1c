"""A snapshot: what one look at a page shows, as plain values. Never what anybody typed into it.

A page is a tuple of frames, the top one first; a frame is a preorder list of nodes. A node is a `Box` (something
that groups others), an `Element` (something to fill or press) or a `Text` (words). Positions are CSS pixels of the
frame's own viewport. `flows.engine.snapshot_json` makes one of what a page's script wrote.
"""

from dataclasses import dataclass, field
from typing import Literal

Hidden = Literal["", "none", "visibility", "opacity", "clip", "size", "offscreen", "covered", "inert"]
HIDDEN: frozenset[str] = frozenset(
    {"", "none", "visibility", "opacity", "clip", "size", "offscreen", "covered", "inert"}
)


@dataclass(frozen=True, slots=True)
class Rect:
    x: int = 0
    y: int = 0
    w: int = 0
    h: int = 0

    @property
    def area(self) -> int:
        return max(self.w, 0) * max(self.h, 0)


NOWHERE = Rect()


@dataclass(frozen=True, slots=True)
class Host:
    """The custom element around a native control, whose attributes speak for it."""

    tag: str
    type: str = ""
    name: str = ""
    id: str = ""
    label: str = ""
    aria_label: str = ""
    placeholder: str = ""
    autocomplete: str = ""
    href: str = ""
    text: str = ""
    required: bool = False
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a drop-down. `index` is its element number, for `ref`."""

    text: str
    index: int
    disabled: bool = False
    value: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """Something to fill or press. `hidden` says why a person cannot see or reach it, empty if they can."""

    index: int
    parent: int
    tag: str
    type: str = ""
    id: str = ""
    name: str = ""
    css_class: str = ""
    role: str = ""
    text: str = ""
    label: str = ""
    aria_label: str = ""
    title: str = ""
    placeholder: str = ""
    autocomplete: str = ""
    input_mode: str = ""
    pattern: str = ""
    description: str = ""
    href: str = ""
    form_action: str = ""
    value: str = ""  # of a button or a radio only: markup, not input
    icon: str = ""
    data: str = ""
    popup: str = ""
    hidden: Hidden = ""
    rect: Rect = NOWHERE
    form: int = -1
    path: int = -1
    max_length: int | None = None
    required: bool = False
    disabled: bool = False
    read_only: bool = False
    filled: bool = False
    checked: bool = False
    invalid: bool = False
    focused: bool = False
    masked: bool = False  # a text field drawn as dots
    expanded: bool | None = None
    clickable_guess: bool = False  # neither a button nor a link, but it looks pressable
    emphasized: bool = False
    aria_hidden: bool = False
    cover: int = -1
    host: Host | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Words as one block. `alert` is 0 no, 1 by class name, 2 live region, 3 assertive."""

    parent: int
    text: str
    rect: Rect = NOWHERE
    heading: int = 0
    alert: int = 0
    is_label: bool = False
    is_red: bool = False
    unseen: bool = False  # for screen readers only
    aria_hidden: bool = False
    size: int = 16


@dataclass(frozen=True, slots=True)
class Box:
    """Something that groups others."""

    parent: int
    tag: str
    role: str = ""
    id: str = ""
    css_class: str = ""
    label: str = ""
    form: int = -1
    fixed: bool = False
    modal: bool = False
    rect: Rect = NOWHERE
    z: int = 0
    index: int = -1


Node = Element | Text | Box


@dataclass(frozen=True, slots=True)
class Form:
    action: str = ""
    method: str = ""
    id: str = ""
    css_class: str = ""
    name: str = ""
    role: str = ""
    label: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """An element known from captcha vendors' documentation, found by `selector`."""

    selector: str
    visible: bool
    size: str = ""
    rect: Rect = NOWHERE


@dataclass(frozen=True, slots=True)
class Cover:
    """What lies over other elements."""

    id: str
    css_class: str
    rect: Rect
    modal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    index: int
    url: str = ""
    title: str = ""
    lang: str = ""
    direction: str = ""
    view: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    ready_state: str = ""  # "", "loading" or "interactive"
    busy: bool = False
    status: int = 0  # the HTTP status of the document, 0 if unknown
    visible: bool = True
    truncated: bool = False
    nodes: tuple[Node, ...] = ()
    forms: tuple[Form, ...] = ()
    marks: tuple[Mark, ...] = ()
    covers: tuple[Cover, ...] = ()
    scripts: tuple[str, ...] = ()
    opaque: tuple[int, ...] = ()  # element numbers of custom elements that may hide a closed shadow root
    steps: tuple[tuple[int, str, bool], ...] = field(default=(), repr=False)

    def ref(self, index: int) -> str:
        return f"{self.index}:{index}"

    def selector(self, path: int) -> str:
        """The absolute CSS path; ` >> ` stands where it enters a shadow root."""
        parts: list[str] = []
        at = path
        for _ in range(800):
            if not 0 <= at < len(self.steps):
                break
            at, step, in_shadow = self.steps[at]
            parts.append(step)
            parts.append(" >> " if in_shadow else " > ")
        return "".join(reversed(parts[:-1])) if parts else ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    frames: tuple[Frame, ...] = (Frame(0),)

    @property
    def top(self) -> Frame:
        return self.frames[0]

    @property
    def url(self) -> str:
        return self.top.url

    @property
    def title(self) -> str:
        return self.top.title
