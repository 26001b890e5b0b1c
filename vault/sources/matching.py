"""Which item is meant for a domain. Pure."""

from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

import tldextract

from vault.sources.base import ItemRef

Host = tuple[str, int | None]  # name in lower case without a closing dot, port where one is written


@cache
def _suffixes() -> tldextract.TLDExtract:
    """The list that comes with the package: nothing is fetched. With private suffixes, so that two tenants of
    `github.io` are two sites."""
    return tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=True, cache_dir=None)


def item_for_domain(items: Iterable[ItemRef], domain: str) -> ItemRef | None:
    """The first item with an address of the connection's domain (`host` or `host:port`)."""
    return next((item for item in items if any(url_matches(url, domain) for url in item.urls)), None)


def url_matches(url: str, domain: str) -> bool:
    """Same host or same registrable domain; `*.example.com` also means that domain and everything below it.

    Paths do not matter. A port that both name must be the same one.
    """
    wanted, offered = _host(domain), _host(url)
    if wanted is None or offered is None:
        return False
    (host, port), (other, other_port) = wanted, offered
    if port is not None and other_port is not None and port != other_port:
        return False
    if other.startswith("*."):
        base = other[2:]
        return bool(_registrable(base)) and (host == base or host.endswith(f".{base}"))
    return host == other or (bool(_registrable(host)) and _registrable(host) == _registrable(other))


def _registrable(host: str) -> str:
    """Empty for an address, a single label and a public suffix itself."""
    return _suffixes()(host).top_domain_under_public_suffix


def _host(text: str) -> Host | None:
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_host.lower().removesuffix("."), port
