"""Which origins may receive a value (R10). Pure.

An entry is a host name or address, optionally with a port. Without a port it stands for every port, with one for
that port alone. A name also covers its subdomains, unless it is a public suffix or a single label: `co.uk` and
`intranet` stand for themselves only. Addresses always stand for themselves.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

import tldextract

DEFAULT_PORTS = {"http": 80, "https": 443}
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# The defaults of the wire contract's `allowed_domains`. A leading "*." means subdomains only.
IDENTITY_PROVIDERS = (
    "accounts.google.com",
    "login.microsoftonline.com",
    "login.live.com",
    "*.okta.com",
    "*.oktapreview.com",
    "*.auth0.com",
    "appleid.apple.com",
    "github.com",
    "www.facebook.com",
    "www.linkedin.com",
    "*.amazoncognito.com",
    "*.onelogin.com",
    "*.pingone.com",
    "*.pingidentity.com",
)


class InvalidDomain(ValueError):
    """The text names no host."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, IPv6 without brackets) and port, the default one written out."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if DEFAULT_PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Site:
    """A normalised entry: a host, and a port where one was named."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def covers(self, origin: Origin) -> bool:
        if self.port is not None and self.port != origin.port:
            return False
        return origin.host == self.host or (origin.host.endswith("." + self.host) and covers_subdomains(self.host))


@cache
def _suffixes() -> tldextract.TLDExtract:
    """The public suffix list as the package ships it: no download, no cache on disk."""
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def covers_subdomains(host: str) -> bool:
    """True for names with a registrable part; false for addresses, single labels and public suffixes."""
    if is_address(host) or "." not in host:
        return False
    parts = _suffixes()(host)
    return bool(parts.domain)


def registrable_domain(host: str) -> str:
    """`example.co.uk` for `a.b.example.co.uk`; the host itself where there is none."""
    if not covers_subdomains(host):
        return host
    parts = _suffixes()(host)
    return f"{parts.domain}.{parts.suffix}" if parts.suffix else host


def host_normalise(text: str) -> str:
    """Lower case ASCII, no trailing dot. Raises InvalidDomain."""
    host = text.strip().rstrip(".").strip("[]").lower()
    if is_address(host):
        return str(ipaddress.ip_address(host))
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        raise InvalidDomain(f"not a host name: {text[:80]!r}") from None
    labels = host.split(".")
    # A name whose last label is a number would be read as an IPv4 address by browsers ("127.1", "0x7f.1").
    if not host or len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidDomain(f"not a host name: {text[:80]!r}")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        raise InvalidDomain(f"not a host name: {text[:80]!r}")
    return host


def site_parse(text: str) -> Site:
    """A domain as users write it: `example.com`, `*.example.com`, `host:8080`, `[::1]:80`, or a whole address.

    A leading `www.` or `*.` is dropped where a registrable name remains. Raises InvalidDomain.
    """
    text = text.strip()
    try:
        if is_address(text):
            return Site(host_normalise(text))
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidDomain(f"not a host name: {text[:80]!r}") from None
    if parts.username is not None or ("://" in text and parts.scheme not in DEFAULT_PORTS):
        raise InvalidDomain(f"not a host name: {text[:80]!r}")
    host = host_normalise(host.removeprefix("*."))
    bare = host.removeprefix("www.")
    return Site(bare if bare != host and covers_subdomains(bare) else host, port)


def origin_of(url: str) -> Origin | None:
    """The origin of an http(s) address; None for anything else (`about:`, `data:`, `blob:`, nonsense)."""
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
        if scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        return Origin(scheme, host_normalise(parts.hostname), port or DEFAULT_PORTS[scheme])
    except ValueError:
        return None


def _never(host: str, port: int) -> bool:
    return False


def is_loopback_literal(host: str) -> bool:
    return is_address(host) and ipaddress.ip_address(host).is_loopback


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """Where values of one connection may go.

    `plain_http(host, port)` says whether http is good enough for a host: its connected address is loopback, or the
    operator's allow-list names it. Page content has no say in any of this (R13).
    """

    sites: tuple[Site, ...]
    consented: frozenset[str] = frozenset()
    plain_http: Callable[[str, int], bool] = field(default=_never, compare=False)

    def allows(self, origin: Origin | None) -> bool:
        if origin is None:
            return False
        if origin.scheme != "https" and not (
            is_loopback_literal(origin.host) or self.plain_http(origin.host, origin.port)
        ):
            return False
        return (
            any(site.covers(origin) for site in self.sites)
            or str(origin) in self.consented
            or is_identity_provider(origin)
        )

    def allows_url(self, url: str) -> bool:
        return self.allows(origin_of(url))

    def allows_action(self, page_url: str, action: str) -> bool:
        """Whether a form on `page_url` may be sent to `action` ("" or a script counts as the page)."""
        page = origin_of(page_url)
        if page is None:
            return False
        scheme = urlsplit(action).scheme.lower() if action else ""
        if not action or scheme in ("javascript", "about"):
            return self.allows(page)
        target = origin_of(action)
        if target is None or (page.scheme == "https" and target.scheme != "https"):
            return False
        return self.allows(target)

    def with_consent(self, origin: str) -> "OriginPolicy":
        return OriginPolicy(self.sites, self.consented | {origin}, self.plain_http)


def is_identity_provider(origin: Origin) -> bool:
    """One of the default providers, over https on the default port."""
    if origin.scheme != "https" or origin.port != DEFAULT_PORTS["https"]:
        return False
    return any(
        origin.host.endswith(entry[1:]) if entry.startswith("*.") else origin.host == entry
        for entry in IDENTITY_PROVIDERS
    )


def policy_for(
    *,
    domain: str,
    allowed_domains: Iterable[str] = (),
    consented: Iterable[str] = (),
    plain_http: Callable[[str, int], bool] = _never,
) -> OriginPolicy:
    """The policy of one connection. Raises InvalidDomain."""
    sites = tuple(site_parse(entry) for entry in (domain, *allowed_domains))
    origins = (origin_of(entry) for entry in consented)
    return OriginPolicy(sites, frozenset(str(origin) for origin in origins if origin), plain_http)
