"""Single controls with a meaning of their own: sign out, go to the login, accept, decline, close, send again."""

import re

from flows.engine.reading import providers
from flows.engine.reading.choices import pressables
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Control
from flows.engine.reading.names import named_among
from flows.engine.reading.page import PageView
from flows.engine.reading.text import fold, identifier_words, words

_PLACES = frozenset({"login", "signup"})
_ANSWERS = frozenset({"accept", "next", "verify", "decline", "logout", "login", "resend", "other_way"})
_ANSWER_NAMES = frozenset({"accept", "refuse"})  # what programmers call them, in any language
_LOGOUT_PLACE = re.compile(r"log-?_?out|sign-?_?out|log-?_?off|sign-?_?off|do=logout|/exit\b|disconnect")


def control(item: Item, score: float = 1.0, *reasons: str) -> Control:
    return Control(
        item.ref, (item.words or item.element.title)[:160], item.selector, round(min(score, 1.0), 3), reasons
    )


def sign_out(page: PageView) -> Control | None:
    """The sign-out control, visible or inside a closed menu."""
    best: tuple[float, Item] | None = None
    for item in page.items:
        e = item.element
        if (item.is_field and e.type not in ("submit", "button", "image")) or e.tag == "iframe":
            continue
        text = item.words
        concepts = concepts_of(text) if len(text) < 60 else frozenset()
        total = 0.0
        if not concepts.isdisjoint({"choose_account", "login"}) and "logout" not in concepts:
            continue  # signs out on the way to another account, on pages that wait for an answer
        if "logout" in concepts:
            total += 0.8
        if e.href and _LOGOUT_PLACE.search(e.href.lower()[8:]):
            total += 0.6
        elif "logout" in identifier_words(f"{e.id} {e.name} {e.css_class} {e.data} {e.form_action}").replace(" ", ""):
            total += 0.4
        if (
            e.form >= 0
            and e.form < len(item.frame.forms)
            and _LOGOUT_PLACE.search(item.frame.forms[e.form].action.lower())
        ):
            total += 0.6
        if not item.reachable:
            total *= 0.9
        if total >= 0.55 and (best is None or total > best[0]):
            best = total, item
    return control(best[1], best[0], "signs out") if best else None


def login_links(page: PageView) -> tuple[list[Control], list[Control]]:
    """Links that lead to a login page, and buttons that open one here; the likeliest first."""
    links: list[tuple[float, int, Item]] = []
    openers: list[tuple[float, int, Item]] = []
    accounts: list[tuple[float, int, Item]] = []
    here = page.snapshot.url.partition("#")[0]
    for number, item in enumerate(pressables(page)):
        e = item.element
        text = item.words
        concepts = concepts_of(text) if len(text) <= 60 else frozenset()
        if concepts.isdisjoint({"login", "account"}):
            continue
        place = named_among(identifier_words(e.href.partition("://")[2].partition("/")[2][:200]), _PLACES)
        inner = named_among(identifier_words(f"{e.id} {e.name} {e.css_class} {e.data}"), _PLACES)
        total = 0.0
        if "login" in concepts:
            total += 1.0 if len(words(fold(text))) <= 4 else 0.6
        if "login" in place:
            total += 0.4
        if "login" in inner:
            total += 0.15
        if "account" in concepts and "login" not in concepts:
            total += 0.35
        if (
            not concepts.isdisjoint({"signup", "forgot", "logout", "terms", "remember", "subscribe"})
            and "login" not in concepts
        ):
            total -= 0.9
        elif "signup" in concepts:
            total -= 0.25
        if "signup" in place and "login" not in place:
            total -= 0.4
        if providers.provider_of(item) is not None:
            continue
        if total < 0.5:
            if total > 0.3 and e.tag != "a":
                accounts.append((0.5, -number, item))
            continue
        is_link = e.tag == "a" and e.href.startswith("http") and e.href.partition("#")[0] != here
        (links if is_link else openers).append((total, -number, item))
    if not links and not openers:
        openers = accounts  # where nothing says "log in", what leads to the account may ask for it
    return (
        [
            control(item, total, "leads to a login")
            for total, _, item in sorted(links, key=lambda x: x[:2], reverse=True)[:8]
        ],
        [
            control(item, total, "opens a login")
            for total, _, item in sorted(openers, key=lambda x: x[:2], reverse=True)[:5]
        ],
    )


def account_openers(page: PageView) -> list[Control]:
    """What says no more than "Account" or "Profile": it may open a login where nobody is signed in. Weak, for when
    nothing better is found."""
    found: list[Control] = []
    for item in pressables(page):
        concepts = concepts_of(item.words) if len(words(fold(item.words))) <= 2 else frozenset()
        if "own_place" not in concepts or not concepts.isdisjoint({"login", "logout", "signup", "forgot", "terms"}):
            continue
        if providers.provider_of(item) is None:
            found.append(control(item, 0.4, "may open a login"))
    return found[:3]


def accept_and_decline(
    page: PageView, wanted: frozenset[str], *, disabled: bool = False
) -> tuple[Control | None, Control | None]:
    """The two answers to an offer or a question. `wanted` are concepts that speak for accepting this one. Those that
    are `disabled` until something is chosen count as well, or not."""
    yes: list[tuple[float, int, Item]] = []
    no: list[tuple[float, int, Item]] = []
    for number, item in enumerate(pressables(page, disabled=disabled)):
        text = item.words
        if not text or len(text) > 70 or _in_furniture(item, page):
            continue
        concepts = concepts_of(text)
        e = item.element
        weight = 0.3 if e.tag in ("button", "input") or e.role == "button" else 0.0
        by_name = frozenset[str]()
        if weight and concepts.isdisjoint(_ANSWERS | wanted):
            by_name = named_among(identifier_words(f"{e.name} {e.id} {e.value}"), _ANSWER_NAMES)
        refuses = "decline" in concepts or "refuse" in by_name
        if refuses:
            no.append((1.0 + weight, -number, item))
        elif (by_name or not concepts.isdisjoint({"accept", "next", "verify"} | wanted)) and concepts.isdisjoint(
            {"logout", "forgot", "terms", "signup", "cookie"} - wanted
        ):
            yes.append((1.0 + weight + (0.5 if concepts & wanted else 0.0), -number, item))
    best_yes = max(yes, key=lambda x: x[:2], default=None)
    best_no = max(no, key=lambda x: x[:2], default=None)
    return (
        control(best_yes[2], 0.8, "goes on") if best_yes else None,
        control(best_no[2], 0.8, "refuses") if best_no else None,
    )


def resend(page: PageView) -> Control | None:
    for item in pressables(page):
        if len(item.words) < 80 and "resend" in concepts_of(item.words):
            return control(item, 0.9, "sends again")
    return None


def _in_furniture(item: Item, page: PageView) -> bool:
    view = page.view_of[item.frame.index]
    return any(
        box.tag in ("nav", "footer") or box.role in ("navigation", "contentinfo")
        for box in view.boxes_around(item.position)
    )
