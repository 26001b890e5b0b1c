"""Who can sign in at the demo site. Known to everybody: it runs on loopback and holds nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    name: str
    password: str
    totp_secret: str = ""


ACCOUNTS = {
    account.email: account
    for account in (
        Account(email="ada@demo.test", name="Ada", password="engine-no-1"),  # noqa: S106 - a demo's
        Account(
            email="grace@demo.test",
            name="Grace",
            password="cobol-forever",  # noqa: S106 - a demo's
            totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",  # noqa: S106 - a demo's
        ),
    )
}
