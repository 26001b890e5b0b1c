"""Domains as customers write them: a registrable domain, a host, or `host:port`."""

import ipaddress
import re

from vault.errors import Invalid

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def domain_normalise(text: str) -> str:
    """Lower case, ASCII (IDNA), without a closing dot. Raises `Invalid` for anything but `host` or `host:port`."""
    host, port = _split(text.strip())
    try:
        host = _address(host[1:-1], bracketed=True) if host.startswith("[") else _host(host)
    except ValueError:
        raise Invalid("domain must be a host name like example.com, or host:port") from None
    return f"{host}:{port}" if port else host


def _split(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]/?#@\\]+)(?::([0-9]{1,5}))?", text)
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        raise Invalid("domain must be a host name like example.com, or host:port")
    return match[1], str(int(match[2])) if match[2] else ""


def _host(host: str) -> str:
    ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    if re.fullmatch(r"[0-9.]+", ascii_host):  # after IDNA, which turns other scripts' digits into these
        return _address(ascii_host)
    name = ascii_host.lower().removesuffix(".")
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(name)
    return name


def _address(host: str, *, bracketed: bool = False) -> str:
    address = ipaddress.ip_address(host)
    if bracketed != (address.version == 6):
        raise ValueError(host)
    return f"[{address.compressed}]" if bracketed else str(address)
