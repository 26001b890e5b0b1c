"""Rules for what stands before a form: lock-outs, walls, banners, offers, things to confirm elsewhere."""

from flows.engine.actions import Action, Ask, GiveUp, Memory, Press, Wait, Why
from flows.engine.contract import ErrorCode
from flows.engine.decide.asking import pause_for
from flows.engine.decide.forms import form_asked
from flows.engine.decide.passkeys import WORDS, asks_for_passkey
from flows.engine.reading.model import PageKind, Reading

REPEATS = 3  # times the same thing is pressed on the same page


def locked(reading: Reading, memory: Memory) -> Action | None:
    """Whom a site let in it did not lock out: there such words are about something else, as a feature that is off."""
    let_in = reading.kind is PageKind.SIGNED_IN and (memory.started or memory.had_state)
    if reading.message is not None and reading.message.locked_out and not let_in:
        return GiveUp(
            ErrorCode.ACCOUNT_LOCKED,
            "The site lets nobody into this account for now: it is locked, or was tried too often.",
            reading.message.text,
        )
    return None


def wall(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is PageKind.BOT_WALL:
        if memory.waits < 4:
            return Wait("the site checks the browser")
        instruction = (
            "The site checks whether this is a bot. Complete its check, or wait until it lets the login go on."
        )
        return _handed_over(reading, instruction, ErrorCode.BOT_DETECTED)
    if reading.kind is PageKind.CAPTCHA:
        vendor = f" ({reading.captcha})" if reading.captcha else ""
        instruction = f"The site shows a captcha{vendor}. The login goes on by itself once it is solved."
        return _handed_over(reading, instruction, ErrorCode.CAPTCHA_BLOCKED)
    return None


def _handed_over(reading: Reading, instruction: str, code: ErrorCode) -> Ask:
    return Ask(pause_for(reading, instruction=instruction), on_timeout=code)


def loading(reading: Reading, memory: Memory) -> Action | None:
    if reading.loading and memory.waits < 8:
        return Wait("the page is loading")
    return None


def dismiss(reading: Reading, memory: Memory) -> Action | None:
    for control in reading.dismiss:
        if not memory.pressed_here(control):
            return Press(control, Why.DISMISS)
    return None


def external(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is not PageKind.EXTERNAL_ACTION or memory.given:
        return None
    instruction = reading.instruction or "The site waits for something to be confirmed outside the browser."
    fields, _ = form_asked(reading, memory, frozenset())
    return Ask(pause_for(reading, fields=fields, instruction=instruction))


def interstitial(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is not PageKind.INTERSTITIAL:
        return None
    text = " ".join((reading.title, *reading.reasons, reading.accept.label if reading.accept else "")).casefold()
    offers_passkey = any(word in text for word in WORDS)
    order = (reading.decline, reading.accept) if offers_passkey else (reading.accept, reading.decline)
    for control in order:
        if (
            control is not None
            and not (control is reading.accept and asks_for_passkey(control))
            and memory.pressed_here(control) < REPEATS
        ):
            return Press(control, Why.INTERSTITIAL)
    return None
