import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.domains import domain_normalise
from vault.errors import Invalid


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.COM", "example.com"),
        (" example.com. ", "example.com"),
        ("app.example.com:8443", "app.example.com:8443"),
        ("localhost:0080", "localhost:80"),
        ("my_host", "my_host"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("127.0.0.1:7301", "127.0.0.1:7301"),
        ("[::1]:80", "[::1]:80"),
        ("[0:0::1]", "[::1]"),
    ],
)
def test_what_customers_write_is_normalised(text: str, domain: str):
    assert domain_normalise(text) == domain
    assert domain_normalise(domain) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a.com",
        "a b.com",
        "https://example.com",
        "example.com/path",
        "user@example.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "999.1.1.1",
        "1.2",
        "::1",
        "[::1",
        "[127.0.0.1]",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
        "a\0b.com",
        "a\\b",
    ],
)
def test_what_is_no_domain_is_refused(text: str):
    with pytest.raises(Invalid):
        domain_normalise(text)


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=40))
def test_any_text_is_a_domain_or_refused(text: str):
    try:
        domain = domain_normalise(text)
    except Invalid:
        return
    assert domain == domain_normalise(domain)
    assert domain.isascii()
