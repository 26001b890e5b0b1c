"""Buttons of identity providers: known ones by any trace of their name, unknown ones by what they say of themselves."""

from typing import Any

import pytest

from flows.engine.reading import read
from flows.engine.reading.model import ChoiceKind, MfaType, PageKind, Reading
from flows.engine.reading.providers import label_remainder
from flows.engine.snapshot import Snapshot
from flows.engine.snapshot_json import snapshot_from_json
from tests.reading.pages import button, field, form, heading, link, snapshot, text

FORM = form(field("Email", kind="email", name="e"), field("Password", kind="password", name="p"), button("Log in"))


def beside(*nodes: dict[str, Any]) -> Reading:
    return read(snapshot(heading("Log in"), FORM, *nodes, title="Log in"))


def providers(reading: Reading) -> list[str | None]:
    return [choice.provider for choice in reading.choices if choice.kind is ChoiceKind.SSO_PROVIDER]


SAID = [
    "Continue with Acme", "Sign in with your Acme account", "Use your Acme account", "Mit Acme anmelden", "Weiter mit Acme",
    "Se connecter avec Acme", "Iniciar sesión con Acme", "Entrar com Acme", "Accedi con Acme", "Inloggen met Acme",
    "Logga in med Acme", "Log ind med Acme", "Logg inn med Acme", "Kirjaudu Acme-tunnuksella", "Zaloguj się przez Acme",
    "Přihlásit se přes Acme", "Bejelentkezés Acme fiókkal", "Conectează-te cu Acme", "Σύνδεση με Acme", "Войти через Acme",
    "Войти с помощью Acme", "Увійти через Acme", "Acme ile giriş yap", "تسجيل الدخول باستخدام Acme", "המשך עם Acme",
    "Acme के साथ जारी रखें", "เข้าสู่ระบบด้วย Acme", "Đăng nhập bằng Acme", "Masuk dengan Acme", "Acmeでログイン",
    "Acmeアカウントで続行", "Acme로 로그인", "Acme로 계속하기", "使用 Acme 登录", "使用Acme帳號登入",
]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_an_unknown_provider_goes_by_its_label(said: str) -> None:
    assert providers(beside(button(said, y="button"))) == ["acme"]
    assert providers(beside(link(said, "https://idp.test/x/start"))) == ["acme"]


@pytest.mark.parametrize(
    "said",
    ["Continue", "Sign in", "Continue with email", "Sign in with a passkey", "Log in with a code", "Anmelden", "Weiter",
     "Connexion", "Пароль", "Войти по паролю", "密码登录", "验证码登录", "立即登录", "Continue shopping", "Sign in to your account",
     "Use another account", "Continue without an account", "Forgot your password?", "Sign up with email",
     "Continue with the terms of service and the privacy policy of our many friendly partners"],
)  # fmt: skip
def test_what_names_nobody_is_no_provider(said: str) -> None:
    assert label_remainder(said) is None
    assert providers(beside(button(said, y="button"))) == []


@pytest.mark.parametrize(
    ("node", "slug"),
    [
        (button("", y="button", al="Google"), "google"),
        (button("", y="button", ic="logo google.svg"), None),  # only a picture, and nothing says it signs in
        (button("", y="button", c="social-btn", ic="google.svg"), "google"),
        (button("GitHub", y="button"), "github"),
        (button("SSO", y="button"), "sso"),
        (button("Company login", y="button"), "sso"),
        (button("X", y="button"), None),
        (link("", "https://site.test/users/auth/facebook", c="btn btn-facebook"), "facebook"),
        (link("Work account", "https://login.microsoftonline.com/x/oauth2/v2.0/authorize?client_id=1"), "microsoft"),
        (link("Corp IdP", "https://site.test/realms/a/broker/corp/login?x=1"), "corp-idp"),
        (link("GitHub", "https://github.com/acme"), None),
        (link("Pay with PayPal", "https://site.test/help/paying"), None),
        (link("Like us on Facebook", "https://site.test/fb"), None),
        (link("Help me sign in", "https://site.test/help", c="Text-fFzBQt"), None),  # "qq" is not in a made-up name
    ],
)
def test_a_known_provider_goes_by_any_trace_of_its_name(node: dict[str, Any], slug: str | None) -> None:
    assert providers(beside(node)) == ([slug] if slug else [])


@pytest.mark.parametrize(
    "node",
    [
        link("Log in", "https://site.test/start", ti="Log in to Corporate LDAP"),
        link("Anmelden", "https://site.test/start", ti="Anmelden an LDAP Berlin"),
        link("", "https://site.test/start", al="Sign in to Slack"),
        link("Sign in to Slack", "https://site.test/start"),
    ],
)
def test_where_one_signs_in_is_not_with_whom(node: dict[str, Any]) -> None:
    found = read(snapshot(heading("Welcome"), node, url="https://app.slack.test/", title="Start"))
    assert providers(found) == []
    assert len(found.login_links) == 1


def test_a_plain_label_with_a_title_that_says_with_whom() -> None:
    assert providers(beside(button("Log in", y="button", ti="Log in with GitHub"))) == ["github"]


def posted(action: str, label: str, **more: Any) -> Snapshot:
    """A login form, and a second one that has nothing but a button."""
    paths = [[-1, "html"], [0, "body"], *([1, f"b{n}"] for n in range(4))]
    nodes = [
        {"g": "form", "f": 0, "p": -1},
        {"e": "input", "y": "email", "lb": "Email", "b": [0, 0, 99, 30], "p": 0, "f": 0, "x": 0, "s": 2},
        {"e": "input", "y": "password", "lb": "Password", "b": [0, 0, 99, 30], "p": 0, "f": 0, "x": 1, "s": 3},
        {"e": "button", "y": "submit", "tx": "Log in", "b": [0, 40, 99, 30], "p": 0, "f": 0, "x": 2, "s": 4},
        {"g": "form", "f": 1, "p": -1},
        {"e": "button", "y": "submit", "tx": label, "b": [0, 80, 99, 30], "p": 4, "f": 1, "x": 3, "s": 5, **more},
    ]
    forms = [{"a": "https://site.test/login"}, {"a": f"https://site.test{action}"}]
    return snapshot_from_json(
        {"frames": [{"url": "https://site.test/", "nodes": nodes, "paths": paths, "forms": forms}]}
    )


@pytest.mark.parametrize(
    ("action", "label", "more", "slug"),
    [
        ("/auth/google_oauth2", "", {}, "google"),
        ("/oauth/acme", "Acme", {}, "acme"),
        ("/external-login", "Log in using your Contoso account", {"n": "provider", "v": "Contoso"}, "contoso"),
        ("/saml/start", "Staff", {}, "saml"),
        ("/auth/logout", "Bye", {}, None),
        ("/cart", "Acme", {}, None),
    ],
)
def test_a_button_that_is_posted_to_a_provider_s_route(
    action: str, label: str, more: dict[str, Any], slug: str | None
) -> None:
    assert providers(read(posted(action, label, **more))) == ([slug] if slug else [])


def test_a_page_of_nothing_but_providers_is_a_login() -> None:
    found = read(snapshot(heading("Welcome"), text("Log in to continue"), button("Continue with Google", y="button"),
                          button("Continue with Acme ID", y="button")))  # fmt: skip
    assert found.kind is PageKind.LOGIN
    assert providers(found) == ["google", "acme-id"]


def test_the_submit_control_is_never_a_provider_s() -> None:
    page = form(
        field("Email", kind="email"),
        field("Password", kind="password"),
        button("Log in"),
        button("Log in with Acme"),
    )
    submit = read(snapshot(page)).submit
    assert submit is not None
    assert submit.control is not None
    assert submit.control.label == "Log in"


@pytest.mark.parametrize(
    ("href", "slug"),
    [
        ("https://site.test/accounts/github/login/?next=/", "github"),
        ("https://site.test/login/via/github", "github"),
        ("https://site.test/help/github", None),
        ("https://github.test/login", None),
    ],
)
def test_a_link_on_the_site_whose_address_names_the_provider_and_signing_in(href: str, slug: str | None) -> None:
    assert providers(beside(link("GitHub", href))) == ([slug] if slug else [])


@pytest.mark.parametrize(
    "words", ["Συνδεθείτε με κλειδί πρόσβασης", "Pieteikties ar piekļuves atslēgu", "Нэвтрэх түлхүүрээр нэвтрэх"]
)
def test_a_button_for_a_passkey_is_no_provider_s_whatever_the_language(words: str) -> None:
    found = beside(button(words, y="button", i="passkey_login"))
    assert [(choice.kind, choice.mfa_type) for choice in found.choices] == [
        (ChoiceKind.SIGN_IN_METHOD, MfaType.PASSKEY)
    ]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("sso.site.test", ["google", "acme"]),  # the page's own host names no provider
        ("sso.other.test", ["sso", "sso"]),
    ],
)
def test_the_host_of_the_page_is_no_provider(host: str, found: list[str]) -> None:
    ways = [
        link(name, f"https://{host}/realms/r/broker/{name.lower()}/login?client_id=app&tab_id=x")
        for name in ("Google", "Acme")
    ]
    page = snapshot(heading("Zaloguj się"), FORM, *ways, url="https://sso.site.test/auth", title="Zaloguj się")
    assert providers(read(page)) == found
