"""Putting together what several sessions left in one profile. Pure."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

State = Mapping[str, Any]


def merge(base: State | None, latest: State | None, captured: State) -> dict[str, Any]:
    """The profile after a session that began from `base` and ended as `captured`, while others wrote `latest`.

    What the session added, changed or removed wins, cookie by cookie (name, domain, path, partition) and origin by
    origin, passkey by passkey; everything else is as in `latest`, so that one site's session never drops another's. A
    passkey's counter never falls. States are
    `{"cookies": [...], "origins": [...], "session_storage": {origin: {key: value}}, "passkeys": [...]}`, the last only
    where there are any.
    """
    base, latest = base or {}, latest or {}
    merged = dict(_merge_keyed(base, latest, captured))
    merged["cookies"] = _merge_list(base, latest, captured, name="cookies", key=_cookie_key)
    merged["origins"] = _merge_list(base, latest, captured, name="origins", key=_origin_key)
    merged["session_storage"] = _merge_keyed(
        base.get("session_storage", {}), latest.get("session_storage", {}), captured.get("session_storage", {})
    )
    passkeys = _merge_list(base, latest, captured, name="passkeys", key=_passkey_key)
    merged.pop("passkeys", None)
    return merged | ({"passkeys": _counted(passkeys, latest)} if passkeys else {})


def _counted(passkeys: Iterable[Any], latest: State) -> list[Any]:
    counts = {_passkey_key(entry): entry["signCount"] for entry in latest.get("passkeys", ())}
    return [{**entry, "signCount": max(entry["signCount"], counts.get(_passkey_key(entry), 0))} for entry in passkeys]


def _cookie_key(cookie: Mapping[str, Any]) -> Hashable:
    return tuple(str(cookie.get(part, "")) for part in ("name", "domain", "path", "partitionKey"))


def _origin_key(entry: Mapping[str, Any]) -> Hashable:
    return entry.get("origin")


def _passkey_key(entry: Mapping[str, Any]) -> Hashable:
    return entry.get("credentialId")


def _merge_list(base: State, latest: State, captured: State, *, name: str, key: Callable[[Any], Hashable]) -> list[Any]:
    keyed = [_by_key(state.get(name, ()), key=key) for state in (base, latest, captured)]
    return list(_merge_keyed(*keyed).values())


def _by_key(entries: Iterable[Any], *, key: Callable[[Any], Hashable]) -> dict[Hashable, Any]:
    return {key(entry): entry for entry in entries}


def _merge_keyed(base: Mapping[Any, Any], latest: Mapping[Any, Any], captured: Mapping[Any, Any]) -> dict[Any, Any]:
    """`latest` with the session's changes applied, in the order the keys are met."""
    removed = base.keys() - captured.keys()
    changed = {key: value for key, value in captured.items() if key not in base or base[key] != value}
    return {key: value for key, value in latest.items() if key not in removed} | changed
