"""Which controls of a frame are sent together: forms, and what stands in for one where there is none."""

import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from flows.engine.reading.boxes import code_boxes
from flows.engine.reading.items import BUTTON_TYPES, Group, Item, is_button, is_field
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.names import named
from flows.engine.snapshot import Box, Element, Form, Text

if TYPE_CHECKING:
    from flows.engine.reading.page import FrameView

MAX_APART = 25  # nodes between a field and the password that is asked with it
MAX_GROUPS = 120
MAX_FIELDS = 100
MAX_BUTTONS = 300
_TOGGLE = re.compile(r"eye|toggle|show|hide|reveal|visib|clear|caret|chevron|calendar|info|tooltip|help", re.I)


def groups_of(view: "FrameView") -> list[Group]:
    """Forms first, then clusters of fields that are in no form; in document order."""
    found = [*_form_groups(view), *_loose_groups(view)]
    found.sort(key=lambda group: group.start)
    for group in found:
        group.texts = list(view.texts_in(group.start, group.end))
        group.heading = _heading(view, group)
        group.boxes = code_boxes(group.typed)
        for item in (*group.fields, *group.buttons):
            item.group = item.group or group
    return found


def _form_groups(view: "FrameView") -> list[Group]:
    starts = {
        node.form: at
        for at, node in reversed(list(enumerate(view.nodes)))
        if isinstance(node, Box) and node.tag == "form" and node.form >= 0
    }
    members: dict[int, list[Item]] = defaultdict(list)
    for item in view.items:
        if item.element.form >= 0:
            members[item.element.form].append(item)
    groups = []
    for number, items in list(members.items())[:MAX_GROUPS]:
        start = starts.get(number, items[0].position)
        end = view.ends[start] if number in starts else items[-1].position + 1
        form = view.frame.forms[number] if number < len(view.frame.forms) else Form()
        group = Group(view.frame, form, start, end)
        _fill(group, items)
        if group.fields:
            groups += _parts(view, group, items) or [group]
    return groups


def _parts(view: "FrameView", group: Group, items: list[Item]) -> list[Group]:
    """The forms inside a form that spans the whole page, as some frameworks write it: each with a button of its
    own, one of them with a password and whose it is. Empty where it is one form after all."""
    typed = [item for item in group.typed if item.reachable]
    sending = [item.position for item in items if is_button(item) and _could_submit(item)]
    homes: dict[int, list[Item]] = defaultdict(list)
    for item in typed:
        inside = (at for at in view.ancestors(item.position) if at > group.start)
        home = next((at for at in inside if any(at < p < view.ends[at] for p in sending)), -1)
        homes[home].append(item)
    whole = [any(field.element.type == "password" for field in fields) for fields in homes.values()]
    apart = all(view.ends[a] <= b for a, b in pairwise(sorted(homes)))
    alone = any(len(fields) == 1 and has for fields, has in zip(homes.values(), whole, strict=True))
    steps = any(not concepts_of(item.label).isdisjoint({"code", "totp"}) for item in typed)  # of the same login
    if len(homes) < 2 or -1 in homes or not any(whole) or not apart or alone or steps:
        return []
    parts = [Group(view.frame, group.form, home, view.ends[home]) for home in sorted(homes)]
    for part in parts:
        _fill(part, [item for item in items if part.start < item.position < part.end])
    return parts


def _loose_groups(view: "FrameView") -> list[Group]:
    loose = [item for item in view.items if item.element.form < 0 and item.is_typed][:300]
    if not loose:
        return []
    pressable = {item.position for item in view.items if is_button(item)}
    pressable = {at for at in pressable if _could_submit(view.by_position[at])}
    homes: dict[int, list[Item]] = defaultdict(list)
    for item in loose:
        home = -1
        for depth, at in enumerate(view.ancestors(item.position)):
            if depth > 14:
                break
            home = at
            if any(at < p < view.ends[at] for p in pressable):
                break
        homes[home].append(item)
    _join_passwords(view, homes, pressable)
    groups: list[Group] = []
    for start in sorted(homes):
        end = view.ends[start] if start >= 0 else len(view.nodes)
        outer = groups[-1] if groups and groups[-1].end >= end else None
        if outer is not None and outer.start < start:
            inner_buttons = [view.by_position[p] for p in pressable if start < p < end]
            if not any(_sends(item) for item in inner_buttons):
                continue  # a part of what surrounds it
        groups.append(Group(view.frame, None, start, end))
    for group in reversed(groups):
        taken = [i for i in view.items if group.start < i.position < group.end and i.element.form < 0 and not i.group]
        _fill(group, taken)
        for item in taken:
            item.group = group
    return [group for group in groups if group.fields][:MAX_GROUPS]


def _join_passwords(view: "FrameView", homes: dict[int, list[Item]], pressable: set[int]) -> None:
    """A password alone with its button belongs to the field before it, where that has no button of its own."""
    for home in sorted(homes):
        typed = [item for item in homes[home] if item.reachable]
        if home < 0 or len(typed) != 1 or typed[0].element.type != "password":
            continue
        before = [
            (item.position, item, start)
            for start, items in homes.items()
            for item in items
            if start != home and item.reachable and 0 < typed[0].position - item.position <= MAX_APART
        ]
        if not before:
            continue
        _, last, other = max(before, key=lambda entry: entry[0])
        end = view.ends[other] if other >= 0 else len(view.nodes)
        own = (p for p in pressable if other < p < end and not home < p < view.ends[home])
        if _is_for_search(last) or any(_sends(view.by_position[p]) for p in own):
            continue
        around = set(view.ancestors(typed[0].position))
        joint = next((at for at in view.ancestors(last.position) if at in around), -1)
        homes[joint] = [*homes.get(joint, []), *homes.pop(home)]
        if joint != other:
            homes[other].remove(last)
            homes[joint].append(last)


def _heading(view: "FrameView", group: Group) -> str:
    """The heading inside the group, else the last one before it."""
    for text in group.texts[:4]:
        if text.heading:
            return text.text
    for at in range(group.start - 1, max(-1, group.start - 14), -1):
        node = view.nodes[at]
        if isinstance(node, Text) and (node.heading or node.size >= 22):
            return node.text
        if isinstance(node, Element) and is_field(node) and not node.hidden:
            break
    return ""


def _could_submit(item: Item) -> bool:
    e = item.element
    if e.tag == "iframe" or e.hidden not in ("", "covered"):
        return False
    if e.tag == "a" and e.href and not e.href.endswith("#") and not e.href.startswith("javascript"):
        return False
    words = item.words
    if not words:
        return e.tag in ("button", "input") and not _TOGGLE.search(f"{e.css_class} {e.icon} {e.id}")
    return "show" not in concepts_of(words) or "login" in concepts_of(words)


def _sends(item: Item) -> bool:
    if item.element.type == "submit" and item.element.tag == "input":
        return True
    concepts = concepts_of(item.words)
    return not concepts.isdisjoint({"login", "next", "verify", "signup", "search", "subscribe", "send", "forgot"})


def _is_for_search(item: Item) -> bool:
    e = item.element
    said = concepts_of(f"{item.label} . {e.placeholder}") | named(item.ident)
    return "search" in (e.type, *said) or e.role == "searchbox"


def _fill(group: Group, items: list[Item]) -> None:
    for item in items:
        if item.is_field and item.element.type not in BUTTON_TYPES:
            if len(group.fields) < MAX_FIELDS:
                group.fields.append(item)
        elif item.element.tag != "iframe" and len(group.buttons) < MAX_BUTTONS:
            group.buttons.append(item)
