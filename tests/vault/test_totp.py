import base64
import hashlib
from datetime import UTC, datetime

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.errors import Invalid
from vault.totp import TotpParams, seed_dump, seed_load, seed_parse, totp_code, totp_seconds_left, totp_step

# RFC 6238, appendix B: the seeds are the ASCII digits, repeated to the length of the hash.
RFC_SEEDS = {
    "SHA1": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "SHA256": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA",
    "SHA512": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA",
}
DIGESTS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


@pytest.mark.parametrize(
    ("second", "algorithm", "code"),
    [
        (59, "SHA1", "94287082"),
        (59, "SHA256", "46119246"),
        (59, "SHA512", "90693936"),
        (1111111109, "SHA1", "07081804"),
        (1234567890, "SHA256", "91819424"),
        (20000000000, "SHA512", "47863826"),
    ],
)
def test_codes_are_those_of_the_standard(second: int, algorithm: str, code: str):
    seed = seed_parse(RFC_SEEDS[algorithm], explicit=TotpParams(algorithm=algorithm, digits=8))
    step = totp_step(now=datetime.fromtimestamp(second, tz=UTC), period=30)
    assert totp_code(seed, step=step).code.reveal() == code


@settings(deadline=None)  # the machine may be busy
@given(
    key=st.binary(min_size=20, max_size=80),
    step=st.integers(0, 2**32),
    algorithm=st.sampled_from(sorted(DIGESTS)),
    digits=st.integers(6, 8),
)
def test_codes_are_those_of_another_implementation(key: bytes, step: int, algorithm: str, digits: int):
    text = base64.b32encode(key).decode().rstrip("=")
    params = TotpParams(algorithm=algorithm, digits=digits)
    code = totp_code(seed_parse(text, explicit=params), step=step)
    padded = text + "=" * (-len(text) % 8)
    other = pyotp.HOTP(padded, digits=digits, digest=DIGESTS[algorithm])
    assert code.code.reveal() == other.generate_otp(step)


def test_short_seeds_that_sites_issue_are_taken():
    seed = seed_parse("jbsw y3dp ehpk 3pxp", explicit=TotpParams())
    assert seed.secret.reveal() == "JBSWY3DPEHPK3PXP"
    assert totp_code(seed, step=1).code.reveal() == "996554"


@pytest.mark.parametrize("length", range(16, 129))
def test_every_length_is_taken(length: int):
    seed = seed_parse("A" * (length - 1) + "B", explicit=TotpParams())
    assert len(totp_code(seed, step=1).code.reveal()) == 6


@pytest.mark.parametrize(
    "text",
    ["", "A" * 15, "A" * 129, "A" * 15 + "1", "A" * 15 + "é", "otpauth://hotp/x?secret=" + "A" * 16, "otpauth://totp/x"]
    + [f"otpauth://totp/x?secret={'A' * 16}&{rest}" for rest in ("digits=5", "digits=x", "period=0", "algorithm=MD5")]
    + ["otpauth://[", "https://totp/x?secret=" + "A" * 16],
)
def test_unusable_seeds_are_refused_without_being_quoted(text: str):
    with pytest.raises(Invalid) as caught:
        seed_parse(text, explicit=TotpParams())
    assert "AAAA" not in str(caught.value)


def test_a_uri_wins_over_what_is_given_and_leaves_the_rest():
    uri = "otpauth://totp/Acme:me@acme?secret=JBSWY3DPEHPK3PXP&issuer=Acme&algorithm=sha256&digits=8"
    seed = seed_parse(uri, explicit=TotpParams(algorithm="SHA1", digits=6, period=60))
    assert seed.params == TotpParams(algorithm="SHA256", digits=8, period=60)
    assert seed.secret.reveal() == "JBSWY3DPEHPK3PXP"


def test_a_seed_survives_being_stored():
    seed = seed_parse("JBSWY3DPEHPK3PXP", explicit=TotpParams(algorithm="SHA512", digits=7, period=45))
    assert seed_load(seed_dump(seed)) == seed


def test_the_rest_of_a_step_is_told():
    now = datetime(2026, 3, 1, 12, 0, 28, 500_000, tzinfo=UTC)
    assert totp_seconds_left(now=now, period=30) == 1.5
