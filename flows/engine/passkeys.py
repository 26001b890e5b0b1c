"""Passkeys as a profile keeps them: credentials of Chromium's virtual authenticator, private keys included. Pure.

A site may insist that the signature counter rises with every use. A browser that ends before its profile is saved takes
its last uses along, so a counter starts from the clock and is never behind one that any earlier browser reached.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
STEPS = 4  # of the counter in a second: nobody signs in more often for long
MARGIN = 16  # uses that were never saved, for a clock that went back
MOST = 2**32 - 2**16  # the field has 32 bits; the steps last into 2060

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Passkey:
    """One credential. `id` and `private_key` are base64, as the browser's protocol has them. Secret as a whole: only
    where it belongs may be shown."""

    id: str = field(repr=False)
    rp_id: str
    private_key: str = field(repr=False)
    sign_count: int = field(default=0, repr=False)
    user_handle: str = field(default="", repr=False)
    user_name: str = field(default="", repr=False)
    user_display_name: str = field(default="", repr=False)
    resident: bool = field(default=True, repr=False)
    backup_eligible: bool = field(default=False, repr=False)
    backed_up: bool = field(default=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """In the words of the browser's protocol; the profile keeps the same."""
        optional = {
            "userHandle": self.user_handle,
            "userName": self.user_name,
            "userDisplayName": self.user_display_name,
        }
        return {
            "credentialId": self.id,
            "rpId": self.rp_id,
            "privateKey": self.private_key,
            "signCount": self.sign_count,
            "isResidentCredential": self.resident,
            "backupEligibility": self.backup_eligible,
            "backupState": self.backed_up,
        } | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Passkey":
        """Raises KeyError for data of another shape."""
        return cls(
            id=data["credentialId"],
            rp_id=data["rpId"],
            private_key=data["privateKey"],
            sign_count=int(data["signCount"]),
            user_handle=data.get("userHandle", ""),
            user_name=data.get("userName", ""),
            user_display_name=data.get("userDisplayName", ""),
            resident=bool(data["isResidentCredential"]),
            backup_eligible=bool(data.get("backupEligibility")),
            backed_up=bool(data.get("backupState")),
        )

    def is_for(self, host: str) -> bool:
        """Whether a page of this host could ask for it. That the name is no public suffix is the browser's to see."""
        return host == self.rp_id or host.endswith("." + self.rp_id)

    def replaces(self, other: "Passkey") -> bool:
        """An authenticator keeps one discoverable credential for an account."""
        same = (self.rp_id, self.user_handle) == (other.rp_id, other.user_handle)
        return self.id == other.id or (same and bool(self.user_handle) and self.resident and other.resident)


def counter_start(saved: int, *, now: float) -> int:
    """What a counter that stood at `saved` goes on from; the next use shows one more. `now` as `time.time` has it."""
    return min(max(saved + MARGIN, int((now - EPOCH) * STEPS)), MOST)


class Keyring:
    """The passkeys of one browser, as its pages make, use and lose them."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, Passkey] = {}
        self.uses = 0

    def __repr__(self) -> str:
        return f"Keyring({len(self._kept)})"

    @property
    def kept(self) -> tuple[Passkey, ...]:
        """To be saved."""
        return tuple(self._kept.values())

    def get(self, credential_id: str) -> Passkey | None:
        return self._kept.get(credential_id)

    def bring(self, passkeys: Iterable[Passkey]) -> None:
        """From the profile. What was made in this browser stays."""
        for passkey in passkeys:
            self._kept.setdefault(passkey.id, passkey)

    def made(self, passkey: Passkey) -> None:
        self._kept = {key: other for key, other in self._kept.items() if not passkey.replaces(other)}
        self._kept[passkey.id] = passkey

    def used(self, passkey: Passkey) -> None:
        self.uses += 1
        self.changed(passkey)

    def changed(self, passkey: Passkey) -> None:
        """A counter only ever rises."""
        known = self._kept.get(passkey.id)
        count = max(passkey.sign_count, known.sign_count if known is not None else 0)
        self._kept[passkey.id] = replace(passkey, sign_count=count)

    def forget(self, credential_id: str) -> None:
        self._kept.pop(credential_id, None)

    def loaded(self, passkey: Passkey) -> Passkey:
        """As it goes into an authenticator now. What is kept stays: a passkey that nobody uses does not change."""
        return replace(passkey, sign_count=counter_start(passkey.sign_count, now=self._clock()))

    def of(self, host: str) -> tuple[Passkey, ...]:
        """What a page of this host could ask for."""
        return tuple(passkey for passkey in self._kept.values() if passkey.is_for(host))
