"""Rules that follow the plan of the last login, where the page is the one it was made on."""

from flows.engine.actions import Action, Finish, Memory, Pick, Press, Why
from flows.engine.decide.asking import choice_ids
from flows.engine.decide.passkeys import asks_for_passkey
from flows.engine.plan import Did, digest
from flows.engine.reading.model import Control, Reading


def replay(reading: Reading, memory: Memory) -> Action | None:
    """The choice or the press of last time, once on a page. Forms are filled by the rule for forms."""
    step = memory.plan.at(memory.page) if memory.plan is not None else None
    if step is None:
        return None
    if step.did is Did.PICKED:
        choice = choice_ids(reading.choices).get(step.what)
        if choice is not None and not memory.pressed.get((memory.page, choice.label)):
            return Pick(choice, reading.submit)
    if step.did is Did.PRESSED:
        for control, why in _controls(reading):
            wanted = digest(control.label) == step.what and not asks_for_passkey(control)
            if wanted and not memory.pressed_here(control):
                return Press(control, why)
    return None


def _controls(reading: Reading) -> list[tuple[Control, str]]:
    offers = [control for control in (reading.accept, reading.decline) if control is not None]
    return [
        *((control, Why.OPENER) for control in (*reading.openers, *reading.account_openers)),
        *((control, Why.INTERSTITIAL) for control in offers),
        *((control, Why.LINK) for control in reading.login_links),
    ]


def ended(reading: Reading, memory: Memory) -> Action | None:
    """The page on which the last login ended needs no second look. The proof follows all the same."""
    known = memory.started and memory.plan is not None and memory.plan.ends_at(memory.page)
    return Finish() if known else None
