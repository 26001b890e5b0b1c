"""What the hosted service's guides show (configuration, credentials, profiles, lifecycle), as programs here."""

from typing import Any

import pytest
from kernel import BadRequestError, ConflictError

from tests.contract.tenants import Tenant

PROFILE = "my-profile"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"health_checks": False, "auto_reauth": False},
        {"login_url": "https://example.com/auth/signin"},
        {"allowed_domains": ["sso.custom-provider.com"]},
        {"record_session": True},
        {"save_credentials": False},
    ],
)
def test_a_connection_has_the_options_it_was_made_with(owner: Tenant, options: dict[str, Any]) -> None:
    made = owner.sdk.auth.connections.create(domain="example.com", profile_name=PROFILE, **options)
    defaults = {
        "health_checks": True,
        "auto_reauth": True,
        "record_session": False,
        "save_credentials": True,
        "health_check_interval": 3600,
    }
    for name, value in (defaults | options).items():
        assert getattr(made, name) == value
    assert (made.status, made.flow_status, made.post_login_url) == ("NEEDS_AUTH", None, None)


def test_options_change_and_a_proxy_can_be_chosen_late_or_for_one_login(owner: Tenant) -> None:
    connections = owner.sdk.auth.connections
    auth = connections.create(domain="example.com", profile_name=PROFILE)
    changed = connections.update(
        auth.id, login_url="https://example.com/new-login", health_check_interval=1800, save_credentials=True
    )
    assert (changed.login_url, changed.health_check_interval) == ("https://example.com/new-login", 1800)
    with pytest.raises(BadRequestError, match="proxy_type_unavailable"):
        owner.sdk.proxies.create(type="isp")
    proxy = owner.sdk.proxies.create(type="custom", config={"host": "proxy.example", "port": 8080})
    assert connections.update(auth.id, proxy={"id": str(proxy.id)}).proxy_id == proxy.id
    assert connections.login(auth.id, proxy={"id": str(proxy.id)}, record_session=True).hosted_url


def test_a_credential_is_made_and_linked(owner: Tenant) -> None:
    plain = owner.sdk.credentials.create(
        name="my-shop-login", domain="shop.example", values={"email": "user@shop.example", "password": "secret-123"}
    )
    assert plain.value_keys == ["email", "password"]
    short = owner.sdk.credentials.create(
        name="my-login",
        domain="code.example",
        values={"username": "me", "password": "secret-456"},
        totp_secret="JBSWY3DPEHPK3PXP",
    )
    assert (short.has_totp_secret, len(short.totp_code or "")) == (True, 6)
    google = owner.sdk.credentials.create(
        name="my-google-login",
        domain="accounts.google.com",
        sso_provider="google",
        values={"email": "user@gmail.com", "password": "secret-789"},
    )
    auth = owner.sdk.auth.connections.create(
        domain="target-site.com", profile_name=PROFILE, credential={"name": google.name}
    )
    assert auth.credential is not None
    assert (auth.credential.name, auth.sso_provider) == (google.name, "google")
    assert owner.sdk.auth.connections.login(auth.id).flow_type == "LOGIN"


def test_profiles_are_made_once_renamed_and_shared_by_sites(owner: Tenant) -> None:
    owner.sdk.profiles.create(name="profiles-demo")
    with pytest.raises(ConflictError):
        owner.sdk.profiles.create(name="profiles-demo")
    assert owner.sdk.profiles.update("profiles-demo", name="checkout-session").name == "checkout-session"
    sites = ("mail.example", "chat.example", "crm.example.com")
    for site in sites:
        owner.sdk.auth.connections.create(domain=site, profile_name="workflow-bot")
    found = owner.sdk.auth.connections.list(profile_name="workflow-bot")
    assert sorted(item.domain for item in found) == sorted(sites)
    assert len(owner.sdk.profiles.list(name="workflow-bot").items) == 1


def test_a_connection_that_needs_it_is_logged_in(owner: Tenant) -> None:
    auth = owner.sdk.auth.connections.create(domain="example.com", profile_name=PROFILE)
    state = owner.sdk.auth.connections.retrieve(auth.id)
    assert (state.status, state.can_reauth, state.can_reauth_reason) == ("NEEDS_AUTH", False, "no_credential")
    login = owner.sdk.auth.connections.login(auth.id, record_session=True)
    assert login.id == auth.id
    assert login.handoff_code
    assert owner.sdk.auth.connections.retrieve(auth.id).flow_status == "IN_PROGRESS"
