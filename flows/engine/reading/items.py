"""The controls of a page, and those that belong together."""

from dataclasses import dataclass, field

from flows.engine.snapshot import Element, Form, Frame, Text

FIELD_TAGS = frozenset({"input", "select", "textarea"})
BUTTON_TYPES = frozenset({"submit", "button", "reset", "image"})
NOT_TYPED = frozenset({"checkbox", "radio", "file", "range", "color", "hidden", "submit", "button", "reset", "image"})


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
        return is_field(self.element)

    @property
    def is_typed(self) -> bool:
        """Something a person types into."""
        return is_field(self.element) and self.element.type not in NOT_TYPED and self.element.tag != "select"

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


def is_field(e: Element) -> bool:
    if e.tag == "input":
        return True
    return e.tag in FIELD_TAGS or e.role in ("textbox", "searchbox")


def is_button(item: Item) -> bool:
    return not item.is_field or item.element.type in BUTTON_TYPES
