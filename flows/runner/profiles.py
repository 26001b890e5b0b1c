"""A connection's profile as the engine takes it, and storing what a login left in it."""

import json
from datetime import datetime
from typing import Any

from flows.engine.contract import ProfileState
from flows.engine.passkeys import Passkey
from vault.profile_merge import merge
from vault.profiles import Lease, profile_lease, profile_save, profile_state
from vault.use import Use

EMPTY: dict[str, Any] = {"cookies": [], "origins": [], "session_storage": {}}
LEASE_SECONDS = 30


def state_load(profile_id: str, *, use: Use | None = None) -> dict[str, Any]:
    """The newest version, integrity-checked; empty for a new profile. With `use` its being opened is on record."""
    sealed = profile_state(profile_id, use=use)
    return json.loads(sealed) if sealed is not None else EMPTY


def state_for_engine(state: dict[str, Any]) -> ProfileState | None:
    if state == EMPTY:
        return None
    storage = {"cookies": state["cookies"], "origins": state["origins"]}
    passkeys = tuple(Passkey.from_json(kept) for kept in state.get("passkeys", ()))
    return ProfileState(storage=storage, session_storage=state.get("session_storage", {}), passkeys=passkeys)


def state_from_engine(state: ProfileState) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "cookies": list(state.storage.get("cookies", [])),
        "origins": list(state.storage.get("origins", [])),
        "session_storage": {origin: dict(items) for origin, items in state.session_storage.items()},
    }
    passkeys = [passkey.to_json() for passkey in state.passkeys]
    return kept | ({"passkeys": passkeys} if passkeys else {})


def lease_take(profile_id: str, *, holder: str, now: datetime) -> Lease | None:
    """The right to write, for a few seconds; None while another writer has it."""
    return profile_lease(profile_id, holder=holder, seconds=LEASE_SECONDS, now=now)


def state_store(lease: Lease, *, base: dict[str, Any], captured: ProfileState, now: datetime) -> int:
    """Merge what this login changed into the newest version, so that other sites' sessions stay; gives the version."""
    latest = state_load(lease.profile_id)
    merged = merge(base, latest, state_from_engine(captured))
    return profile_save(lease, json.dumps(merged, separators=(",", ":")).encode(), now=now)
