"""Origins: what an entry covers, and where values may go."""

import pytest

from flows.engine.origins import (
    InvalidDomain,
    Origin,
    OriginPolicy,
    covers_subdomains,
    origin_of,
    policy_for,
    registrable_domain,
    site_parse,
)


def allows(policy: OriginPolicy, url: str) -> bool:
    return policy.allows_url(url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Example.COM", "example.com"),
        ("www.example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("www.co.uk", "www.co.uk"),
        ("example.com.", "example.com"),
        ("app.test:7101", "app.test:7101"),
        ("https://shop.example.com/login?x=1", "shop.example.com"),
        ("127.0.0.1:7301", "127.0.0.1:7301"),
        ("::1", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("intranet", "intranet"),
    ],
)
def test_a_domain_is_normalised(text: str, shown: str) -> None:
    assert str(site_parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a b",
        "exa_mple..com",
        "http://",
        "ftp://example.com",
        "user@example.com",
        "host:99999",
        "host:x",
        "127.1",
        "0x7f.0.0.1",
        "1234567890",
        "-a.example",
        "a" * 64 + ".example",
        "[::1",
        "javascript:alert(1)",
    ],
)
def test_nonsense_is_no_domain(text: str) -> None:
    with pytest.raises(InvalidDomain):
        site_parse(text)


def test_the_origin_of_an_address() -> None:
    assert origin_of("https://Example.com/a?b") == Origin("https", "example.com", 443)
    assert str(origin_of("http://[::1]:8080/")) == "http://[::1]:8080"
    assert str(origin_of("http://example.com:80/")) == "http://example.com"
    for nothing in ("about:blank", "data:text/html,x", "blob:https://a/b", "chrome-error://x", "", "https://a b/"):
        assert origin_of(nothing) is None


def test_registrable_domains() -> None:
    assert registrable_domain("a.b.example.co.uk") == "example.co.uk"
    assert registrable_domain("127.0.0.1") == "127.0.0.1"
    assert not covers_subdomains("co.uk")
    assert not covers_subdomains("github.io")
    assert not covers_subdomains("intranet")


def test_r10_an_entry_without_a_port_allows_every_port_and_subdomain() -> None:
    policy = policy_for(domain="example.com")
    assert allows(policy, "https://example.com/")
    assert allows(policy, "https://login.example.com:8443/")
    assert not allows(policy, "https://example.com.evil.test/")
    assert not allows(policy, "https://evilexample.com/")
    assert not allows(policy, "https://example.org/")


def test_r10_an_entry_with_a_port_allows_that_port_only() -> None:
    policy = policy_for(domain="app.example.com:8443")
    assert allows(policy, "https://app.example.com:8443/")
    assert allows(policy, "https://sub.app.example.com:8443/")
    assert not allows(policy, "https://app.example.com/")
    assert not allows(policy, "https://example.com:8443/")


def test_r10_a_public_suffix_or_single_label_covers_no_subdomain() -> None:
    assert not allows(policy_for(domain="github.io"), "https://somebody.github.io/")
    assert not allows(policy_for(domain="intranet"), "https://evil.intranet/")
    assert not allows(policy_for(domain="10.0.0.1"), "https://x.10.0.0.1/")


def test_r10_allowed_domains_and_consent_widen() -> None:
    policy = policy_for(domain="a.example", allowed_domains=("*.b.example",), consented=("https://c.example:444",))
    assert allows(policy, "https://x.b.example/")
    assert allows(policy, "https://c.example:444/x")
    assert not allows(policy, "https://c.example/")
    assert not allows(policy, "https://sub.c.example:444/")
    assert allows(policy.with_consent("https://d.example"), "https://d.example/")
    assert not allows(policy, "https://d.example/")


def test_r10_default_identity_providers_by_https_only() -> None:
    policy = policy_for(domain="a.example")
    for url in (
        "https://accounts.google.com/x",
        "https://dev-1.okta.com/",
        "https://t.us.auth0.com/",
        "https://github.com/",
    ):
        assert allows(policy, url), url
    for url in ("http://github.com/", "https://github.com:8443/", "https://okta.com/", "https://google.com/"):
        assert not allows(policy, url), url
    assert not allows(policy, "https://gist.github.com/")


def test_r10_plain_http_needs_loopback_or_the_allow_list() -> None:
    assert not allows(policy_for(domain="a.example"), "http://a.example/")
    assert allows(policy_for(domain="127.0.0.1:80"), "http://127.0.0.1/")
    named = policy_for(domain="a.example", plain_http=lambda host, port: (host, port) == ("a.example", 8080))
    assert allows(named, "http://a.example:8080/")
    assert not allows(named, "http://a.example/")
    consent = policy_for(domain="a.example", consented=("http://b.example",))
    assert not allows(consent, "http://b.example/")


def test_r10_a_form_goes_to_allowed_origins_and_never_from_https_to_http() -> None:
    policy = policy_for(domain="a.example", plain_http=lambda host, port: True)
    page = "https://a.example/login"
    assert policy.allows_action(page, "https://sub.a.example/session")
    assert policy.allows_action(page, "")
    assert policy.allows_action(page, "javascript:send()")
    assert not policy.allows_action(page, "https://evil.example/take")
    assert not policy.allows_action(page, "http://a.example/session")
    assert not policy.allows_action(page, "mailto:x@evil.example")
    assert not policy.allows_action(page, "data:text/html,x")
    assert not policy.allows_action("https://evil.example/", "")
    assert policy.allows_action("http://a.example/login", "http://a.example/session")
