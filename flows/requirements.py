"""What a login took, in names only, and whether it can be repeated without a person. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flows.engine.contract import AskedChoice, AskedField
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType

Delivery = Literal["sms", "email", "other"]
CanReauth = tuple[bool, str]

TOTP_NAMES = frozenset({"totp_code"})
_CODE_ROLES = frozenset({FieldRole.CODE, FieldRole.RECOVERY_CODE})
_SENT_BY: dict[MfaType, Delivery] = {MfaType.SMS: "sms", MfaType.CALL: "sms", MfaType.EMAIL: "email"}
_UNASKED = frozenset({ChoiceKind.MFA_METHOD, ChoiceKind.SSO_PROVIDER})  # picked by itself where the rest is there


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered question of the login."""

    fields: tuple[AskedField, ...] = ()
    picked: AskedChoice | None = None
    external: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """`refs` are the values that were typed, codes left out; `codes` how codes came that somebody had to read."""

    refs: tuple[str, ...] = ()
    totp: bool = False
    codes: tuple[Delivery, ...] = field(default=())
    external: bool = False
    choice: bool = False
    passkey: bool = False  # one that the profile holds was used

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Requirements":
        return cls(
            refs=tuple(data.get("refs", ())),
            totp=bool(data.get("totp")),
            codes=tuple(data.get("codes", ())),
            external=bool(data.get("external")),
            choice=bool(data.get("choice")),
            passkey=bool(data.get("passkey")),
        )


def requirements_of(used: Iterable[str], asked: Iterable[Asked], *, passkey: bool = False) -> Requirements:
    """From the names of the values that were typed, stored or given, and the questions that were answered."""
    questions = list(asked)
    names = set(used)
    codes: list[Delivery] = []
    sent_by: Delivery | None = None
    typed_totp = False
    for question in questions:
        if question.picked is not None and question.picked.mfa_type is not None:
            sent_by = _SENT_BY.get(question.picked.mfa_type, sent_by)
        for item in question.fields:
            if item.role is FieldRole.TOTP:
                typed_totp = True
                names.discard(item.ref)
            elif item.role in _CODE_ROLES:
                names.discard(item.ref)
                codes.append(_delivery(item, sent_by))
    picked = [question.picked for question in questions if question.picked is not None]
    return Requirements(
        refs=tuple(sorted(names - TOTP_NAMES)),
        totp=typed_totp or not names.isdisjoint(TOTP_NAMES),
        codes=tuple(dict.fromkeys(codes)),
        external=any(question.external for question in questions),
        choice=any(choice.kind not in _UNASKED for choice in picked),
        passkey=passkey,
    )


def _delivery(asked: AskedField, sent_by: Delivery | None) -> Delivery:
    """How the code reached the person: as the picked method said, else as the page's hint shows."""
    if sent_by is not None:
        return sent_by
    if "@" in asked.hint:
        return "email"
    return "sms" if any(mark in asked.hint for mark in "*•") else "other"


def can_reauth(
    *,
    needed: Requirements | None,
    names: frozenset[str] | None,
    outside: bool,
    signed_in_before: bool,
    failures: int,
    choices_known: bool = False,
    planned: bool = False,
) -> CanReauth:
    """(whether an unattended login may be tried, the contract's reason). `names` are the stored credential's, None
    without one; `outside` says that the values come from another source; `failures` are the unattended logins that
    failed in a row; `planned` says that the way of the last login is known, `choices_known` that the choices somebody
    made on it can be made again."""
    if needed is not None and needed.passkey and not (needed.refs or needed.totp) and signed_in_before:
        blocked = _blocked(needed, choices_known=choices_known)
        return not blocked, blocked or "requirements_satisfiable"
    if names is None and not outside:
        return False, "no_credential"
    if not signed_in_before:
        return False, "no_prior_successful_login"
    if needed is not None and (blocked := _blocked(needed, choices_known=choices_known)):
        return False, blocked
    if outside or names is None:
        return True, "external_credential"
    if needed is None:
        return True, "viable_plans_found" if planned else "has_credential"
    if not needed.refs and not needed.totp:
        return True, "no_requirements_recorded"
    if not set(needed.refs) <= names:
        return False, "requires_customer_input"
    if needed.totp and names.isdisjoint(TOTP_NAMES):
        return (False, "requires_totp_without_secret") if failures else (True, "optimistic_totp_attempt")
    if needed.totp and not needed.refs:
        return True, "totp_reauth_allowed"
    return True, "requirements_satisfiable"


def _blocked(needed: Requirements, *, choices_known: bool) -> str:
    """What no stored value can stand in for."""
    if needed.external:
        return "requires_external_action"
    if "sms" in needed.codes:
        return "requires_sms_code"
    if "email" in needed.codes:
        return "requires_email_code"
    return "requires_customer_input" if needed.codes or (needed.choice and not choices_known) else ""
