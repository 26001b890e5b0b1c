"""Controls that ask for a passkey: pressing one opens a dialog of the operating system, which nobody would answer."""

from flows.engine.decide.asking import fillable
from flows.engine.reading.model import Control, MfaType, Reading

WORDS = ("passkey", "security key", "touch id", "face id", "fingerprint", "windows hello", "biometric")


def asks_for_passkey(control: Control) -> bool:
    """Pressing it opens a dialog of the operating system, which nobody is there to answer."""
    said = control.label.casefold()
    return any(word in said for word in WORDS)


def passkey_only(reading: Reading) -> bool:
    controls = (*reading.openers, *((reading.accept,) if reading.accept else ()))
    if fillable(reading) or any(choice.mfa_type is not MfaType.PASSKEY for choice in reading.choices):
        return False
    return bool(controls or reading.choices) and all(asks_for_passkey(control) for control in controls)
