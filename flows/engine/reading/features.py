"""Facts about fields and forms that the scores are made of.

Every feature is a short readable name, `"label:user"`, that is there or not; `weights.json` says how much each
speaks for each class. Features name concepts, never sites or whole texts.
"""

import re
from collections.abc import Iterable

from flows.engine.reading.items import Group, Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.names import named, named_among
from flows.engine.reading.page import PageView
from flows.engine.reading.text import identifier_words

FIELD_CONCEPTS = (
    "user", "email", "phone", "password", "password_new", "password_confirm", "code", "code_word", "totp", "recovery",
    "tenant", "pin", "search", "subscribe", "person", "question", "login", "robot", "signup", "forgot", "contact",
    "remember", "terms", "payment",
)  # fmt: skip
FORM_CONCEPTS = (
    "login", "signup", "forgot", "search", "subscribe", "contact", "next", "verify", "send", "code", "totp",
    "password_new", "password_confirm", "remember", "terms", "account", "robot", "send_code", "person", "payment",
    "recovery",
)  # fmt: skip
SKIPPED_TYPES = frozenset({"text", ""})
_LAYOUT = re.compile(r"\b(?:card|body)\b")  # boxes of page frameworks, not payment and not a letter
_CLASS_NAMES = frozenset({"email", "password", "user", "search", "code", "captcha", "newsletter"})


def is_password(item: Item) -> bool:
    e = item.element
    return e.tag == "input" and (e.type == "password" or (e.host is not None and e.host.type == "password") or e.masked)


def field_concepts(item: Item) -> frozenset[str]:
    """What the page's words call the field."""
    e = item.element
    return concepts_of(" . ".join(text for text in (item.label, e.placeholder) if text))


def field_features(item: Item, page: PageView) -> set[str]:
    """Facts about one typed field. The form's context is added by the caller as `form:<context>`."""
    e = item.element
    host = e.host
    found: set[str] = {f"type:{_type(item)}"}
    for token in f"{e.autocomplete} {host.autocomplete if host else ''}".split():
        found.add(f"auto:{token}")
    found |= {f"name:{concept}" for concept in named(item.ident)}
    if not item.ident:
        found.add("name:none")
    if item.group is None or sum(is_password(field) for field in item.group.typed) < 2:
        found.discard("name:confirm")  # a second password repeats the first; alone, "p2" is just a name
    found |= _spoken("label", item.label, FIELD_CONCEPTS)
    if not item.label:
        found.add("label:none")
    if e.placeholder and e.placeholder != item.label:
        found |= _spoken("holder", e.placeholder, FIELD_CONCEPTS)
    if "@" in e.placeholder or "@" in e.title:
        found.add("holder:at")
    if e.title or e.description:
        found |= _spoken("hint", f"{e.title} . {e.description}", FIELD_CONCEPTS)
    if item.before and item.before != item.label:
        found |= _spoken("before", item.before, FIELD_CONCEPTS)
    found |= {f"class:{concept}" for concept in named_among(identifier_words(e.css_class), _CLASS_NAMES)}
    if e.input_mode in ("numeric", "decimal") or e.pattern.startswith(("[0-9]", "\\d", "[0-9]*")) or e.type == "number":
        found.add("shape:numeric")
    if e.max_length is not None:
        found.add("shape:one" if e.max_length == 1 else "shape:short" if 4 <= e.max_length <= 10 else "shape:long")
    if e.required:
        found.add("shape:required")
    if item.group is not None:
        found |= _place(item, item.group)
        if item in item.group.boxes:
            found.add("shape:row")
    return found


def _type(item: Item) -> str:
    e = item.element
    if is_password(item):
        return "password"
    if e.tag in ("select", "textarea"):
        return e.tag
    kind = e.type or (e.host.type if e.host else "")
    if kind in ("text", "") and e.host and e.host.type in ("email", "tel", "search", "number"):
        return e.host.type
    return kind or "text"


def _spoken(source: str, text: str, wanted: Iterable[str]) -> set[str]:
    concepts = concepts_of(text)
    return {f"{source}:{concept}" for concept in wanted if concept in concepts}


def _place(item: Item, group: Group) -> set[str]:
    typed = [field for field in group.typed if field.reachable] or group.typed
    passwords = [field for field in typed if is_password(field)]
    found = {f"form_passwords:{min(len(passwords), 3)}", f"form_fields:{size_class(len(typed))}"}
    if item in typed:
        at = typed.index(item)
        if at == 0:
            found.add("place:first")
        if passwords and not is_password(item):
            first = typed.index(passwords[0])
            found.add(
                "place:before_password" if at == first - 1 else "place:early" if at < first else "place:after_password"
            )
        if is_password(item):
            found.add(f"place:password{min(passwords.index(item), 2)}")
            others = [other for other in passwords if other is not item]
            if any("confirm" in named(other.ident) or "password_confirm" in field_concepts(other) for other in others):
                found.add("place:beside_confirm")
            if any("new" in named(other.ident) or "password_new" in field_concepts(other) for other in others):
                found.add("place:beside_new")
    heading = concepts_of(group.heading)
    found |= {
        f"heading:{c}" for c in ("code", "totp", "recovery", "login", "signup", "forgot", "subscribe") if c in heading
    }
    return found


def size_class(count: int) -> str:
    return str(count) if count <= 3 else "4-6" if count <= 6 else "7+"


def form_features(group: Group, page: PageView) -> set[str]:
    """Facts about one form as a whole."""
    typed = [field for field in group.typed if field.reachable] or group.typed
    passwords = [field for field in typed if is_password(field)]
    found = {f"passwords:{min(len(passwords), 3)}", f"fields:{size_class(len(typed))}"}
    for field in typed:
        words = field_concepts(field)
        names = named(field.ident)
        for concept in (
            "user",
            "email",
            "phone",
            "code",
            "person",
            "search",
            "tenant",
            "captcha",
            "newsletter",
            "checkout",
            "contact",
        ):
            if concept in names:
                found.add(f"field_name:{concept}")
        for concept in (
            "user",
            "email",
            "phone",
            "code",
            "person",
            "search",
            "subscribe",
            "recovery",
            "totp",
            "payment",
            "password_confirm",
            "password_new",
            "contact",
            "question",
        ):
            if concept in words:
                found.add(f"field_label:{concept}")
        for token in field.element.autocomplete.split():
            found.add(f"auto:{token}")
        if is_password(field) and ("new" in names or ("confirm" in names and len(passwords) > 1)):
            found.add("password_name:new")
        if is_password(field) and "current" in names:
            found.add("password_name:current")
        if field.element.type == "search" or field.element.role == "searchbox":
            found.add("type:search")
        if field.element.type == "email":
            found.add("type:email")
        if field.element.tag == "textarea":
            found.add("type:textarea")
        if field.element.max_length == 1:
            found.add("type:box")
    for field in group.fields:
        e = field.element
        if e.tag == "select" and field.reachable:
            found.add("has:select")
        if e.type in ("checkbox", "radio"):
            words = concepts_of(field.label)
            names = named(field.ident)
            for concept in ("remember", "terms", "subscribe"):
                if concept in words or concept in names:
                    found.add(f"box:{concept}")
            if e.type == "radio":
                found.add("has:radio")
        if e.type == "file":
            found.add("has:file")
    if len(typed) == 1:
        found |= _single(typed[0])
    if group.boxes:
        found.add("has:row")
    found |= _form_words(group)
    if page.title_concepts:
        found |= {
            f"title:{c}" for c in ("login", "signup", "forgot", "code", "search", "contact") if c in page.title_concepts
        }
    found |= {
        f"url:{c}"
        for c in named(page.url_words)
        & {"login", "signup", "forgot", "search", "code", "contact", "checkout", "change", "settings"}
    }
    return found


def _single(field: Item) -> set[str]:
    """Facts about the only field of a form."""
    e = field.element
    found = set()
    if e.max_length is not None and 4 <= e.max_length <= 10:
        found.add("single:short")
    if e.input_mode == "numeric" or e.type == "number" or e.pattern.startswith(("[0-9]", "\\d")):
        found.add("single:numeric")
    return found


def _form_words(group: Group) -> set[str]:
    found: set[str] = set()
    form = group.form
    if form is not None:
        own = f"{identifier_words(f'{form.id} {form.name}')} {_LAYOUT.sub(' ', identifier_words(form.css_class))}"
        found |= {f"form:{c}" for c in named_among(own, _FORM_NAMES)}
        found |= {f"action:{c}" for c in named_among(identifier_words(_action(form.action)), _FORM_NAMES)}
        if form.role == "search" or "search" in concepts_of(form.label):
            found.add("role:search")
        found |= _spoken("aria", form.label, FORM_CONCEPTS)
        if form.method == "get":
            found.add("method:get")
    else:
        found.add("form:none")
    for button in group.buttons:
        if not button.reachable:
            continue
        words = button.words
        is_link = button.element.tag == "a" and bool(button.element.href) and "#" not in button.element.href
        source = "link" if is_link or _leads_aside(button, group) else "button"
        found |= _spoken(source, words[:60], FORM_CONCEPTS)
        if not is_link:
            found |= {
                f"button_name:{c}"
                for c in named_among(identifier_words(f"{button.element.name} {button.element.id}"), _FORM_NAMES)
            }
    found |= _spoken("heading", group.heading[:80], FORM_CONCEPTS)
    for text in group.texts[:30]:
        found |= _spoken("text", text.text[:200], FORM_CONCEPTS)
    return found


def _leads_aside(button: Item, group: Group) -> bool:
    """It stands over the form's first field, or answers a question ("New here? Join us"): not what sends the form."""
    typed = [field.position for field in group.typed if field.reachable]
    return bool(typed) and (button.position < typed[0] or not _ASKING.isdisjoint(button.words[:60]))


_ASKING = frozenset("?¿？؟")
_FORM_NAMES = frozenset(
    {
        "login",
        "signup",
        "forgot",
        "search",
        "newsletter",
        "contact",
        "checkout",
        "code",
        "change",
        "settings",
        "captcha",
    }
)


def _action(url: str) -> str:
    return url.partition("://")[2].partition("/")[2][:200]
