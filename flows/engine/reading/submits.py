"""Which control sends a form."""

from flows.engine.reading import providers
from flows.engine.reading.features import is_password
from flows.engine.reading.items import Group, Item
from flows.engine.reading.lexicon import concepts_of, control_concepts
from flows.engine.reading.names import named_among
from flows.engine.reading.page import FrameView, PageView
from flows.engine.reading.text import identifier_words
from flows.engine.snapshot import Box

_WANTED: dict[str, tuple[str, ...]] = {
    "login": ("login", "next", "verify", "send"),
    "otp": ("verify", "next", "login", "send"),
    "signup": ("signup", "next", "verify", "send"),
    "reset": ("forgot", "send", "next", "verify"),
    "search": ("search", "send", "next"),
    "other": ("subscribe", "send", "verify", "next", "signup"),
}
_OTHERS = frozenset(
    {
        "cookie",
        "show",
        "resend",
        "by_key",
        "logout",
        "other_way",
        "decline",
        "close",
        "search",
        "signup",
        "forgot",
        "login",
        "subscribe",
    }
)
# Words of a button that has another code sent, or wants another proof, instead of taking the one that was typed.
_ANOTHER_CODE = frozenset({"by_sms", "by_call", "by_email", "by_recovery", "send_code", "send_link"})
_SENT = frozenset({"send_code", "send_link"})
_ASIDE_OF_LOGIN = frozenset({"forgot", "resend", "show", "logout", "by_key", "other_way"}) | _SENT
_SENDING = frozenset({"login", "submit"})
_ASIDE = frozenset({"toggle", "cancel"})
THRESHOLD = 1.2


def find(group: Group, context: str, page: PageView) -> Item | None:
    """The best submit control of the group, or of what surrounds it; None if Enter is the way."""
    best = _best(group.buttons, group, context)
    if best is not None and best[0] >= THRESHOLD:
        return best[1]
    view = page.view_of[group.frame.index]
    start, end = group.start, group.end
    for at in list(view.ancestors(group.start))[:4] if group.start >= 0 else []:
        start, end = at, view.ends[at]
        near = [i for i in view.items if start < i.position < end and i.group is None and _pressable(i)]
        near = [item for item in near if not _in_a_layer(item, group, view, context)]
        if near:
            outside = _best(near, group, context)
            if outside is not None and outside[0] >= THRESHOLD + 0.8:
                return outside[1]
        if any(other.start >= start and other.end <= end and other is not group for other in view.groups):
            break
    if best is not None and best[0] > 0:
        return best[1]
    return None if group.form is not None else _only_guess(group, context)


def _only_guess(group: Group, context: str) -> Item | None:
    """Outside any form Enter may do nothing: the only thing to press after the last field, in any language."""
    typed = [field.position for field in group.typed if field.reachable]
    after = [
        item
        for item in group.buttons
        if typed
        and item.position > typed[-1]
        and item.reachable
        and (item.element.clickable_guess or item.element.role == "button")
        and 0 < len(item.words) <= 30
        and concepts_of(item.words).isdisjoint(_OTHERS - set(_WANTED.get(context, ())) | _ANOTHER_CODE)
    ]
    return after[0] if len(after) == 1 else None


def _in_a_layer(item: Item, group: Group, view: FrameView, context: str) -> bool:
    """It stands in a layer without the group, and says nothing of sending it: a banner, a chat, a bar."""
    layered = any(
        isinstance(node := view.nodes[at], Box) and (node.fixed or node.modal) and not at <= group.start < view.ends[at]
        for at in view.ancestors(item.position)
    )
    return layered and control_concepts(item.words[:80]).isdisjoint(_WANTED.get(context, ()))


def _pressable(item: Item) -> bool:
    return not item.is_field or item.element.type in ("submit", "button", "image")


def _best(buttons: list[Item], group: Group, context: str) -> tuple[float, Item] | None:
    scored = [(score(item, group, context), -number, item) for number, item in enumerate(buttons) if item.reachable]
    if not scored:
        return None
    top = max(scored, key=lambda entry: entry[:2])
    return top[0], top[2]


def _asks_password(group: Group) -> bool:
    """Without a password, what has a code or a link sent may be all there is to press."""
    return any(is_password(field) for field in group.typed if field.reachable)


def score(item: Item, group: Group, context: str) -> float:
    """How much the control looks like the one that sends the group."""
    e = item.element
    total = 0.0
    is_link = e.tag == "a" and bool(e.href) and not e.href.startswith("javascript") and "#" not in e.href
    if (e.type in ("submit", "image") and e.tag in ("input", "button")) or (
        e.host is not None and e.host.type == "submit"
    ):
        total += 2.2
    elif e.tag in ("button", "input"):
        total += 1.0
    elif is_link:
        total -= 2.5
    elif e.tag == "a" or e.role == "button":
        total += 0.2
    elif e.clickable_guess:
        total -= 0.6
    if e.type == "reset":
        total -= 4
    words = item.words
    concepts = control_concepts(words[:80])
    wanted = _WANTED.get(context, ())
    hits = [name for name in wanted if name in concepts]
    if hits:
        total += 3.0 if hits[0] == wanted[0] else 2.2
    else:
        names = named_among(identifier_words(f"{e.name} {e.id} {e.css_class} {e.value} {e.data}"), _SENDING)
        if context in ("login", "otp") and names & {"login", "submit"}:
            total += 1.2
        elif "submit" in names:
            total += 0.8
    against = concepts & _OTHERS - set(wanted)
    if against and not (hits and hits[0] == wanted[0]):
        total -= 2.5
    if context == "login" and concepts & (_ASIDE_OF_LOGIN if _asks_password(group) else _ASIDE_OF_LOGIN - _SENT):
        total -= 3.0 if "by_key" not in concepts or "login" not in concepts else 3.5
    if context == "otp" and concepts & {"resend", "decline", "other_way"}:
        total -= 4.0
    if context == "otp" and concepts & _ANOTHER_CODE:
        total -= 4.0
    if context == "login" and "signup" in concepts and "login" not in concepts:
        total -= 3.0
    if providers.provider_of(item) is not None:
        total -= 5.0
    elif providers.label_remainder(words) is not None:
        total -= 3.0
    if len(words) > 60:
        total -= 1.5
    if not words and not e.icon and e.tag != "input":
        total -= 0.6
    if named_among(identifier_words(f"{e.name} {e.id} {e.css_class}"), _ASIDE):
        total -= 2.0
    typed = [field.position for field in group.typed if field.reachable]
    if typed:
        total += 0.6 if item.position > typed[-1] else -0.5 if item.position < typed[0] else 0.0
    if e.emphasized:
        total += 0.3
    if e.popup in ("menu", "listbox", "dialog", "true"):
        total -= 1.5
    return total
