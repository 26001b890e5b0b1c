"""The sealed seed of a credential's one-time codes."""

from typing import Any

from vault.errors import NotFound
from vault.models import Credential
from vault.sealing import open_sealed, seal
from vault.totp import TotpParams, TotpSeed, seed_dump, seed_load

TABLE = "vault_credential"
FIELD = "sealed_totp"


def params_override(base: TotpParams, algorithm: str | None, digits: int | None, period: int | None) -> TotpParams:
    return TotpParams(
        algorithm=base.algorithm if algorithm is None else algorithm,
        digits=base.digits if digits is None else digits,
        period=base.period if period is None else period,
    )


def params_stored(credential: Credential) -> TotpParams:
    return TotpParams(algorithm=credential.totp_algorithm, digits=credential.totp_digits, period=credential.totp_period)


def seed_set(credential: Credential, seed: TotpSeed) -> None:
    credential.sealed_totp = seal(plaintext=seed_dump(seed), **_seed_place(credential))
    credential.totp_algorithm = seed.params.algorithm
    credential.totp_digits = seed.params.digits
    credential.totp_period = seed.params.period
    credential.last_totp_step = None


def seed_clear(credential: Credential) -> None:
    defaults = TotpParams()
    credential.sealed_totp = None
    credential.totp_algorithm = defaults.algorithm
    credential.totp_digits = defaults.digits
    credential.totp_period = defaults.period
    credential.last_totp_step = None


def _seed_place(credential: Credential) -> dict[str, Any]:
    return {
        "organization_id": credential.organization_id,
        "table": TABLE,
        "record_id": credential.id,
        "field": FIELD,
    }


def seed_open(credential: Credential) -> TotpSeed:
    if credential.sealed_totp is None:
        raise NotFound("The credential has no totp_secret")
    return seed_load(open_sealed(sealed=bytes(credential.sealed_totp), **_seed_place(credential)))
