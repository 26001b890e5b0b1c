"""Pages that ask one thing before they go on: whether an application may see the account, whether it is this one."""

import re

from flows.engine.reading import controls
from flows.engine.reading.choices import pressables
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Control
from flows.engine.reading.names import named_among
from flows.engine.reading.page import PageView

OFFERS = ("trust", "stay", "offer_passkey", "consent", "offer")
_FEW = 12  # controls on a page that only asks
_CONSENT = frozenset({"consent"})
_ADDRESS = re.compile(r"[\w.+*•-]+@[\w*•-]+(?:\.[\w*•-]+)+")
_BUTTONS = frozenset({"button", "input"})


def offer(page: PageView, heads: frozenset[str], spoken: frozenset[str]) -> str | None:
    """What an interstitial is about."""
    for name in (*OFFERS, "terms", "other_session"):
        if name in heads:
            return name
    if sum(item.reachable for item in page.items) < _FEW:
        for name in OFFERS:
            if name in spoken:
                return name
    return None


def asks_consent(page: PageView) -> bool:
    """A yes and a no at an address that is made for consent: it holds in any language the two answers are known in."""
    if not named_among(page.url_words, _CONSENT) or len(list(pressables(page))) > _FEW:
        return False
    yes, no = controls.accept_and_decline(page, frozenset())
    return yes is not None and no is not None and _is_button(page, yes) and _is_button(page, no)


def asks_whether_it_is_you(page: PageView) -> bool:
    """One account, and the ways to go on as it or as another: nothing to fill, nothing to choose from."""
    if len(list(pressables(page))) > _FEW or any(item.is_typed and item.reachable for item in page.items):
        return False
    another = [item for item in pressables(page) if "choose_account" in concepts_of(item.words[:60])]
    yes, _ = controls.accept_and_decline(page, frozenset())
    return len(another) == 1 and yes is not None and yes.ref != another[0].ref and _is_button(page, yes)


def sent_to_address(page: PageView, spoken: frozenset[str]) -> bool:
    """The page names an address that it wrote to, and offers to write again."""
    addressed = any(_ADDRESS.search(text.text) for text in page.seen_texts[:40] if len(text.text) <= 300)
    return addressed and "resend" in spoken and not any(item.is_typed and item.reachable for item in page.items)


def _is_button(page: PageView, control: Control) -> bool:
    return any(
        item.element.tag in _BUTTONS or item.element.role == "button" for item in page.items if item.ref == control.ref
    )
