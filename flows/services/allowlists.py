"""What a browser may reach, as its row keeps it: `{"allowed_hosts"?, "allowlist_state"}`. Pure.

Each change gets a revision. A caller that names the one it knows, and its change, is told when somebody else was
faster; the same change sent again is no other one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.engine.allowed_hosts import AllowedHosts, InvalidEntry
from flows.engine.guard import Guard
from flows.engine.origins import origin_of
from flows.errors import SessionConflict, SessionInvalid

ALLOWED, STATE = "allowed_hosts", "allowlist_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowlistChange:
    """`allowed_hosts` is None to remove the list. Both of the others or neither."""

    allowed_hosts: tuple[str, ...] | None
    expected_revision: str = ""
    mutation_id: str = ""


def allowlist_read(network: Mapping[str, Any], *, ssrf_allow: Iterable[str]) -> AllowedHosts | None:
    """As the way out takes it; None when everything may be reached. Raises `SessionInvalid`."""
    entries = network.get(ALLOWED)
    if entries is None:
        return None
    try:
        return AllowedHosts.parse(entries, guard=Guard(ssrf_allow))
    except InvalidEntry as error:
        raise SessionInvalid(f"network.allowed_hosts: {error}") from None


def allowlist_new(entries: Iterable[str]) -> dict[str, Any]:
    return {ALLOWED: list(entries), STATE: {"revision": "1"}}


def allowlist_changed(network: Mapping[str, Any], change: AllowlistChange) -> dict[str, Any]:
    """The row's network after the change. Raises `SessionInvalid` and `SessionConflict` (`stale_network`)."""
    state: Mapping[str, Any] = network.get(STATE) or {}
    entries = None if change.allowed_hosts is None else list(change.allowed_hosts)
    if change.mutation_id:
        again = (change.mutation_id, change.expected_revision) == (state.get("mutation_id"), state.get("base_revision"))
        if again and entries == network.get(ALLOWED):
            return dict(network)
        if again or change.expected_revision != state.get("revision"):
            raise SessionConflict("network: the allowlist was changed meanwhile", code="stale_network")
    if network.get(ALLOWED) is None:
        if entries is None:
            return dict(network)
        raise SessionInvalid(
            "network: a browser without an allowlist cannot be given one while it runs", code="network_fixed"
        )
    made = {"revision": str(int(state["revision"]) + 1)}
    if change.mutation_id:
        made |= {"base_revision": change.expected_revision, "mutation_id": change.mutation_id}
    return ({} if entries is None else {ALLOWED: entries}) | {STATE: made}


def start_check(url: str | None, network: Mapping[str, Any], *, ssrf_allow: Iterable[str]) -> None:
    """Raises `SessionInvalid` for a page that the browser may not reach."""
    allowed = allowlist_read(network, ssrf_allow=ssrf_allow)
    origin = origin_of(url) if url else None
    if allowed is not None and origin is not None and not allowed.covers(origin.host):
        raise SessionInvalid("start_url: its host is not among network.allowed_hosts", code="start_url_not_allowed")
