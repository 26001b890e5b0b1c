"""The destinations that a caller lets its browser reach. Pure.

An entry is a host name (`example.com`), a wildcard for what lies below one (`*.example.com`, not `example.com` itself;
the SDK's pages print it as `_.example.com`), a public IPv4 address, a public IPv6 address in brackets, or a public
network in canonical form (`8.8.4.0/24`). Each stands for every port. Addresses and networks are compared with what is
written in an address, never with what a name resolves to. Such a list only narrows: the guard judges as ever.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from flows.engine.guard import REFUSED, Guard, Network, embedded_address
from flows.engine.origins import InvalidDomain, covers_subdomains, host_normalise, is_address

WILDCARDS = ("*.", "_.")


class InvalidEntry(ValueError):
    """Says which entry cannot be, and why."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """A list as it is asked for every connection."""

    names: frozenset[str]
    below: frozenset[str]  # of which only subdomains are meant
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Iterable[str], *, guard: Guard) -> Self:
        """Raises `InvalidEntry`. What `guard` refuses by its look can be no entry."""
        names, below, networks = set(), set(), []
        for entry in entries:
            if entry.startswith(WILDCARDS):
                below.add(_suffix(entry))
            elif "/" in entry or "[" in entry or is_address(entry):
                networks.append(_network(entry, guard))
            else:
                names.add(_name(entry, whole=entry))
        return cls(frozenset(names), frozenset(below), tuple(networks))

    def covers(self, host: str) -> bool:
        """`host` as `host_normalise` gives it."""
        if is_address(host):
            address = ipaddress.ip_address(host)
            return any(address in network for network in self.networks)
        labels = host.split(".")
        parents = (".".join(labels[at:]) for at in range(1, len(labels)))
        return host in self.names or any(parent in self.below for parent in parents)


def _name(text: str, *, whole: str) -> str:
    try:
        host = host_normalise(text)
    except InvalidDomain:
        raise InvalidEntry(f"{whole[:80]!r} is no host name, wildcard, address or network") from None
    if text != text.strip() or text.endswith("."):
        raise InvalidEntry(f"{whole[:80]!r} is not written as a host name is")
    return host


def _suffix(entry: str) -> str:
    host = _name(entry[2:], whole=entry)
    if not covers_subdomains(host):
        raise InvalidEntry(f"{entry[:80]!r} would open names that belong to many")
    return host


def _network(entry: str, guard: Guard) -> Network:
    text = entry
    if entry.startswith("[") and entry.endswith("]"):
        text = entry[1:-1]
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise InvalidEntry(f"{entry[:80]!r} is no address and no network in canonical form") from None
    single = "/" not in text
    if str(network.network_address if single else network) != text.lower():
        raise InvalidEntry(f"{entry[:80]!r} is not in canonical form")
    if (text != entry) != (single and network.version == 6):
        raise InvalidEntry(f"{entry[:80]!r}: IPv6 addresses stand in brackets, nothing else does")
    if not _public(network, guard):
        raise InvalidEntry(f"{entry[:80]!r} is not public")
    return network


def _public(network: Network, guard: Guard) -> bool:
    """Or on the installation's own allow-list."""
    if guard.opens(network):
        return True
    if network.num_addresses == 1:
        network = ipaddress.ip_network(embedded_address(network.network_address))
    return not any(network.overlaps(private) for private in REFUSED if private.version == network.version)
