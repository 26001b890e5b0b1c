"""Controls that ask for a passkey. One that the profile holds is used; without one, pressing leads nowhere, since
nobody has a passkey on our machine."""

from flows.engine.actions import Action, Memory, Press, Why
from flows.engine.decide.asking import fillable
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Control, MfaType, PageKind, Reading

WORDS = ("passkey", "security key", "touch id", "face id", "fingerprint", "windows hello", "biometric")
MAKING = ("create", "add ", "set up", "register", "new ", "manage", "enroll")  # one, instead of using it
TRIES = 3  # in one login
KINDS = frozenset({PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.EXTERNAL_ACTION})


def asks_for_passkey(control: Control) -> bool:
    """Pressing it starts a ceremony, which fails without a passkey."""
    said = control.label.casefold()
    return "by_key" in concepts_of(said) or any(word in said for word in WORDS)


def passkey_only(reading: Reading) -> bool:
    controls = (*reading.openers, *((reading.accept,) if reading.accept else ()))
    if fillable(reading) or any(choice.mfa_type is not MfaType.PASSKEY for choice in reading.choices):
        return False
    return bool(controls or reading.choices) and all(asks_for_passkey(control) for control in controls)


def held(reading: Reading, memory: Memory) -> Action | None:
    """A passkey of the profile, where the page offers to take one: once on a page, before anything is typed."""
    if not memory.passkey or memory.passkey_tries >= TRIES or memory.given:
        return None
    if reading.kind not in KINDS and (memory.started or reading.kind is not PageKind.OTHER):
        return None
    control = passkey_control(reading)
    return Press(control, Why.PASSKEY) if control is not None and not memory.pressed_here(control) else None


def passkey_control(reading: Reading) -> Control | None:
    """What starts the ceremony."""
    for choice in reading.choices:
        if choice.mfa_type is MfaType.PASSKEY and choice.select_in is None and not choice.needs_submit:
            return Control(choice.ref, choice.label, choice.selector)
    controls = (*reading.openers, *((reading.accept,) if reading.accept is not None else ()))
    return next((control for control in controls if asks_for_passkey(control) and not _makes_one(control)), None)


def _makes_one(control: Control) -> bool:
    said = control.label.casefold()
    return "signup" in concepts_of(said) or any(word in said for word in MAKING)
