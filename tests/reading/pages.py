"""Snapshots written by hand, for what needs no browser. Shaped as the observer's script writes them."""

from typing import Any

from flows.engine.snapshot import Snapshot
from flows.engine.snapshot_json import snapshot_from_json


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"t": words, **more}


def heading(words: str) -> dict[str, Any]:
    return {"t": words, "h": 1, "z": 28}


def field(label: str = "", *, kind: str = "text", name: str = "", **more: Any) -> dict[str, Any]:
    return {"e": "input", "y": kind, "lb": label, "n": name, "b": [0, 0, 200, 30], **more}


def button(label: str, **more: Any) -> dict[str, Any]:
    return {"e": "button", "y": "submit", "tx": label, "b": [0, 0, 100, 30], **more}


def link(label: str, href: str = "https://site.test/x", **more: Any) -> dict[str, Any]:
    return {"e": "a", "tx": label, "hr": href, "b": [0, 0, 80, 20], **more}


def form(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"g": "form", "f": 0, "k": list(nodes)}


def snapshot(*nodes: dict[str, Any], url: str = "https://site.test/", title: str = "") -> Snapshot:
    """The nodes as a page; those inside a `form` belong to it."""
    flat: list[dict[str, Any]] = []
    paths: list[list[Any]] = [[-1, "html"], [0, "body"]]

    def add(node: dict[str, Any], parent: int, owner: int) -> None:
        inner = node.get("k", [])
        owner = node.get("f", owner)
        made = {key: value for key, value in node.items() if key != "k"} | {"p": parent}
        if "e" in made:
            made |= {"x": len(flat), "s": len(paths), "f": owner}
            paths.append([1, f"{made['e']}:nth-of-type({len(paths)})"])
        at = len(flat)
        flat.append(made)
        for child in inner:
            add(child, at, owner)

    for node in nodes:
        add(node, -1, -1)
    frame = {"url": url, "title": title, "nodes": flat, "paths": paths, "forms": [{}], "view": [1280, 900]}
    return snapshot_from_json({"frames": [frame]})
