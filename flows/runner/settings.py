"""How a connection's browser is to be: the connection's options, and over them those of one login."""

from collections.abc import Mapping
from typing import Any

from flows.engine.contract import BrowserSettings
from flows.models import Connection
from flows.services.proxies import proxy_open
from vault.use import Use


def browser_settings(
    connection: Connection, overrides: Mapping[str, Any] | None = None, *, use: Use
) -> BrowserSettings:
    """`overrides` are a login's own `browser` options; what it leaves out is the connection's.

    This installation has no proxies of its own, so both proxy modes mean none. Raises `ProxyNotFound`."""
    chosen = {**connection.browser, **(overrides or {})}
    stealth = chosen.get("stealth") is not False
    proxy_id = (chosen.get("proxy") or {}).get("id")
    if proxy_id is None:
        return BrowserSettings(tenant=connection.organization_id, stealth=stealth)
    proxy = proxy_open(proxy_id, use=use)
    return BrowserSettings(
        tenant=connection.organization_id,
        stealth=stealth,
        proxy_server=proxy.server,
        proxy_username=proxy.username,
        proxy_password=proxy.password,
        proxy_bypass=proxy.bypass,
        proxy_authorities=proxy.authorities,
    )
