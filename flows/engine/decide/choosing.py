"""Rules for choices: providers, methods, accounts, and what opens a form."""

from flows.engine.actions import Action, Ask, Memory, Pick, Press, Why
from flows.engine.decide.asking import choice_ids, fillable, offered, pause_for
from flows.engine.decide.passkeys import asks_for_passkey, passkey_only
from flows.engine.matching import PASSWORD, PASSWORD_ROLES, TOTP_CODE, folded
from flows.engine.reading.model import ChoiceKind, MfaType, PageKind, Reading


def picked(reading: Reading, memory: Memory) -> Action | None:
    if memory.picked is None:
        return None
    choice = choice_ids(offered(reading)).get(memory.picked)
    if choice is not None and reading.resend is not None and choice.ref == reading.resend.ref:
        return Press(reading.resend, Why.RESEND)
    return Pick(choice, reading.submit) if choice is not None else None


def provider(reading: Reading, memory: Memory) -> Action | None:
    """A credential that says "sign in with X" presses X by itself, once."""
    if memory.sso_provider is None or memory.started:
        return None
    wanted = folded(memory.sso_provider)
    for choice in reading.choices:
        named = folded(choice.provider or "")
        if choice.kind is ChoiceKind.SSO_PROVIDER and (named == wanted or (wanted and wanted in folded(choice.label))):
            return Pick(choice, reading.submit)
    return None


def method(reading: Reading, memory: Memory) -> Action | None:
    """Take a stored one-time code or password where the site lets one choose."""
    usable = memory.known - memory.rejected
    if reading.kind is PageKind.LOGIN:
        return _password_instead(reading, memory) if PASSWORD in usable else None
    if reading.kind is not PageKind.METHOD_CHOICE:
        return None
    wanted = [MfaType.TOTP] if TOTP_CODE in usable else []
    wanted += [MfaType.PASSWORD] if PASSWORD in usable else []
    for mfa_type in wanted:
        matching = [choice for choice in reading.choices if choice.mfa_type is mfa_type]
        if len(matching) == 1 and not memory.pressed.get((memory.page, matching[0].label)):
            return Pick(matching[0], reading.submit)
    if reading.choices and not fillable(reading):
        return Ask(pause_for(reading))
    return None


def _password_instead(reading: Reading, memory: Memory) -> Pick | None:
    """A form that would send a code, beside the way to the one that takes the stored password."""
    if any(field.role in PASSWORD_ROLES for field in reading.fields):
        return None
    ways = [choice for choice in reading.choices if choice.mfa_type is MfaType.PASSWORD]
    if len(ways) != 1 or memory.pressed.get((memory.page, ways[0].label)):
        return None
    return Pick(ways[0], reading.submit)


def openers(reading: Reading, memory: Memory) -> Action | None:
    if memory.started and reading.kind in (PageKind.OTHER, PageKind.SIGNED_IN):
        return None  # what an application offers whom it let in is no way to log in
    for control in reading.openers:
        if not asks_for_passkey(control) and not memory.pressed_here(control):
            return Press(control, Why.OPENER)
    return None


def choices_only(reading: Reading, memory: Memory) -> Action | None:
    """A page of choices: accounts, organizations, ways to sign in."""
    kinds = {PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.ACCOUNT_PICKER}
    if reading.kind not in kinds or not reading.choices or (not memory.started and passkey_only(reading)):
        return None
    for control in reading.openers:
        if not asks_for_passkey(control) and not memory.pressed_here(control):
            return None
    return Ask(pause_for(reading))
