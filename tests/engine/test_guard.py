"""The address guard: what is refused by default and what the allow-list opens."""

import ipaddress

import pytest

from flows.engine.guard import Guard, Refused


def refused(guard: Guard, address: str, *, host: str = "site.example", port: int = 443) -> bool:
    try:
        guard.check_address(ipaddress.ip_address(address), host=host, port=port)
    except Refused:
        return True
    return False


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.1",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ],
)
def test_r30_private_and_metadata_addresses_are_refused(address: str) -> None:
    assert refused(Guard(), address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_pass(address: str) -> None:
    assert not refused(Guard(), address)


def test_r30_the_allow_list_opens_exactly_what_it_says() -> None:
    guard = Guard(("127.0.0.1", "10.0.0.0/8", "wiki.internal", "*.corp.example:8443", "[::1]:8080", "192.168.0.1:80"))
    assert not refused(guard, "127.0.0.1")
    assert refused(guard, "127.0.0.2")
    assert not refused(guard, "10.9.9.9")
    assert not refused(guard, "172.16.0.1", host="wiki.internal")
    assert refused(guard, "172.16.0.1", host="sub.wiki.internal")
    assert not refused(guard, "172.16.0.1", host="a.corp.example", port=8443)
    assert refused(guard, "172.16.0.1", host="a.corp.example", port=443)
    assert not refused(guard, "::1", port=8080)
    assert refused(guard, "::1", port=8081)
    assert not refused(guard, "192.168.0.1", port=80)
    assert refused(guard, "192.168.0.1", port=443)
    assert not refused(guard, "::ffff:10.0.0.1")


def test_loopback_names_are_refused_before_resolving() -> None:
    with pytest.raises(Refused):
        Guard().check_host("localhost", 80)
    with pytest.raises(Refused):
        Guard().check_host("x.localhost", 80)
    Guard(("127.0.0.1",)).check_host("localhost", 80)
    Guard().check_host("site.example", 80)


@pytest.mark.parametrize("entry", ["", "10.0.0.0/99", "a b", "host:0", "host:x", "http://x"])
def test_an_unreadable_entry_names_itself(entry: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        Guard((entry,))
