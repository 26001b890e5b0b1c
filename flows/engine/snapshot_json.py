"""Snapshots out of what the observer's script writes. Whatever a hostile page makes of it, the result is a snapshot:
wrong types become defaults, long lists and strings are cut."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from flows.engine.snapshot import (
    HIDDEN,
    NOWHERE,
    Box,
    Cover,
    Element,
    Form,
    Frame,
    Hidden,
    Host,
    Mark,
    Node,
    Option,
    Rect,
    Snapshot,
    Text,
)

MAX_NODES = 4000
MAX_FRAMES = 60
MAX_TEXT = 600


def snapshot_from_json(data: Any) -> Snapshot:
    """From `{"frames": [...]}`, one frame's object, or the JSON text of either; anything else is an empty page."""
    data = _parsed(data)
    raw = data.get("frames") if isinstance(data, Mapping) else data
    raw = raw if isinstance(raw, Sequence) and not isinstance(raw, str | bytes) else [data]
    frames = tuple(frame_from_json(item, index=number) for number, item in enumerate(_some(raw, MAX_FRAMES)))
    return Snapshot(frames or (Frame(0),))


def _parsed(data: Any) -> Any:
    if not isinstance(data, str | bytes):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return {}


def frame_from_json(data: Any, *, index: int, visible: bool = True) -> Frame:
    """One frame as the observer's script writes it (an object or its JSON text)."""
    data = _map(_parsed(data))
    nodes: list[Node] = []
    for number, item in enumerate(_some(data.get("nodes"), MAX_NODES)):
        nodes.append(_node(_map(item), before=number))
    return Frame(
        index=index,
        url=_str(data, "url", 2000),
        title=_str(data, "title", 300),
        lang=_str(data, "lang", 20),
        direction=_str(data, "dir", 10),
        view=_pair(data.get("view")),
        size=_pair(data.get("size")),
        ready_state=_str(data, "state", 20),
        busy=bool(data.get("busy")),
        status=_int(data, "status"),
        visible=visible and data.get("visible", True) is not False,
        truncated=bool(data.get("more")),
        nodes=tuple(nodes),
        forms=tuple(_form(_map(item)) for item in _some(data.get("forms"), 400)),
        marks=tuple(_mark(item) for item in _some(data.get("marks"), 80)),
        covers=tuple(_cover(_map(item)) for item in _some(data.get("cover"), 16)),
        scripts=tuple(item[:300] for item in _some(data.get("scripts"), 60) if isinstance(item, str)),
        opaque=tuple(item for item in _some(data.get("opaque"), 40) if isinstance(item, int)),
        steps=tuple(_steps(_some(data.get("paths"), 40_000))),
    )


def _node(data: Mapping[str, Any], *, before: int) -> Node:
    parent = _int(data, "p", -1)
    if not -1 <= parent < before:
        parent = -1
    if isinstance(data.get("e"), str):
        return _element(data, parent)
    if isinstance(data.get("t"), str):
        return Text(
            parent=parent,
            text=_str(data, "t", MAX_TEXT),
            rect=_rect(data.get("b")),
            heading=_int(data, "h"),
            alert=_int(data, "a"),
            is_label=bool(data.get("l")),
            is_red=bool(data.get("rd")),
            unseen=bool(data.get("sr")),
            aria_hidden=bool(data.get("ah")),
            size=_int(data, "z", 16),
        )
    return Box(
        parent=parent,
        tag=_str(data, "g", 40) or "div",
        role=_str(data, "r", 20).lower(),
        id=_str(data, "i", 100),
        css_class=_str(data, "c", 200),
        label=_str(data, "l", 200),
        form=_int(data, "f", -1),
        fixed=bool(data.get("fx")),
        modal=bool(data.get("m")),
        rect=_rect(data.get("b")),
        z=_int(data, "z"),
        index=_int(data, "x", -1),
    )


def _element(data: Mapping[str, Any], parent: int) -> Element:
    get = data.get
    hidden = get("w", "")
    host = get("ho")
    expanded = get("ex")
    length = get("ml")
    return Element(
        index=_int(data, "x"),
        parent=parent,
        tag=_str(data, "e", 40).lower(),
        type=_str(data, "y", 30).lower(),
        id=_str(data, "i", 200),
        name=_str(data, "n", 200),
        css_class=_str(data, "c", 200),
        role=_str(data, "r", 30).lower(),
        text=_str(data, "tx", 300),
        label=_str(data, "lb", 300),
        aria_label=_str(data, "al", 300),
        title=_str(data, "ti", 300),
        placeholder=_str(data, "ph", 300),
        autocomplete=_str(data, "ac", 100).lower(),
        input_mode=_str(data, "im", 30).lower(),
        pattern=_str(data, "pt", 100),
        description=_str(data, "dc", 300),
        href=_str(data, "hr", 600),
        form_action=_str(data, "fa", 400),
        value=_str(data, "v", 100),
        icon=_str(data, "ic", 300),
        data=_str(data, "dt", 300),
        popup=_str(data, "hp", 30),
        hidden=cast(Hidden, hidden) if isinstance(hidden, str) and hidden in HIDDEN else "none",
        rect=_rect(get("b")),
        form=_int(data, "f", -1),
        path=_int(data, "s", -1),
        max_length=length if isinstance(length, int) and 0 < length < 100_000 else None,
        required=bool(get("rq")),
        disabled=bool(get("ds")),
        read_only=bool(get("ro")),
        filled=bool(get("fl")),
        checked=bool(get("ck")),
        invalid=bool(get("iv")),
        focused=bool(get("af")),
        masked=bool(get("ts")),
        expanded=None if expanded is None else expanded == 1,
        clickable_guess=bool(get("mb")),
        emphasized=bool(get("bg")),
        aria_hidden=bool(get("ah")),
        cover=_int(data, "cv", -1),
        host=_host(host) if isinstance(host, Mapping) else None,
        options=tuple(_options(get("op"))) if get("op") else (),
    )


def _host(data: Mapping[str, Any]) -> Host:
    return Host(
        tag=_str(data, "t", 60),
        type=_str(data, "y", 60).lower(),
        name=_str(data, "n", 200),
        id=_str(data, "i", 200),
        label=_str(data, "l", 200),
        aria_label=_str(data, "b", 200),
        placeholder=_str(data, "p", 200),
        autocomplete=_str(data, "a", 100).lower(),
        href=_str(data, "h", 300),
        text=_str(data, "x", 200),
        required=bool(data.get("r")),
        disabled=bool(data.get("d")),
    )


def _options(data: Any) -> Iterable[Option]:
    for item in _some(data, 60):
        if isinstance(item, Sequence) and len(item) >= 2 and isinstance(item[0], str) and isinstance(item[1], int):
            value = item[3] if len(item) > 3 and isinstance(item[3], str) else ""
            yield Option(item[0][:200], item[1], bool(item[2]) if len(item) > 2 else False, value[:100])


def _form(data: Mapping[str, Any]) -> Form:
    return Form(
        action=_str(data, "a", 600),
        method=_str(data, "m", 10),
        id=_str(data, "i", 200),
        css_class=_str(data, "c", 200),
        name=_str(data, "n", 200),
        role=_str(data, "r", 30).lower(),
        label=_str(data, "l", 200),
        data=_str(data, "d", 300),
    )


def _mark(item: Any) -> Mark:
    parts = item if isinstance(item, Sequence) and not isinstance(item, str) and len(item) >= 4 else ["", 0, "", None]
    return Mark(selector=str(parts[0])[:100], visible=bool(parts[1]), size=str(parts[2])[:20], rect=_rect(parts[3]))


def _cover(data: Mapping[str, Any]) -> Cover:
    return Cover(
        _str(data, "i", 100), _str(data, "c", 200), _rect(data.get("b")), bool(data.get("m")), _str(data, "t", 300)
    )


def _steps(items: Iterable[Any]) -> Iterable[tuple[int, str, bool]]:
    for number, item in enumerate(items):
        up, step, in_shadow = -1, "*", False
        if isinstance(item, Sequence) and not isinstance(item, str) and len(item) >= 2:
            up = item[0] if isinstance(item[0], int) and -1 <= item[0] < number else -1
            step = str(item[1])[:200]
            in_shadow = len(item) > 2
        yield up, step, in_shadow


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _some(value: Any, limit: int) -> Sequence[Any]:
    return value[:limit] if isinstance(value, list | tuple) else ()


def _str(data: Mapping[str, Any], key: str, limit: int) -> str:
    value = data.get(key)
    return value[:limit] if isinstance(value, str) else ""


def _int(data: Mapping[str, Any], key: str, default: int = 0) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and -(10**9) < value < 10**9 else default


def _pair(value: Any) -> tuple[int, int]:
    items = [item if isinstance(item, int) else 0 for item in _some(value, 2)]
    return (items[0], items[1]) if len(items) == 2 else (0, 0)


def _rect(value: Any) -> Rect:
    items = _some(value, 4)
    if len(items) != 4:
        return NOWHERE
    return Rect(*(int(item) if isinstance(item, int | float) and abs(item) < 10**8 else 0 for item in items))
