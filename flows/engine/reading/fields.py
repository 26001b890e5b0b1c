"""The fields of the chosen form as the reading gives them."""

from collections.abc import Sequence
from dataclasses import replace

from flows.engine.reading import lists as drop_downs
from flows.engine.reading.analysis import Context, ReadField, ReadForm
from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import CheckboxMeaning, Field, FieldRole
from flows.engine.reading.names import named
from flows.engine.reading.page import PageView
from flows.engine.reading.text import fold, words

_ROLES = {
    "identifier": FieldRole.IDENTIFIER,
    "email": FieldRole.EMAIL,
    "phone": FieldRole.PHONE,
    "password": FieldRole.PASSWORD,
    "new_password": FieldRole.NEW_PASSWORD,
    "code": FieldRole.CODE,
    "other": FieldRole.TEXT,
}
_MODES = frozenset({"text", "email", "tel", "numeric"})
_NEVER = frozenset({"search", "subscribe", "robot"})


def fields_of(form: ReadForm, page: PageView, *, lists: bool = False) -> tuple[Field, ...]:
    """Everything a person would fill or tick in the form, in order, each name once; what they would choose from
    drop-down lists as well, or not."""
    names: set[str] = set()
    boxes = form.group.boxes
    in_boxes = {box.ref for box in boxes}
    found: list[Field] = []
    roles = {field.item.ref: field for field in form.fields}
    for item in form.group.fields:
        e = item.element
        if e.hidden not in ("", "covered") or not item.frame.visible or e.disabled or e.read_only:
            continue
        if item.ref in in_boxes:
            if item is boxes[0]:
                found.append(_field(item, _code_role(item, form, page), names, boxes=tuple(boxes), score=0.95))
            continue
        if e.type == "checkbox" or e.role in ("checkbox", "switch"):
            found.append(_checkbox(item, names))
        elif item.is_typed and item.ref in roles:
            read = roles[item.ref]
            if read.role == "other" and not _asked(read):
                continue
            is_code = read.role == "code" or (read.role == "other" and _names_code(item))
            role = _code_role(item, form, page) if is_code else _ROLES[read.role]
            found.append(_field(item, role, names, read=read, score=round(read.verdict.chance(read.role), 3)))
        elif e.tag == "select" and (
            (lists and item.label) or (form.context is Context.LOGIN and drop_downs.is_asked(item))
        ):
            asked = _field(item, FieldRole.TEXT, names, score=0.5)
            found.append(replace(asked, required=drop_downs.is_needed(item), hint=asked.hint or drop_downs.shown(item)))
    if form.context is Context.OTP and all(field.role in (FieldRole.TEXT, FieldRole.CHECKBOX) for field in found):
        return tuple(replace(field, required=True) if field.role is FieldRole.TEXT else field for field in found)
    return tuple(found)


def is_switched_off(form: ReadForm) -> bool:
    """All that a person would type into is there but cannot be used: the page is not ready, or works on what it was
    sent."""
    typed = [item.element for item in form.group.fields if item.is_typed and item.reachable]
    return bool(typed) and all(element.disabled or element.read_only for element in typed)


def _code_role(item: Item, form: ReadForm, page: PageView) -> FieldRole:
    own = concepts_of(f"{item.label} . {item.element.placeholder}")
    names = named(item.ident)
    near = concepts_of(form.group.heading) | frozenset().union(
        *(concepts_of(text.text) for text in form.group.texts[:12])
    )
    if "recovery" in own or ("recovery" in names and "code" in own | names):
        return FieldRole.RECOVERY_CODE
    if "totp" in own or "totp" in names:
        return FieldRole.TOTP
    around = near | page.title_concepts | frozenset().union(*(concepts_of(text) for text in page.headings))
    instructions = frozenset().union(*(concepts_of(text.text) for text in page.seen_texts[:40] if len(text.text) < 300))
    if "recovery" in around and "totp" not in instructions and "code" not in own:
        return FieldRole.RECOVERY_CODE
    if "totp" in around or ("totp" in instructions and not _was_sent(page)):
        return FieldRole.TOTP
    return FieldRole.CODE


def _names_code(item: Item) -> bool:
    """The label says so outright, whatever the form as a whole looks like."""
    concepts = concepts_of(item.label)
    return "code" in concepts or {"totp", "code_word"} <= concepts


def _was_sent(page: PageView) -> bool:
    return any(
        not concepts_of(text.text).isdisjoint({"resend", "external_mail", "by_sms"}) for text in page.seen_texts[:60]
    )


def _asked(read: ReadField) -> bool:
    """Whether a field of no known role is something a login needs, not a search box or a puzzle."""
    item = read.item
    concepts = concepts_of(item.label)
    names = named(item.ident)
    if not concepts.isdisjoint(_NEVER) or names & {"search", "captcha", "newsletter"}:
        return False
    return bool(item.label or item.ident) and item.element.type not in ("search", "date", "range")


def _checkbox(item: Item, names: set[str]) -> Field:
    concepts = concepts_of(item.label)
    own = named(item.ident)
    meaning = CheckboxMeaning.OTHER
    if "remember" in concepts or "trust" in concepts or ("remember" in own and "terms" not in concepts):
        meaning = CheckboxMeaning.REMEMBER
    elif "terms" in concepts or "terms" in own:
        meaning = CheckboxMeaning.TERMS
    return Field(
        ref=item.ref,
        boxes=(item.ref,),
        role=FieldRole.CHECKBOX,
        name=_name(item, FieldRole.CHECKBOX, names),
        label=item.label[:160],
        selector=item.selector,
        html_type="checkbox",
        required=item.element.required,
        checkbox=meaning,
        score=0.9,
        reasons=(f"checkbox: {meaning}",),
    )


def _field(
    item: Item,
    role: FieldRole,
    names: set[str],
    *,
    boxes: Sequence[Item] = (),
    read: ReadField | None = None,
    score: float,
) -> Field:
    e = item.element
    optional = role is FieldRole.TEXT and not e.required and "*" not in item.label
    return Field(
        ref=item.ref,
        boxes=tuple(box.ref for box in boxes) or (item.ref,),
        role=role,
        name=_name(item, role, names),
        label=item.label.strip(" :*")[:160] or role.value.replace("_", " "),
        selector=item.selector,
        placeholder=e.placeholder,
        hint=e.description[:200],
        input_mode=e.input_mode if e.input_mode in _MODES else "",
        html_type=e.type or ("text" if e.tag == "input" else e.tag),
        required=not optional,
        max_length=None if boxes else e.max_length,
        score=score,
        reasons=read.verdict.reasons if read else ("a row of single-character boxes",) if boxes else ("a list",),
    )


def _name(item: Item, role: FieldRole, names: set[str]) -> str:
    e = item.element
    host = e.host
    base = e.name or (host.name if host else "") or e.id or (host.id if host else "")
    base = base or "_".join(words(fold(item.label))[:4]) or role.value
    name, number = base, 2
    while name in names:
        name, number = f"{base}_{number}", number + 1
    names.add(name)
    return name
