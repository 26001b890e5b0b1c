"""Small pictures beside choices: for each way of proving oneself, and for the best-known identity providers."""

from collections.abc import Mapping

from flows.engine.reading.model import ChoiceKind, MfaType

# Drawn by us, `static/hosted/marks/<name>.svg`. Another provider is shown by its first letter.
MARKS = frozenset(
    {"apple", "facebook", "github", "gitlab", "google", "linkedin", "microsoft", "okta", "slack", "twitter"}
)
_PROTOCOLS = frozenset({"ldap", "oidc", "openid", "saml", "shibboleth", "sso"})
_MFA: Mapping[MfaType, str] = {
    MfaType.SMS: "sms",
    MfaType.CALL: "call",
    MfaType.EMAIL: "mail",
    MfaType.TOTP: "clock",
    MfaType.PUSH: "device",
    MfaType.PASSWORD: "key",
    MfaType.PASSKEY: "passkey",
}
_KIND: Mapping[ChoiceKind, str] = {ChoiceKind.ACCOUNT: "user", ChoiceKind.AUTH_METHOD: "key"}


def provider_mark(provider: str) -> str:
    """A static file, or nothing."""
    return f"hosted/marks/{provider}.svg" if provider in MARKS else ""


def provider_initial(provider: str, label: str) -> str:
    """A provider's first letter; nothing for a mere protocol."""
    return "" if provider in _PROTOCOLS else (provider or label)[:1].upper()


def choice_icon(kind: ChoiceKind, mfa_type: MfaType | None) -> str:
    """The name of an icon in the page's stylesheet."""
    if mfa_type is not None:
        return _MFA.get(mfa_type, "shield")
    return _KIND.get(kind, "shield" if kind is ChoiceKind.MFA_METHOD else "dot")
