"""Every kind of login, each in one of its variants; `tests.bench.zoo` runs them all in all."""

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, Failed, LoggedIn
from flows.engine.verify import check
from tests.sites.zoo.cases import CASES, Case
from tests.sites.zoo.driving import Mode, run
from tests.sites.zoo.shell import Variant

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = {"slow site", "half-loaded page", "gateway errors at first", "bot wall"}
# Pages that are not read right yet: the login ends unverified there. The bench shows them.
UNREAD = {
    "code to be requested",
    "code requested in place",
}
# What the other tests of the engine show already.
SHOWN = {"one page", "identifier first", "wrong password", "authenticator code", "token in local storage"}


def _sample() -> list[tuple[Case, Variant, Mode]]:
    """One run for each behaviour, variants and modes taking turns."""
    kept = [case for case in CASES if case.name not in SLOW | SHOWN | UNREAD]
    modes: list[Mode] = ["asked", "stored"]
    return [
        (
            case,
            Variant.PLAIN if case.picks else case.variants[number % len(case.variants)],
            "asked" if case.stored is None else modes[number % 2],
        )
        for number, case in enumerate(kept)
    ]


SAMPLE = _sample()


@pytest.mark.parametrize(("case", "variant", "mode"), SAMPLE, ids=[f"{c.name}, {v}, {m}" for c, v, m in SAMPLE])
async def test_zoo(browsers: Browsers, plain: BrowserSettings, case: Case, variant: Variant, mode: Mode) -> None:
    outcome, host, zoo = await run(browsers, case, variant, plain, mode)
    ends = case.ends if mode == "asked" else case.stored_ends
    if ends is None:
        assert isinstance(outcome, LoggedIn), (outcome, host.pauses)
        assert outcome.check is not None
    else:
        assert isinstance(outcome, Failed), (outcome, host.pauses)
        assert outcome.code is ends
    assert case.attempts is None or len(zoo.attempts) == case.attempts
    assert "reused" not in zoo.facts


async def test_a_site_back_after_gateway_errors(browsers: Browsers, plain: BrowserSettings) -> None:
    case = next(case for case in CASES if case.name == "gateway errors at first")
    outcome, _, zoo = await run(browsers, case, Variant.PLAIN, plain, "stored")
    assert isinstance(outcome, LoggedIn)
    assert zoo.facts["calls"] >= 3
    assert outcome.check is not None
    assert await check(browsers, plain, outcome.state, outcome.check) == "indeterminate"  # the site is gone now
