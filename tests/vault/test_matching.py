import pytest

from vault.sources.base import Folder, ItemRef
from vault.sources.matching import item_for_domain, url_matches

FOLDER = Folder(id="f", name="F")


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.com", "example.com"),
        ("https://example.com/a/b?c#d", "example.com"),
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("https://login.example.com/x", "example.com"),
        ("https://example.com", "app.example.com"),
        ("https://a.example.co.uk", "b.example.co.uk"),
        ("*.example.com", "example.com"),
        ("https://*.example.com/x", "deep.app.example.com"),
        ("http://localhost:7101/login", "localhost:7101"),
        ("http://app.test", "app.test:7101"),
        ("https://example.com:8443", "example.com"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("http://127.0.0.1:7103", "127.0.0.1:7103"),
    ],
)
def test_an_address_of_the_domain_matches(url: str, domain: str):
    assert url_matches(url, domain)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.com", "example.org"),
        ("https://notexample.com", "example.com"),
        ("https://example.com.evil.net", "example.com"),
        ("https://evil.net/example.com", "example.com"),
        ("https://example.com@evil.net", "example.com"),
        ("https://other.co.uk", "example.co.uk"),
        ("https://one.github.io", "two.github.io"),
        ("*.co.uk", "example.co.uk"),
        ("*.github.io", "one.github.io"),
        ("*.com", "example.com"),
        ("*", "example.com"),
        ("*.example.com", "notexample.com"),
        ("http://localhost:1", "localhost:2"),
        ("http://127.0.0.1", "127.0.0.2"),
        ("https://a.internal", "b.internal"),
        ("", "example.com"),
        ("http://[", "example.com"),
        ("https://example.com:99999", "example.com"),
    ],
)
def test_anything_else_does_not(url: str, domain: str):
    assert not url_matches(url, domain)


def test_the_first_match_in_the_sources_order_wins():
    items = [
        ItemRef(id=name, title=name, folder=FOLDER, urls=urls)
        for name, urls in [
            ("none", ()),
            ("other", ("https://example.org",)),
            ("second address", ("https://example.org", "*.example.com")),
            ("exact", ("https://example.com",)),
        ]
    ]
    found = item_for_domain(items, "example.com")
    assert found is not None
    assert found.id == "second address"
    assert item_for_domain(items, "example.net") is None
