"""The body of a browser's creation or change, checked beyond its shape."""

import re
import zoneinfo
from typing import Any

from django.conf import settings

from flows.addresses import page_url_check
from flows.api.browser_schemas import BrowserCreate, BrowserUpdate, Location, ProfileReference
from flows.api.schemas import BrowserProxy
from flows.errors import SessionInvalid
from flows.services.allowlists import AllowlistChange, allowlist_new, allowlist_read, start_check
from flows.services.proxies import proxy_choice
from flows.services.sessions import NewSession, ProfileChoice
from vault.principal import Principal

BLANK = "about:blank"
HEADLESS_MEMORY = ("1GiB", "2GiB", "4GiB")
HEADFUL_MEMORY = ("8GiB", "16GiB")
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")


def new_session(principal: Principal, body: BrowserCreate) -> NewSession:
    """Raises `SessionInvalid`, `ProxyInvalid` and `ConnectionInvalid` (of an address)."""
    _refuse_unavailable(body)
    memory = HEADLESS_MEMORY if body.headless else HEADFUL_MEMORY
    if body.memory is not None and body.memory not in memory:
        raise SessionInvalid(f"memory must be one of {', '.join(memory)} here")
    options: dict[str, Any] = {
        "headless": body.headless,
        "stealth": body.stealth,
        "kiosk_mode": body.kiosk_mode,
        "viewport": body.viewport.model_dump(exclude_none=True) if body.viewport else None,
        "start_url": start_url(body.start_url),
        "proxy": proxy_option(principal, body.proxy, body.proxy_id),
        "location": _location(body.location),
        "network": _network(body),
        "region": body.region,
        "memory": body.memory,
        "telemetry": telemetry_kept(body.telemetry),
        "extensions": _references(body.extensions, what="extensions"),
        "vaults": _references(body.vaults, what="vaults"),
        "invocation_id": body.invocation_id,
    }
    return NewSession(
        options={name: value for name, value in options.items() if value is not None},
        name=body.name or "",
        tags=body.tags or {},
        profile=profile_choice(body.profile),
        timeout_seconds=body.timeout_seconds,
    )


def profile_choice(reference: ProfileReference | None) -> ProfileChoice | None:
    """Raises `SessionInvalid` unless exactly one of id and name is given; `{}` is no choice."""
    if reference is None:
        return None
    if bool(reference.id) == bool(reference.name):
        raise SessionInvalid("profile: give exactly one of id and name")
    return ProfileChoice(id=reference.id or "", name=reference.name or "", save_changes=reference.save_changes)


def proxy_option(principal: Principal, proxy: BrowserProxy | None, proxy_id: str | None) -> dict[str, Any] | None:
    """The proxy as it is stored, `None` where nothing was said."""
    if proxy is not None and proxy_id is not None:
        raise SessionInvalid("Give proxy, not the deprecated proxy_id beside it")
    if proxy is not None:
        return proxy_choice(principal, proxy.model_dump(exclude_unset=True))
    if proxy_id:
        return proxy_choice(principal, {"id": proxy_id})
    return {"mode": "default"} if proxy_id == "" else None


def start_url(url: str | None) -> str | None:
    if not url:
        return None
    return url if url == BLANK else page_url_check(url, ssrf_allow=settings.SSRF_ALLOW, what="start_url")


def telemetry_kept(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is echoed: nothing is captured here, so `enabled` on its own leaves nothing."""
    if not given or given.get("enabled") is False:
        return None
    return {name: value for name, value in given.items() if name in ("browser", "export", "storage")} or {"browser": {}}


def update_check(body: BrowserUpdate) -> None:
    """Refuse what cannot be changed before anything is."""
    if body.network is not None and (body.network.private_hosts is not None or body.network.proxy_routes is not None):
        raise SessionInvalid("network: only allowed_hosts can be changed", code="network_fixed")
    if body.location is not None and body.location.model_dump(exclude_unset=True):
        raise SessionInvalid("location: a running browser keeps its own", code="location_fixed")
    if body.disable_default_proxy is not None and (body.proxy is not None or body.proxy_id is not None):
        raise SessionInvalid("Give proxy, not the deprecated disable_default_proxy beside it")


def _refuse_unavailable(body: BrowserCreate) -> None:
    if body.gpu or body.video_memory:
        raise SessionInvalid("gpu: this installation has no GPU browsers", code="gpu_unavailable")
    if body.chrome_policy:
        raise SessionInvalid("chrome_policy: policies are not set here", code="chrome_policy_unavailable")
    if body.network is not None and (body.network.private_hosts or body.network.proxy_routes):
        raise SessionInvalid("network: only allowed_hosts can be had here", code="network_unavailable")


def allowlist_change(body: BrowserUpdate) -> AllowlistChange | None:
    """Raises `SessionInvalid`."""
    given = body.network
    if given is None:
        return None
    if bool(given.expected_allowlist_revision) != bool(given.mutation_id):
        raise SessionInvalid("network: give expected_allowlist_revision and mutation_id, or neither")
    if "allowed_hosts" not in given.model_fields_set:
        if given.mutation_id:
            raise SessionInvalid("network: mutation_id belongs to a change of allowed_hosts")
        return None
    entries = given.allowed_hosts
    allowlist_read({"allowed_hosts": entries}, ssrf_allow=settings.SSRF_ALLOW)
    return AllowlistChange(
        allowed_hosts=None if entries is None else tuple(entries),
        expected_revision=given.expected_allowlist_revision or "",
        mutation_id=given.mutation_id or "",
    )


def _network(body: BrowserCreate) -> dict[str, Any] | None:
    if body.network is None or body.network.allowed_hosts is None:
        return None
    network = allowlist_new(body.network.allowed_hosts)
    start_check(body.start_url, network, ssrf_allow=settings.SSRF_ALLOW)
    return network


def _location(location: Location | None) -> dict[str, str] | None:
    if location is None:
        return None
    if location.locale and not _LOCALE.fullmatch(location.locale):
        raise SessionInvalid("location.locale must be a language tag like en-US")
    if location.timezone and location.timezone not in zoneinfo.available_timezones():
        raise SessionInvalid("location.timezone must be a time zone like Europe/Berlin")
    return location.model_dump(exclude_none=True) or None


def _references(references: list[Any] | None, *, what: str) -> list[dict[str, Any]] | None:
    if not references:
        return None
    given = [reference.model_dump(exclude_none=True) for reference in references]
    if any(len(reference) != 1 for reference in given):
        raise SessionInvalid(f"{what}: give exactly one of id and name")
    return given
