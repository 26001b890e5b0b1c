"""Bodies and answers, in the form the `kernel` package sends and parses. No answer has room for a stored value."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, SecretStr

Algorithm = Literal["SHA1", "SHA256", "SHA512"]
# Any operation may answer these, all with the body of `Refusal`.
REFUSED = frozenset({400, 401, 403, 404, 409, 413, 429, 503})


class Refusal(Schema):
    """Every error's body."""

    code: str
    message: str
    details: list[dict[str, Any]] | None = None
    inner_error: dict[str, Any] | None = None


class CredentialCreate(Schema):
    domain: str
    name: str
    values: Annotated[dict[str, SecretStr], Field(description="Field name to value; write-only")]
    sso_provider: str | None = None
    totp_secret: SecretStr | None = Field(None, description="Base32 seed or otpauth://totp/… URI; write-only")
    totp_algorithm: Algorithm | None = None
    totp_digits: int | None = None
    totp_period: int | None = None


class CredentialUpdate(Schema):
    name: str | None = None
    values: dict[str, SecretStr] | None = Field(None, description="Merged with the stored values; write-only")
    remove_value_keys: list[str] | None = Field(None, description="Removed before `values` are merged")
    sso_provider: str | None = Field(None, description="Empty or null removes it")
    totp_secret: SecretStr | None = Field(None, description="Empty removes it; write-only")
    totp_algorithm: Algorithm | None = None
    totp_digits: int | None = None
    totp_period: int | None = None


class CredentialOut(Schema):
    id: str
    name: str
    domain: str
    created_at: datetime
    updated_at: datetime
    has_values: bool
    has_totp_secret: bool
    sso_provider: str | None = None
    totp_algorithm: Algorithm | None = None
    totp_digits: int | None = None
    totp_period: int | None = None
    value_keys: list[str] | None = Field(None, description="Names of the stored values; absent in lists")
    totp_code: str | None = Field(None, description="Only when totp_secret was just set")
    totp_code_expires_at: datetime | None = None


class TotpCodeOut(Schema):
    code: str
    expires_at: datetime


class ProfileCreate(Schema):
    name: str | None = None


class ProfileUpdate(Schema):
    name: str


class ProfileOut(Schema):
    id: str
    created_at: datetime
    updated_at: datetime | None = None
    last_used_at: datetime | None = None
    name: str | None = None
