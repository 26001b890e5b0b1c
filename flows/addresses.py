"""Addresses that callers give, checked before anything connects: syntax, literal private addresses, plain http.

Names are resolved and checked again at the moment of connecting (the engine's egress)."""

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from flows.engine.guard import Guard, Refused
from flows.engine.origins import InvalidDomain, Site, origin_of, site_parse
from flows.errors import ConnectionInvalid


def domain_check(text: str, *, ssrf_allow: Sequence[str]) -> str:
    """The normalised domain (`host` or `host:port`); raises `ConnectionInvalid`."""
    site = _site(text, what="domain")
    _host_check(site.host, site.port or 443, what="domain", guard=Guard(ssrf_allow))
    return str(site)


def domains_normalise(texts: Sequence[str]) -> list[str]:
    """`allowed_domains` as they are kept, without doubles."""
    return list(dict.fromkeys(str(_site(text, what="allowed_domains")) for text in texts))


def login_url_check(url: str, *, ssrf_allow: Sequence[str]) -> str:
    """An http(s) address without user or password; http only for hosts of the allow-list."""
    origin = origin_of(url)
    if origin is None or "@" in urlsplit(url).netloc:
        raise ConnectionInvalid("login_url must be an https address without user name or password")
    guard = Guard(ssrf_allow)
    if origin.scheme == "http" and not plain_http_allowed(origin.host, origin.port, guard=guard):
        raise ConnectionInvalid("login_url may be plain http only for hosts on this installation's allow-list")
    _host_check(origin.host, origin.port, what="login_url", guard=guard)
    return url


def page_url_check(url: str, *, ssrf_allow: Sequence[str], what: str = "url") -> str:
    """Any http(s) address without user or password that the guard does not refuse by its look."""
    origin = origin_of(url)
    if origin is None or "@" in urlsplit(url).netloc or any(character.isspace() for character in url):
        raise ConnectionInvalid(f"{what} must be an http or https address without user name or password")
    _host_check(origin.host, origin.port, what=what, guard=Guard(ssrf_allow))
    return url


def plain_http_allowed(host: str, port: int, *, guard: Guard) -> bool:
    """The allow-list names the host, or every address it has is loopback and allow-listed."""
    if guard.names_host(host, port):
        return True
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            guard.check_address(address, host=host, port=port)
    except (OSError, UnicodeError, Refused):
        return False
    return all(address.is_loopback for address in addresses)


def _site(text: str, *, what: str) -> Site:
    try:
        return site_parse(text)
    except InvalidDomain as error:
        raise ConnectionInvalid(f"{what}: {error}") from error


def _host_check(host: str, port: int, *, what: str, guard: Guard) -> None:
    try:
        guard.check_host(host, port)
    except Refused as error:
        raise ConnectionInvalid(f"{what}: {error}", code="address_refused") from error
