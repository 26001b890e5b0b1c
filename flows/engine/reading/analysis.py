"""Every form of a page with its context, the role of every field and how it is sent.

The reading proper works on one form; this is the whole page, for choosing it and for measuring.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from flows.engine.reading import submits
from flows.engine.reading.features import field_concepts, field_features, form_features, is_password
from flows.engine.reading.items import Group, Item
from flows.engine.reading.lexicon import concepts_of, control_concepts
from flows.engine.reading.names import named
from flows.engine.reading.page import PageView
from flows.engine.reading.scores import Verdict, weigh, weights


class Context(StrEnum):
    LOGIN = "login"
    SIGNUP = "signup"
    RESET = "reset"
    OTP = "otp"
    SEARCH = "search"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReadField:
    item: Item
    role: str  # identifier, email, phone, password, new_password, code or other
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ReadForm:
    group: Group
    context: Context
    verdict: Verdict
    fields: tuple[ReadField, ...]
    submit: Item | None
    visible: bool

    def having(self, *roles: str) -> list[ReadField]:
        return [field for field in self.fields if field.role in roles]


def analyse(page: PageView) -> list[ReadForm]:
    """All forms of the page, in document order."""
    forms = [read_form(group, page) for group in page.groups if group.typed]
    if any("checkout" in named(item.ident) for form in forms if form.visible for item in form.group.typed):
        return [_without_guess(form) for form in forms]
    return forms


def _without_guess(form: ReadForm) -> ReadForm:
    """Beside payment, an address or a phone number alone is no login."""
    guessed = form.context is Context.LOGIN and not form.having("password") and form.verdict.chance("login") < SURE
    return replace(form, context=Context.OTHER) if guessed else form


def typed_features(item: Item, page: PageView, form: Verdict) -> set[str]:
    """Facts about a field, with what its form looks like."""
    features = field_features(item, page)
    features.add(f"form:{form.best}")
    if form.chance(form.best) < 0.7:
        features.add("form:unsure")
    return features


def read_form(group: Group, page: PageView) -> ReadForm:
    verdict = weigh(weights("form"), form_features(group, page))
    context = Context(verdict.best)
    if group.boxes and len(group.boxes) == sum(item.reachable for item in group.typed):
        context = Context.OTP  # nothing but a row of boxes of one size: a code
    fields = []
    for item in group.typed:
        features = typed_features(item, page, verdict)
        found = weigh(weights("field"), features)
        is_code = item in group.boxes or _called_code(item, features)
        fields.append(ReadField(item, "code" if is_code else found.best, found))
    visible = any(item.reachable for item in group.typed)
    context = _settled(context, verdict, fields)
    if context is Context.LOGIN and _makes_account(group, page, fields):
        context = Context.SIGNUP
    if context in (Context.SIGNUP, Context.RESET, Context.OTHER) and _confirms(group, page):
        context = Context.LOGIN
    elif context is Context.SIGNUP and _resets(group, page):
        context = Context.RESET
    lone = _lone_code(group, page, fields)
    if lone is not None:
        context = Context.OTP
        fields = [replace(field, role="code") if field is lone else field for field in fields]
    elif context in (Context.OTHER, Context.SEARCH) and (first := _first_step(group, page, fields)) is not None:
        context = Context.LOGIN
        fields = [replace(field, role="identifier") if field is first else field for field in fields]
    elif context in (Context.OTHER, Context.SEARCH) and _puts_question(group, page):
        context = Context.OTP
    fields = [_as_email(field) for field in _agreed(context, fields)]
    return ReadForm(group, context, verdict, tuple(fields), submits.find(group, context, page), visible)


SURE = 0.9
CHOSEN = frozenset({"label:password_new", "holder:password_new", "auto:new-password"})
PAGE_SAYS_CODE = frozenset({"heading:code", "heading:totp", "heading:recovery", "title:code"})
FIELD_SAYS_CODE = frozenset({"label:code", "label:code_word", "label:totp", "name:code", "name:codeish", "name:totp"})
NO_CODE = frozenset(
    {"captcha", "robot", "checkout", "payment", "search", "newsletter", "subscribe", "user", "email", "phone"}
)
# What only a one-time code is called, whatever language the page is in.
SURELY_CODE = frozenset({"name:code", "name:totp", "auto:one-time-code"})
NAMED_CODE = frozenset({"name:code", "name:totp"})
LABELLED_CODE = frozenset({"label:code", "label:totp", "holder:code", "holder:totp"})
WHO = frozenset({"label:email", "label:phone", "label:user", "name:email", "name:phone", "name:user"})
NO_LOGIN = frozenset(
    {"title:forgot", "heading:forgot", "title:signup", "heading:signup", "button:signup", "button:subscribe"}
)
LETS_IN = frozenset({"login", "next", "send_code", "send_link"})
NO_FIRST_STEP = frozenset(
    f"{source}:{concept}" for source in ("heading", "button", "title", "action") for concept in ("signup", "forgot")
)
CALLED_PASSWORD = frozenset({"label:password", "holder:password", "name:password", "auto:current-password"})
GOES_ON = frozenset({"button:next", "button:verify", "button:login"})
FEW = 12  # controls of a page that asks for one thing
OTHER_CODES = frozenset({"captcha", "robot", "checkout", "payment", "search", "newsletter", "subscribe"})
_DIGITS = re.compile(r"[\dX#•·_○*\-\s–—]{4,9}")  # a placeholder that draws the digits


def _called_code(item: Item, said: set[str]) -> bool:
    """Both the page and the programmer call it a code, and neither anything else that codes are called."""
    if not _typed_as_text(item) or any(feature.partition(":")[2] in OTHER_CODES for feature in said):
        return False
    return "auto:one-time-code" in said or (not said.isdisjoint(NAMED_CODE) and not said.isdisjoint(LABELLED_CODE))


def _lone_code(group: Group, page: PageView, fields: list[ReadField]) -> ReadField | None:
    """The only field of a form, where the page speaks of a code and so does the field: two witnesses that need not
    be sure, since a page for a code holds little else to learn from."""
    seen = [field for field in fields if field.item.reachable]
    if len(seen) != 1:
        return None
    item = seen[0].item
    said = field_features(item, page)
    if is_password(item):  # typed unseen, like a password, by some sites
        return seen[0] if said & LABELLED_CODE and not said & CALLED_PASSWORD else None
    if not _typed_as_text(item):
        return None
    sure = bool(said & SURELY_CODE)
    sends = _has_code_sent(group)
    against = {feature for feature in said if feature.startswith(("label:", "name:"))}
    if sure:
        against -= {"name:user", "name:email", "name:phone"}  # "user[otp_attempt]", "phone_otp"
    if sends:
        against -= {"name:captcha"}  # a puzzle is not sent to anybody
    if any(feature.partition(":")[2] in NO_CODE for feature in against):
        return None
    about = form_features(group, page)
    if sure and not about & {"title:signup", "heading:signup", "action:signup", "url:signup"}:
        return seen[0]
    drawn = _DIGITS.fullmatch(item.element.placeholder) is not None or _is_short(item)
    if drawn and (said & FIELD_SAYS_CODE or about & (PAGE_SAYS_CODE | {"text:code", "text:totp"})):
        return seen[0]
    witnessed = said & FIELD_SAYS_CODE and (sends or about & (PAGE_SAYS_CODE | {"text:totp"}))
    alone = said & LABELLED_CODE and about & GOES_ON and _nothing_else(group, page)
    return seen[0] if witnessed or alone else None


def _nothing_else(group: Group, page: PageView) -> bool:
    """The page is about this form and no other, and offers little beside it."""
    seen = [item for item in page.items if item.reachable]
    typed = [item for item in seen if item.is_typed]
    return len(seen) - len(typed) <= FEW and all(item in group.typed for item in typed)


def _is_short(item: Item) -> bool:
    """Made for a few characters."""
    e = item.element
    return e.max_length is not None and 4 <= e.max_length <= 8


def _first_step(group: Group, page: PageView, fields: list[ReadField]) -> ReadField | None:
    """The only field to fill on a page whose address says that it is a login, or that says so itself and has a user
    name filled in by the browser: structure is all there is to go by in a language that is in no table."""
    seen = [field for field in fields if field.item.reachable]
    if len(seen) != 1:
        return None
    place = named(page.url_words)
    said = field_features(seen[0].item, page) | form_features(group, page)
    if _has_code_sent(group) and said & WHO and not (said & NO_LOGIN or place & {"signup", "forgot", "settings"}):
        return seen[0]
    headed = not said.isdisjoint({"title:login", "heading:login"})
    called = "login" in place or (headed and ("auto:username" in said or _asks_who(group, seen[0], said)))
    if not called or place & {"signup", "forgot", "search", "code", "settings", "change"} or "title:forgot" in said:
        return None
    others = [other for other in page.groups if other is not group and any(item.reachable for item in other.typed)]
    against = {"search", "subscribe", "newsletter", "captcha", "robot", "contact", "code", "payment", "checkout"}
    speaking = said - {"button:code", "button:totp"}  # the code that it has sent is not typed here
    if others or "method:get" in said or any(feature.partition(":")[2] in against for feature in speaking):
        return None
    return seen[0] if _typed_as_text(seen[0].item) else None


def _puts_question(group: Group, page: PageView) -> bool:
    """One answer to a question that only the owner of the account can answer."""
    seen = [item for item in group.typed if item.reachable]
    if len(seen) != 1 or not (_typed_as_text(seen[0]) or is_password(seen[0])) or named(page.url_words) & {"settings"}:
        return False
    said = concepts_of(f"{seen[0].label} . {group.heading}").union(
        *(concepts_of(text.text) for text in group.texts[:8])
    )
    around = frozenset().union(*(concepts_of(text) for text in page.headings), page.title_concepts)
    told = frozenset().union(*(concepts_of(text.text) for text in page.seen_texts[:40] if len(text.text) < 300))
    alone = sum(any(item.reachable for item in other.typed) for other in page.groups) == 1
    return alone and "question" in said | around | told and not (said | around) & {"signup", "forgot", "subscribe"}


def _has_code_sent(group: Group) -> bool:
    return any("send_code" in concepts_of(button.words[:60]) for button in group.buttons if button.reachable)


def _asks_who(group: Group, field: ReadField, said: set[str]) -> bool:
    """Who it is, and a button to be let in or to be sent something: all that a login without a password asks first."""
    if field.role not in ("identifier", "email", "phone") or said & NO_FIRST_STEP:
        return False
    buttons = [control_concepts(button.words[:60]) for button in group.buttons if button.reachable]
    return any(not concepts.isdisjoint(LETS_IN) and "resend" not in concepts for concepts in buttons)


def _settled(context: Context, verdict: Verdict, fields: list[ReadField]) -> Context:
    """What the fields turned out to be has the last word on a close call."""
    roles = {field.role for field in fields if field.item.reachable}
    if context is Context.LOGIN and roles and roles <= {"code", "other"} and "code" in roles:
        return Context.OTP
    if context is Context.LOGIN and "other" in roles and len(roles) == 1 and verdict.chance("login") < 0.6:
        return Context.OTHER
    if context is Context.LOGIN and "code" in roles and "password" not in roles and _code_first(fields):
        return Context.OTP
    others = sum(field.role == "other" and field.item.reachable for field in fields)
    if context is Context.LOGIN and others >= 3 and not roles & {"password", "code"}:
        return Context.OTHER  # a person's address, a letter: a login asks for less
    if context in (Context.SEARCH, Context.OTHER) and "password" in roles and verdict.chance("login") > 0.2:
        return Context.LOGIN
    return context


def _code_first(fields: list[ReadField]) -> bool:
    """Whatever else is asked comes after the code: it does not say whose it is."""
    seen = [field for field in fields if field.item.reachable]
    if any(field.role in ("email", "phone") for field in seen):
        return False
    whose = [field for field in seen if field.role == "identifier"]
    code = next((field.item.position for field in seen if field.role == "code"), 0)
    return all(field.item.position > code for field in whose)


def _makes_account(group: Group, page: PageView, fields: list[ReadField]) -> bool:
    """The password is one to be chosen, or all that can be pressed says that an account is made."""
    passwords = [field.item for field in fields if field.item.reachable and is_password(field.item)]
    said = [concepts_of(button.words[:60]) for button in group.buttons if button.reachable and button.words]
    if not passwords or any("login" in concepts for concepts in said):
        return False
    if all(not field_features(item, page).isdisjoint(CHOSEN) for item in passwords):
        return True
    return bool(said) and all("signup" in concepts for concepts in said)


def _confirms(group: Group, page: PageView) -> bool:
    """The one password of a form that only wants it confirmed: the one there is, again, before something delicate."""
    seen = [item for item in group.typed if item.reachable]
    if len(seen) != 1 or not is_password(seen[0]):
        return False
    said = field_features(seen[0], page)
    called = said & {"label:password_confirm", "holder:password_confirm"}
    return bool(called) and not said & {"label:password_new", "holder:password_new"}


def _resets(group: Group, page: PageView) -> bool:
    """A new password for an account there is: the page or its address says so, or whose it is goes without saying, and
    nothing speaks of a new account."""
    about = form_features(group, page)
    if about & {f"{source}:signup" for source in ("heading", "button", "title", "url", "action", "aria")}:
        return False
    seen = [item for item in group.typed if item.reachable]
    only = len(seen) > 1 and all(is_password(item) for item in seen)
    return only or bool(about & {f"{source}:forgot" for source in ("heading", "button", "title", "url", "action")})


def _agreed(context: Context, fields: list[ReadField]) -> list[ReadField]:
    """Roles that fit together: a login has one password, an old one, and something that says whose it is."""
    seen = [field for field in fields if field.item.reachable]
    passwords = [field for field in seen if is_password(field.item)]
    if context in (Context.OTHER, Context.SEARCH):  # of a card, a coupon, a picture
        return [replace(field, role="other") if _is_other_code(field) else field for field in fields]
    if context is Context.OTP:  # the name of a device, not of a person
        return [replace(field, role="other") if field.role == "identifier" else field for field in fields]
    if context is Context.SIGNUP:
        return [replace(field, role="new_password") if field.role == "password" else field for field in fields]
    if context is not Context.LOGIN or not passwords:
        return fields
    changed: dict[str, str] = {}
    if len(passwords) == 1 and passwords[0].role == "new_password":
        changed[passwords[0].item.ref] = "password"
    if not any(field.role in ("identifier", "email", "phone") for field in seen):
        before = [
            f
            for f in seen
            if f.role == "other" and f.item.position < passwords[0].item.position and _could_identify(f.item)
        ]
        if before:
            changed[before[-1].item.ref] = "identifier"
    return [replace(f, role=changed[f.item.ref]) if f.item.ref in changed else f for f in fields]


def _is_other_code(field: ReadField) -> bool:
    item = field.item
    boxed = item.group is not None and item in item.group.boxes
    return field.role == "code" and not boxed and "one-time-code" not in item.element.autocomplete


def _as_email(field: ReadField) -> ReadField:
    """An identifier that the page calls an e-mail address, and nothing else, is one."""
    e = field.item.element
    if field.role not in ("identifier", "email"):
        return field
    called = field_concepts(field.item) & {"email", "user", "phone"}
    only_email = called == {"email"} or (e.type == "email" and not called & {"user", "phone"})
    return replace(field, role="email") if only_email else field


def _could_identify(item: Item) -> bool:
    concepts = concepts_of(item.label)
    return (
        _typed_as_text(item)
        and not named(item.ident) & {"captcha", "search", "checkout", "newsletter"}
        and concepts.isdisjoint({"robot", "search", "subscribe", "payment", "code"})
    )


def _typed_as_text(item: Item) -> bool:
    return item.element.tag == "input" and item.element.type in ("text", "email", "tel", "number", "")


__all__ = ["Context", "ReadField", "ReadForm", "analyse", "is_password", "read_form"]
