"""A login that seemed to be over and was not: the proof found nobody signed in.

Sites put pages between a login and its other side that no rule knows: questions, notices, offers. Who tries again
takes the page where the first try ended for one more step.
"""

import logging
from dataclasses import replace

from flows.engine.actions import Memory
from flows.engine.ledger import Ledger
from flows.engine.plan import digest
from flows.engine.reading.model import PageKind
from flows.engine.reading.reader import read
from flows.engine.tabs import Sight

log = logging.getLogger(__name__)

ON_THE_WAY = frozenset({PageKind.OTHER, PageKind.RESET, PageKind.SIGN_UP})


def doubted(ledger: Ledger, sight: Sight, *, attended: bool) -> Memory | None:
    """What to know for the second try: what was typed so far, and the way there as the plan. None where nothing on
    the page would lead on, unless somebody is there to go on by hand."""
    if sight.reading.kind not in ON_THE_WAY:
        return None
    again = read(sight.observation.snapshot, doubted=True)
    if again.kind is sight.reading.kind and not attended:
        return None
    log.info("a page that was no other side is looked at once more")
    memory = ledger.memory
    return replace(
        Memory(sso_provider=memory.sso_provider, searching=memory.searching, had_state=memory.had_state),
        known=memory.known,
        typed=memory.typed,
        rejected=memory.rejected,
        plan=ledger.plan(end=""),
        doubted=memory.doubted | {digest(sight.page)},
    )
