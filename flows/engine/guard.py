"""Which addresses the browser may connect to (R30). Pure: names are resolved elsewhere, every address comes here.

The allow-list opens what is refused by default. Its entries are addresses (`127.0.0.1`), networks (`10.0.0.0/8`),
host names (`wiki.internal`, `*.corp.example` with its subdomains), each with an optional port (`127.0.0.1:8080`,
`[::1]:8080`, `wiki.internal:443`).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from flows.engine.origins import InvalidDomain, host_normalise, is_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata service, a public address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """The guard does not let the browser connect there."""


@dataclass(frozen=True, slots=True)
class _Entry:
    network: Network | None
    host: str
    subdomains: bool
    port: int | None


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, int(port)
    return text, None


def _entry(text: str) -> _Entry:
    try:
        host, port = _split_port(text.strip())
        if port is not None and not 0 < port < 65536:
            raise ValueError
        if "/" in host or is_address(host):
            return _Entry(ipaddress.ip_network(host, strict=False), "", False, port)
        subdomains = host.startswith("*.")
        return _Entry(None, host_normalise(host.removeprefix("*.")), subdomains, port)
    except (ValueError, InvalidDomain):
        raise ValueError(f"not an address, network or host name: {text!r}") from None


def embedded_address(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped, 6to4, Teredo or NAT64 one: that is where packets end up."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class Guard:
    """Judges hosts and addresses against the refused ranges and the allow-list."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """Raises ValueError naming the entry that cannot be read."""
        self._entries = tuple(_entry(text) for text in allow)

    def names_host(self, host: str, port: int) -> bool:
        """The allow-list itself names this host (not merely an address it may have)."""
        if is_address(host):
            return self._allows_address(ipaddress.ip_address(host), port)
        return any(
            entry.network is None
            and (host == entry.host or (entry.subdomains and host.endswith("." + entry.host)))
            and entry.port in (None, port)
            for entry in self._entries
        )

    def _allows_address(self, address: Address, port: int) -> bool:
        return any(
            entry.network is not None and address in entry.network and entry.port in (None, port)
            for entry in self._entries
        )

    def opens(self, network: Network) -> bool:
        """The allow-list holds all of it, be it for one port."""
        ends = (network.network_address, network.broadcast_address)
        return any(entry.network is not None and all(end in entry.network for end in ends) for entry in self._entries)

    def check_address(self, address: Address, *, host: str, port: int) -> None:
        """Raises Refused unless `host` may be reached at `address`."""
        real = embedded_address(address)
        if self.names_host(host, port) or self._allows_address(real, port):
            return
        if any(real in network for network in REFUSED if network.version == real.version):
            raise Refused(f"{host} is at a private address")

    def check_host(self, host: str, port: int) -> None:
        """What can be said before resolving: literal addresses and loopback names. Raises Refused."""
        if is_address(host):
            self.check_address(ipaddress.ip_address(host), host=host, port=port)
        elif host == "localhost" or host.endswith(".localhost"):
            self.check_address(ipaddress.ip_address("127.0.0.1"), host=host, port=port)
