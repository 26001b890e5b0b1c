"""Bodies and answers of `/auth/connections`. The `kernel` package's types are their specification."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Short = Annotated[str, StringConstraints(max_length=2048)]


class CredentialReference(Schema):
    name: Name | None = None
    provider: Name | None = None
    path: Short | None = None
    auto: bool | None = None


class ProxyReference(Schema):
    id: Short | None = None
    name: Short | None = None


class BrowserProxy(Schema):
    """Exactly one of a mode, a proxy's id and a proxy's name."""

    id: Short | None = None
    name: Short | None = None
    mode: Literal["direct", "default"] | None = None


class BrowserConfig(Schema):
    """Parts that mean nothing to this installation are kept and echoed."""

    proxy: BrowserProxy | None = None
    region: Literal["us-east", "us-west", "eu-west", "ap-southeast"] | None = None
    stealth: bool | None = None
    telemetry: dict[str, Any] | None = None


class ConnectionCreate(Schema):
    domain: Annotated[str, StringConstraints(min_length=1, max_length=260)]
    profile_name: Name
    login_url: Short | None = None
    allowed_domains: Annotated[list[Annotated[str, StringConstraints(max_length=260)]], Field(max_length=100)] = []
    credential: CredentialReference | None = None
    save_credentials: bool = True
    health_checks: bool = True
    health_check_interval: Annotated[int, Field(ge=300, le=86400)] = 3600
    auto_reauth: bool = True
    record_session: bool = False
    browser: BrowserConfig | None = None
    browser_telemetry: dict[str, Any] | None = None
    proxy: ProxyReference | None = None


class ConnectionUpdate(Schema):
    """Absent members stay as they are; an empty `login_url` removes it."""

    login_url: Short | None = None
    allowed_domains: (
        Annotated[list[Annotated[str, StringConstraints(max_length=260)]], Field(max_length=100)] | None
    ) = None
    credential: CredentialReference | None = None
    save_credentials: bool | None = None
    health_checks: bool | None = None
    health_check_interval: Annotated[int, Field(ge=300, le=86400)] | None = None
    auto_reauth: bool | None = None
    record_session: bool | None = None
    browser: BrowserConfig | None = None
    browser_telemetry: dict[str, Any] | None = None
    proxy: ProxyReference | None = None


class LoginOptions(Schema):
    browser: BrowserConfig | None = None
    browser_telemetry: dict[str, Any] | None = None
    proxy: ProxyReference | None = None
    record_session: bool | None = None
    skill_mode: Literal["enabled", "disabled"] | None = None


class SubmitBody(Schema):
    """Either dialect: `interaction_id` with `field_values` or `selected_choice_id`, or one of the others."""

    interaction_id: Short | None = None
    field_values: dict[str, str] | None = None
    selected_choice_id: Short | None = None
    fields: dict[str, str] | None = None
    mfa_option_id: Short | None = None
    sso_button_selector: Short | None = None
    sso_provider: Short | None = None
    sign_in_option_id: Short | None = None


class ExchangeBody(Schema):
    code: Annotated[str, StringConstraints(max_length=200)]


class Exchanged(Schema):
    jwt: str


class SubmitAccepted(Schema):
    accepted: bool = True


class LoginStarted(Schema):
    id: str
    flow_expires_at: datetime
    flow_type: Literal["LOGIN", "REAUTH"]
    hosted_url: str
    handoff_code: str | None = None
    live_view_url: str | None = None


class CanonicalField(Schema):
    id: str
    ref: str
    type: Literal["identifier", "password", "code", "totp_code", "totp_secret", "text"]
    reason: Literal["missing", "rejected"]
    label: str | None = None
    hint: str | None = None
    input_mode: Literal["text", "email", "tel", "numeric"] | None = None
    observed_selector: str | None = None
    required: bool | None = None


class CanonicalChoice(Schema):
    id: str
    label: str
    type: Literal[
        "mfa_method", "sso_provider", "sign_in_method", "auth_method", "identifier_method", "account", "other"
    ]
    mfa_type: Literal["sms", "call", "email", "totp", "push", "password", "passkey", "switch", "other"] | None = None
    masked_destination: str | None = None
    description: str | None = None
    display_text: str | None = None
    context: str | None = None
    observed_selector: str | None = None


class LegacyField(Schema):
    name: str
    label: str
    selector: str
    type: Literal["text", "email", "password", "tel", "number", "url", "code", "totp"]
    hint: str | None = None
    placeholder: str | None = None
    required: bool | None = None
    linked_mfa_type: Literal["sms", "call", "email", "totp", "push", "password", "switch"] | None = None


class LegacyMfaOption(Schema):
    type: Literal["sms", "call", "email", "totp", "push", "password", "switch"]
    label: str
    target: str | None = None
    description: str | None = None


class LegacySsoButton(Schema):
    provider: str
    label: str
    selector: str


class LegacySignInOption(Schema):
    id: str
    label: str
    description: str | None = None


class FlowMembers(Schema):
    """What a connection and a state event say of a flow."""

    flow_status: Literal["IN_PROGRESS", "SUCCESS", "FAILED", "EXPIRED", "CANCELED"] | None = None
    flow_step: (
        Literal["DISCOVERING", "AWAITING_INPUT", "AWAITING_EXTERNAL_ACTION", "SUBMITTING", "COMPLETED"] | None
    ) = None
    flow_type: Literal["LOGIN", "REAUTH"] | None = None
    interaction_id: str | None = None
    fields: list[CanonicalField] | None = None
    choices: list[CanonicalChoice] | None = None
    discovered_fields: list[LegacyField] | None = None
    mfa_options: list[LegacyMfaOption] | None = None
    pending_sso_buttons: list[LegacySsoButton] | None = None
    sign_in_options: list[LegacySignInOption] | None = None
    external_action_message: str | None = None
    website_error: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    post_login_url: str | None = None
    hosted_url: str | None = None
    live_view_url: str | None = None


class ManagedAuth(FlowMembers):
    """A connection with its latest flow."""

    id: str
    domain: str
    profile_name: str
    record_session: bool
    save_credentials: bool
    status: Literal["AUTHENTICATED", "NEEDS_AUTH"]
    allowed_domains: list[str] = []
    auto_reauth: bool | None = None
    browser: BrowserConfig | None = None
    browser_session_id: str | None = None
    browser_telemetry: dict[str, Any] | None = None
    can_reauth: bool | None = None
    can_reauth_reason: str | None = None
    credential: CredentialReference | None = None
    flow_expires_at: datetime | None = None
    health_check_interval: int | None = None
    health_check_unavailable_reason: Literal["no_auth_check_url"] | None = None
    health_checks: bool | None = None
    last_auth_at: datetime | None = None
    last_auth_check_at: datetime | None = None
    login_url: str | None = None
    proxy_id: str | None = None
    sso_provider: str | None = None


class TimelineEvent(Schema):
    """A login, a re-authentication or a health check of a connection."""

    id: str
    type: Literal["login", "reauth", "health_check"]
    status: Literal["IN_PROGRESS", "SUCCESS", "EXPIRED", "CANCELED", "FAILED", "AUTHENTICATED", "NEEDS_AUTH"]
    timestamp: datetime
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    step: str | None = None
    browser_session_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    website_error: str | None = None
    previous_status: Literal["AUTHENTICATED", "NEEDS_AUTH"] | None = None
    replay_id: str | None = None
    telemetry_captured: bool | None = None
