"""One-time codes by RFC 6238, from the seeds sites really hand out: many issue 80 bits (16 characters)."""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from vault.errors import Invalid
from vault.secret import Secret

TOTP_NAME = "totp_code"  # the name under which a credential offers its one-time code

ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
HASHES: dict[str, type[hashes.SHA1 | hashes.SHA256 | hashes.SHA512]] = {  # RFC 6238's, SHA-1 included
    "SHA1": hashes.SHA1,
    "SHA256": hashes.SHA256,
    "SHA512": hashes.SHA512,
}
ALGORITHMS = tuple(HASHES)
SEED_LENGTHS = range(16, 129)
DIGITS = range(6, 9)
PERIODS = range(1, 3601)
DEFAULT_ALGORITHM, DEFAULT_DIGITS, DEFAULT_PERIOD = "SHA1", 6, 30


@dataclass(frozen=True, slots=True)
class TotpParams:
    """How codes are made from the seed. `period` is in seconds."""

    algorithm: str = DEFAULT_ALGORITHM
    digits: int = DEFAULT_DIGITS
    period: int = DEFAULT_PERIOD


@dataclass(frozen=True, slots=True)
class TotpSeed:
    """`secret` is unpadded upper-case base32."""

    secret: Secret = field(repr=False)
    params: TotpParams


@dataclass(frozen=True, slots=True)
class TotpCode:
    """A code and the moment it stops being valid."""

    code: Secret
    expires_at: datetime


def seed_parse(text: str, *, explicit: TotpParams) -> TotpSeed:
    """A base32 seed (spaces, dashes, padding and lower case are fine) or an `otpauth://totp/…` URI.

    What a URI says wins over `explicit`, what it leaves out comes from there. Raises `Invalid`, which never quotes
    the seed.
    """
    text = text.strip()
    if text.lower().startswith("otpauth:"):
        secret, params = _uri_parse(text, explicit=explicit)
    else:
        secret, params = text, explicit
    return TotpSeed(secret=Secret(_base32_clean(secret)), params=_params_check(params))


def is_uri(text: str) -> bool:
    return text.strip().lower().startswith("otpauth:")


def _uri_parse(uri: str, *, explicit: TotpParams) -> tuple[str, TotpParams]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise Invalid("totp_secret is not a usable otpauth:// URI") from None
    if parts.scheme.lower() != "otpauth" or parts.netloc.lower() != "totp":
        raise Invalid("totp_secret: only otpauth://totp/ URIs can be used")
    query = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
    algorithm = query.get("algorithm", explicit.algorithm).upper().replace("-", "").removeprefix("HMAC")
    return unquote(query.get("secret", "")), TotpParams(
        algorithm=algorithm,
        digits=_number(query.get("digits"), explicit.digits, what="digits"),
        period=_number(query.get("period"), explicit.period, what="period"),
    )


def _number(text: str | None, default: int, *, what: str) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Invalid(f"totp_secret: the URI's {what} is not a number")
    return int(text)


def _base32_clean(text: str) -> str:
    clean = re.sub(r"[\s-]", "", text).rstrip("=").upper()
    if len(clean) not in SEED_LENGTHS:
        raise Invalid(f"totp_secret must have {SEED_LENGTHS.start} to {SEED_LENGTHS.stop - 1} base32 characters")
    if not set(clean) <= ALPHABET:
        raise Invalid("totp_secret is not base32 (letters A to Z and digits 2 to 7)")
    return clean


def _params_check(params: TotpParams) -> TotpParams:
    if params.algorithm not in ALGORITHMS:
        raise Invalid(f"totp_algorithm must be one of {', '.join(ALGORITHMS)}")
    if params.digits not in DIGITS:
        raise Invalid(f"totp_digits must be {DIGITS.start} to {DIGITS.stop - 1}")
    if params.period not in PERIODS:
        raise Invalid(f"totp_period must be {PERIODS.start} to {PERIODS.stop - 1} seconds")
    return params


def totp_step(*, now: datetime, period: int) -> int:
    """The number of the time step that `now` lies in."""
    return int(now.timestamp()) // period


def totp_seconds_left(*, now: datetime, period: int) -> float:
    """How long the step of `now` still lasts."""
    return (totp_step(now=now, period=period) + 1) * period - now.timestamp()


def totp_code(seed: TotpSeed, *, step: int) -> TotpCode:
    """The code of one time step."""
    params = seed.params
    generator = TOTP(
        _base32_decode(seed.secret.reveal()),
        params.digits,
        HASHES[params.algorithm](),
        params.period,
        enforce_key_length=False,
    )
    code = generator.generate(step * params.period).decode("ascii")
    expires_at = datetime.fromtimestamp((step + 1) * params.period, tz=UTC)
    return TotpCode(code=Secret(code), expires_at=expires_at)


def _base32_decode(clean: str) -> bytes:
    """Whole bytes only: the bits left over at the end of an odd length carry nothing."""
    return base64.b32decode(clean + "A" * (-len(clean) % 8))[: 5 * len(clean) // 8]


def seed_dump(seed: TotpSeed) -> bytes:
    """The form in which a seed is sealed: its parameters with it, so that they cannot be swapped for others."""
    params = seed.params
    content = {
        "secret": seed.secret.reveal(),
        "algorithm": params.algorithm,
        "digits": params.digits,
        "period": params.period,
    }
    return json.dumps(content).encode()


def seed_load(plaintext: bytes) -> TotpSeed:
    content = json.loads(plaintext)
    params = TotpParams(algorithm=content["algorithm"], digits=content["digits"], period=content["period"])
    return TotpSeed(secret=Secret(content["secret"]), params=params)
