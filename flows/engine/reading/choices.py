"""Ways to go on that are not fields: identity providers, methods, accounts."""

import re
from collections.abc import Iterable, Sequence

from flows.engine.reading import providers
from flows.engine.reading.analysis import ReadForm
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of, control_concepts
from flows.engine.reading.model import Choice, ChoiceKind, MfaType
from flows.engine.reading.names import named_among
from flows.engine.reading.page import PageView
from flows.engine.reading.text import fold, identifier_words, words
from flows.engine.snapshot import Text

MAX_CHOICES = 40
BESIDE = 3  # other buttons on a page that asks one question
LONGEST = 160
_MASKED = re.compile(
    r"(?:[\w.+-]{0,20}[*•●∗·…xX#]{2,}[\w.*•●∗…-]*@[\w.*•●∗…-]+)|(?:[\w.+-]{1,3}\.{3}[\w.]*@[\w.*•-]+)|"
    r"(?:\+?[\d(][\d\s()-]*)?[*•●∗·…X#xＸ][*•●∗·…X#xＸ\s()\-.]{1,24}\d{2,4}|(?:[*•●∗·]{2,}\d{2,4})|"
    r"(?:\+?\d{1,3}[\s-]?)?\d{0,4}[*•●∗·xX]{3,}\d{0,4}"
)
_ENDING = re.compile(
    r"(?:ending(?: in| with)?|ends? (?:in|with)|endet auf|terminant par|que termina en|terminado em|…|\.{3})"
    r"\s*(\d{2,4})"
)
_NO_PROVIDER = frozenset(
    {
        "email", "phone", "user", "password", "code", "code_word", "totp", "pin", "by_key", "by_sms", "by_other",
        "send_link", "send_code", "robot", "forgot", "logout", "terms", "other_way", "choose_account", "account",
        "remember",
    }
)  # fmt: skip
_NO_METHOD = frozenset(
    {
        "forgot", "logout", "signup", "cookie", "resend", "show", "terms", "search", "subscribe", "remember", "contact",
    }
)  # fmt: skip
_GOES_ON = frozenset({"decline", "next", "send", "verify", "login"})
_KEY = frozenset({"passkey"})
_NO_ANSWER = _NO_METHOD | {"accept", "decline", "next", "cookie_yes", "cookie_no", "close", "send", "verify"}
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_METHODS: tuple[tuple[str, MfaType], ...] = (
    ("by_recovery", MfaType.OTHER),
    ("by_key", MfaType.PASSKEY),
    ("by_push", MfaType.PUSH),
    ("by_sms", MfaType.SMS),
    ("by_call", MfaType.CALL),
    ("totp", MfaType.TOTP),
    ("by_app", MfaType.TOTP),
    ("by_email", MfaType.EMAIL),
    ("by_password", MfaType.PASSWORD),
    ("by_other", MfaType.OTHER),
)


def masked_destination(text: str) -> str | None:
    """The masked phone number or e-mail address in `text`."""
    match = _MASKED.search(text)
    if match and len(match.group(0).strip()) >= 4:
        return match.group(0).strip(" .,:")
    ending = _ENDING.search(text)
    return ending.group(1) if ending else None


def method_of(text: str) -> MfaType | None:
    """The method a label speaks of."""
    concepts = concepts_of(text)
    destination = masked_destination(text)
    for concept, kind in _METHODS:
        if concept in concepts:
            if kind is MfaType.PUSH and not concepts.isdisjoint({"by_sms", "by_call"}):
                continue
            if kind is MfaType.CALL and "by_email" in concepts and "by_call" not in concepts:
                continue
            if (
                kind is MfaType.TOTP
                and concept == "by_app"
                and not concepts.isdisjoint({"by_email"})
                and "totp" not in concepts
            ):
                continue
            return kind
    if "other_way" in concepts:
        return MfaType.SWITCH
    if destination:
        return MfaType.EMAIL if "@" in destination else MfaType.SMS
    if "phone" in concepts:
        return MfaType.SMS
    return None


def pressables(page: PageView, *, disabled: bool = False) -> Iterable[Item]:
    """Buttons, links and what looks like them, that a person can reach; those that are `disabled` for now as well, or
    not."""
    for item in page.items:
        e = item.element
        if (
            item.reachable
            and (disabled or not e.disabled)
            and e.tag != "iframe"
            and (not item.is_field or e.type in ("submit", "button", "image"))
        ):
            yield item


def sso(page: PageView, forms: Sequence[ReadForm]) -> list[Choice]:
    """Buttons of identity providers. A bare name counts only where the page asks people to sign in."""
    asking = any(form.visible and form.context in ("login", "signup") for form in forms) or _asks_to_sign_in(page)
    found: list[Choice] = []
    seen: set[str] = set()
    for item in pressables(page):
        provider = providers.provider_of(item) or _by_label(item, page)
        if provider is None or (item.provider_is_guess and not asking):
            continue
        if item.ref in seen or len(found) >= MAX_CHOICES:
            continue
        seen.add(item.ref)
        found.append(_choice(item, ChoiceKind.SSO_PROVIDER, provider=provider, reasons=(f"names {provider}",)))
    return found


def _asks_to_sign_in(page: PageView) -> bool:
    small = sum(1 for _ in pressables(page)) <= 25  # a large page speaks of many things
    texts = [text.text for text in page.seen_texts[:30] if len(text.text) <= 80] if small else page.headings
    spoken = (page.title_concepts | page.url_concepts).union(*map(concepts_of, texts))
    return not spoken.isdisjoint({"login", "signup"})


_ROUTE = re.compile(r"/(oidc|oauth2?|saml2?|openid|sso|social|federat\w*|broker|idp|external)/")


def _by_label(item: Item, page: PageView) -> str | None:
    """Providers nobody has heard of: "Sign in with Acme", or a short name at an address made for it."""
    text = item.words
    if not text or len(text) > 60 or _named_key(item):
        return None
    concepts = control_concepts(text)
    named = providers.label_remainder(text)
    if named and "signup" not in concepts:
        item.provider_is_guess = "login" not in concepts
        return named
    if not concepts.isdisjoint(_NO_PROVIDER):
        return None
    e = item.element
    if e.tag == "a" and _ROUTE.search(e.href.lower()) and not concepts & {"login", "signup"}:
        slug = "-".join(words(fold(text)))[:40]
        return slug or None
    return None


def methods(page: PageView, form: ReadForm | None, *, kind: ChoiceKind, taken: set[str]) -> list[Choice]:
    """Ways to sign in or to prove who one is, other than the form at hand."""
    found: list[Choice] = []
    for item in pressables(page):
        text = _full_text(item, page)
        if item.ref in taken or not text or len(text) > LONGEST or len(found) >= MAX_CHOICES:
            continue
        if form is not None and item.element.role == "tab" and item.element.checked:
            continue  # what it leads to is the form at hand
        choice = _method_choice(item, text, kind, form)
        if choice is not None:
            found.append(choice)
    return found


def _method_choice(item: Item, text: str, kind: ChoiceKind, form: ReadForm | None) -> Choice | None:
    concepts = control_concepts(text) | ({"by_key"} if _named_key(item) else frozenset())
    elsewhere = not concepts.isdisjoint(_NO_METHOD)
    named = not concepts.isdisjoint({"by_key", "by_sms", "send_code", "send_link"})
    still = named and concepts.isdisjoint({"forgot", "resend"})
    if elsewhere and not still:
        return None
    if form is not None and form.submit is item:
        return None
    switching = not concepts.isdisjoint({"other_way", "send_code", "send_link", "by_key", "by_recovery"})
    if kind is ChoiceKind.SIGN_IN_METHOD:
        using = not concepts.isdisjoint({"login", "with", "next"}) and not concepts.isdisjoint(
            {"email", "phone", "code", "code_word", "by_sms", "by_password", "by_other", "by_app", "by_push", "user"}
        )
        tab = item.element.role == "tab" and method_of(text) is not None
        if not switching and not tab and not (using and "with" in concepts):
            return None
    elif not switching and method_of(text) is None:
        return None
    found = method_of(text) or (MfaType.PASSKEY if "by_key" in concepts else None)
    if "send_code" in concepts and found in (None, MfaType.SWITCH, MfaType.PASSWORD):
        found = MfaType.EMAIL
    if "send_link" in concepts:
        found = MfaType.EMAIL
    if (
        "other_way" in concepts
        and masked_destination(text) is None
        and len(words(fold(text))) <= 8
        and found not in (MfaType.PASSKEY, MfaType.PASSWORD)
    ):
        found = MfaType.SWITCH
    return _choice(item, kind, text=text, mfa_type=found or MfaType.OTHER, reasons=(f"method {found or 'other'}",))


def _named_key(item: Item) -> bool:
    """The programmer calls it a passkey's: the words of some languages for one say only "key" or "access"."""
    e = item.element
    return bool(named_among(identifier_words(f"{e.id} {e.name} {e.data} {e.value}"), _KEY))


def same_question(page: PageView, found: Sequence[Choice]) -> list[Choice]:
    """Other values of the same question: buttons that send one form under one name, of which some are methods."""
    known = {choice.ref for choice in found}
    asked = {key for item in pressables(page) if item.ref in known and (key := _question(item)) is not None}
    more = [item for item in pressables(page) if item.ref not in known and item.words and _question(item) in asked]
    kept = [item for item in more if concepts_of(item.words[:60]).isdisjoint(_NO_METHOD | {"decline", "close"})]
    return [_choice(item, ChoiceKind.MFA_METHOD, mfa_type=MfaType.OTHER, reasons=("beside a method",)) for item in kept]


def answers(page: PageView) -> list[Choice]:
    """The buttons of one form that has nothing else in it: what a page without a word we know lets people choose."""
    by_form: dict[tuple[int, int], list[Item]] = {}
    for item in pressables(page):
        e = item.element
        if e.type == "submit" and e.form >= 0 and item.group is None and 0 < len(item.words) <= 60:
            by_form.setdefault((item.frame.index, e.form), []).append(item)
    rows = max(by_form.values(), key=len, default=[])
    beside = sum(1 for item in pressables(page) if item.element.tag != "a") - len(rows)
    said = frozenset().union(*(concepts_of(item.words) for item in rows))
    if len(rows) < 2 or beside > BESIDE or not said.isdisjoint(_NO_ANSWER):
        return []
    return [
        _choice(item, ChoiceKind.SIGN_IN_METHOD, text=item.words, reasons=("one of several answers",)) for item in rows
    ]


def _question(item: Item) -> tuple[int, int, str] | None:
    e = item.element
    sends = e.type == "submit" and e.form >= 0 and bool(e.name) and not (item.group is not None and item.group.typed)
    return (item.frame.index, e.form, e.name) if sends else None


def listed_methods(page: PageView, *, taken: set[str]) -> list[Choice]:
    """Radios, drop-down entries and rows of a page that asks how to go on."""
    found: list[Choice] = []
    for item in page.items:
        e = item.element
        if not item.reachable or e.disabled:
            continue
        if e.type == "radio" or e.role in ("radio", "option", "menuitemradio"):
            text = item.label if item.is_field else _full_text(item, page)
            kind = method_of(f"{text} {item.ident} {e.value}")
            if kind is not None and item.ref not in taken:
                found.append(
                    _choice(
                        item,
                        ChoiceKind.MFA_METHOD,
                        text=text,
                        mfa_type=kind,
                        needs_submit=e.type == "radio" or e.role == "radio",
                        reasons=("radio",),
                    )
                )
        elif e.tag == "select" and e.options:
            entries = [(option, method_of(option.text)) for option in e.options if not option.disabled]
            if sum(kind is not None for _, kind in entries) >= max(1, len(entries) - 1):
                for option, kind in entries:
                    if kind is not None:
                        found.append(
                            Choice(
                                ref=item.frame.ref(option.index),
                                kind=ChoiceKind.MFA_METHOD,
                                label=option.text,
                                selector=item.selector,
                                mfa_type=kind,
                                masked_destination=masked_destination(option.text),
                                select_in=item.ref,
                                needs_submit=True,
                                score=0.8,
                                reasons=("drop-down entry",),
                            )
                        )
    return found


def alike(page: PageView, known: Sequence[Choice], *, taken: set[str]) -> list[Choice]:
    """What stands in line with the methods that were known by their words, made the same way: a method as well."""
    refs = {choice.ref for choice in known}
    made = {
        (item.element.tag, item.element.css_class, item.element.form)
        for item in page.items
        if item.ref in refs
        and item.element.css_class
        and method_of(_full_text(item, page)) not in (None, MfaType.SWITCH)
    }
    found = []
    for item in pressables(page):
        e = item.element
        text = _full_text(item, page)
        if item.ref in refs | taken or (e.tag, e.css_class, e.form) not in made or not 0 < len(text) <= LONGEST:
            continue
        others = _NO_METHOD | (_GOES_ON if len(words(fold(text))) <= 3 else frozenset())
        if concepts_of(text).isdisjoint(others):
            found.append(
                _choice(
                    item, ChoiceKind.MFA_METHOD, text=text, mfa_type=MfaType.OTHER, reasons=("in line with methods",)
                )
            )
    return found[: MAX_CHOICES - len(known)]


def accounts(page: PageView, *, taken: set[str], organizations: bool, lists: bool = False) -> list[Choice]:
    """The rows of an account or organization picker. With `lists`, entries of a list count whatever they say."""
    found: list[Choice] = []
    for item in page.items:
        e = item.element
        if not item.reachable or e.disabled or item.ref in taken or len(found) >= MAX_CHOICES:
            continue
        radio = e.type == "radio" or e.role == "radio"
        if item.is_field and not radio and e.type not in ("submit", "button"):
            continue
        text = item.label if radio and item.is_field else _full_text(item, page)
        concepts = concepts_of(text)
        mail = _EMAIL.search(text) or masked_destination(text)
        if not text or len(text) > LONGEST or _furniture(item, page):
            continue
        if not concepts.isdisjoint({"terms", "forgot", "logout", "cookie", "search", "signup", "account"}) and not mail:
            continue
        other = "choose_account" in concepts
        row = (
            radio
            or e.tag == "button"
            or e.role in ("button", "link", "option", "listitem")
            or e.clickable_guess
            or _in_list(item, page)
            or (organizations and e.tag == "a")
        )
        if (
            mail
            or other
            or (organizations and row and concepts.isdisjoint({"next", "decline", "verify", "send", "login"}))
            or (lists and _in_list(item, page) and concepts.isdisjoint({"next", "decline", "verify", "send", "login"}))
        ):
            found.append(
                _choice(
                    item,
                    ChoiceKind.ACCOUNT if not other else ChoiceKind.OTHER,
                    text=text,
                    needs_submit=radio,
                    reasons=("row of a picker",),
                )
            )
    asked = {answer.ref for answer in answers(page)}  # where a form asks, the links beside it are no answers
    if any(choice.ref in asked for choice in found):
        found = [choice for choice in found if choice.ref in asked or choice.kind is not ChoiceKind.ACCOUNT]
    return found


def _in_list(item: Item, page: PageView) -> bool:
    view = page.view_of[item.frame.index]
    return any(box.tag in ("li", "ul", "ol") for box in list(view.boxes_around(item.position))[:3])


def _furniture(item: Item, page: PageView) -> bool:
    view = page.view_of[item.frame.index]
    return any(
        box.tag in ("nav", "footer", "header") or box.role in ("navigation", "contentinfo", "banner")
        for box in view.boxes_around(item.position)
    )


def _full_text(item: Item, page: PageView) -> str:
    """The control's words, and those of its row if it has too few of its own."""
    text = item.words or item.element.description
    if "close" in control_concepts(text):
        return text  # the words beside it are what it closes
    view = page.view_of[item.frame.index]
    parent = item.element.parent
    if len(words(text)) <= 2 and parent >= 0 and view.ends[parent] - parent < 12:
        siblings = [
            node.text
            for node in view.nodes[parent + 1 : view.ends[parent]]
            if isinstance(node, Text) and node.alert < 3
        ]
        controls = sum(at in view.by_position for at in range(parent + 1, view.ends[parent]))
        if controls == 1 and siblings and sum(map(len, siblings)) < 120:
            return " ".join([*siblings, text]).strip()
    return text


def _choice(
    item: Item, kind: ChoiceKind, *, text: str = "", provider: str | None = None, mfa_type: MfaType | None = None,
    needs_submit: bool = False, reasons: tuple[str, ...] = (),
) -> Choice:  # fmt: skip
    label = (text or item.words or provider or item.element.title)[:LONGEST]
    return Choice(
        ref=item.ref, kind=kind, label=label, selector=item.selector, mfa_type=mfa_type, provider=provider,
        masked_destination=masked_destination(label) if mfa_type else None,
        description=item.element.description or None,
        needs_submit=needs_submit, score=0.8, reasons=reasons,
    )  # fmt: skip
