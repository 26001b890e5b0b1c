"""What to do next: `decide(reading, memory) -> Action`. Pure.

Rules are asked in order; the first that has an answer wins.
"""

from collections.abc import Callable

from flows.engine.actions import Action, GiveUp, Memory
from flows.engine.contract import ErrorCode
from flows.engine.decide import arriving, choosing, forms, obstacles, passkeys, replaying
from flows.engine.reading.model import Reading

Rule = Callable[[Reading, Memory], Action | None]

RULES: tuple[Rule, ...] = (
    obstacles.locked,
    obstacles.wall,
    obstacles.loading,
    obstacles.dismiss,
    choosing.picked,
    choosing.provider,
    passkeys.held,
    replaying.replay,
    obstacles.external,
    obstacles.interstitial,
    choosing.method,
    forms.form,
    arriving.turned_away,
    replaying.ended,
    arriving.signed_in,
    arriving.too_early,
    choosing.openers,
    choosing.choices_only,
    arriving.arrived,
    arriving.search,
)


def decide(reading: Reading, memory: Memory) -> Action:
    """The next step. Always one; never raises."""
    for rule in RULES:
        action = rule(reading, memory)
        if action is not None:
            return action
    return GiveUp(ErrorCode.LOGIN_PAGE_NOT_FOUND, "No login form was found.")
