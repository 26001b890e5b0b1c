"""The browser options of a request body as they are stored."""

from typing import Any

from flows.api.schemas import BrowserConfig, ProxyReference
from flows.errors import ProxyInvalid
from flows.services.proxies import proxy_choice
from vault.principal import Principal


def browser_options(
    principal: Principal, browser: BrowserConfig | None, proxy: ProxyReference | None
) -> dict[str, Any] | None:
    """What was given, with the deprecated `proxy` as `browser.proxy`; `None` where nothing was.

    Raises `ProxyInvalid` for a proxy that is not there, or that is given in both places."""
    if browser is None and proxy is None:
        return None
    given = browser.model_dump(exclude_unset=True) if browser else {}
    options = {name: value for name, value in given.items() if value is not None}
    if proxy is not None:
        if "proxy" in options:
            raise ProxyInvalid("Give browser.proxy, not the deprecated proxy beside it")
        options["proxy"] = proxy.model_dump(exclude_unset=True)
    if "proxy" in options:
        options["proxy"] = proxy_choice(principal, options["proxy"])
    return options
