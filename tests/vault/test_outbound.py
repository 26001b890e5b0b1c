"""Servers that a customer names: what may be reached, and that the address checked is the one connected to."""

import ipaddress
import socket
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from tests.vault.standin import serve
from vault.errors import Invalid
from vault.sources.base import SourceUnavailable
from vault.sources.outbound import GuardedTransport, address_allowed, guarded_session, server_url_check


@pytest.mark.parametrize(
    "url",
    [
        "",
        "connect.example.com",
        "ftp://connect.example.com",
        "https://",
        "https://user:pass@connect.example.com",
        "https://connect.example.com/?a=b",
        "https://connect.example.com/#x",
        "https://connect.example.com:99999",
        "http://connect.example.com",
        "https://10.0.0.1",
        "https://169.254.169.254/latest",
        "https://[fd00::1]",
        "https://[::ffff:10.0.0.1]",
        "https://localhost",
        "https://" + "a" * 2050,
    ],
)
def test_r30_addresses_that_cannot_be_used_are_refused(settings: Settings, url: str):
    settings.SSRF_ALLOW = []
    with pytest.raises(Invalid, match="server_url"):
        server_url_check(url)


def test_r30_the_allow_list_opens_what_it_names(settings: Settings):
    settings.SSRF_ALLOW = ["10.1.0.0/16", "vault.internal:8200", "*.corp.example", "localhost"]
    for url in ("https://10.1.2.3", "http://vault.internal:8200/", "http://op.corp.example", "http://localhost:8080"):
        assert server_url_check(url) == url.rstrip("/")
    with pytest.raises(Invalid):
        server_url_check("http://vault.internal:8201")
    with pytest.raises(Invalid):
        server_url_check("https://10.2.0.1")


SPECIAL = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "::1", "fe80::1")
EMBEDDED = ("fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")


@pytest.mark.parametrize("address", [*SPECIAL, *EMBEDDED])
def test_r30_special_addresses_are_not_allowed(settings: Settings, address: str):
    settings.SSRF_ALLOW = []
    assert not address_allowed(ipaddress.ip_address(address), host="connect.example.com", port=443)
    assert address_allowed(ipaddress.ip_address("93.184.216.34"), host="connect.example.com", port=443)


def _resolving(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """From now on every name is at `address`."""

    def found(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_r30_a_name_that_turns_private_is_not_connected_to(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    settings.SSRF_ALLOW = []
    with serve(lambda asked: (200, {"reached": True})) as server:
        port = server.url.rsplit(":", 1)[1]
        with monkeypatch.context() as patched:
            _resolving(patched, "127.0.0.1")
            with pytest.raises(SourceUnavailable), httpx.Client(transport=GuardedTransport()) as client:
                client.get(f"http://connect.example.com:{port}/")
            with pytest.raises(SourceUnavailable), guarded_session() as session:
                session.get(f"http://vault.example.com:{port}/", timeout=5)
        assert server.asked == []
        settings.SSRF_ALLOW = ["127.0.0.1"]
        with httpx.Client(transport=GuardedTransport()) as client:
            assert client.get(f"{server.url}/a?b=c").json() == {"reached": True}
        with guarded_session() as session:
            assert session.get(f"{server.url}/d", timeout=5).json() == {"reached": True}
        assert [asked.path for asked in server.asked] == ["/a", "/d"]
