"""Every kind of login, each in one of its variants; `tests.bench.zoo` runs them all in all."""

from dataclasses import replace

import pytest

from flows.engine.browsers import Browsers
from flows.engine.checking import check
from flows.engine.contract import AuthCheck, BrowserSettings, Failed, LoggedIn
from flows.engine.login import login
from flows.engine.plan import Did, Plan, Step
from tests.sites.zoo.cases import CASES, Case
from tests.sites.zoo.driving import Mode, ZooHost, opened, request_for, run
from tests.sites.zoo.shell import Variant

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = {"slow site", "half-loaded page", "gateway errors at first", "bot wall"}
# What the other tests of the engine show already.
SHOWN = {
    "one page",
    "identifier first",
    "wrong password",
    "authenticator code",
    "authenticator code of 8 digits",
    "token in local storage",
    "redirects in circles",
    "HTTP authentication",
    "a download instead of a page",
}


def _sample() -> list[tuple[Case, Variant, Mode]]:
    """One run for each behaviour, variants and modes taking turns."""
    kept = [case for case in CASES if case.name not in SLOW | SHOWN]
    modes: list[Mode] = ["asked", "stored"]
    return [
        (
            case,
            Variant.PLAIN if case.picks else case.variants[number % len(case.variants)],
            "asked" if case.stored is None else "stored" if case.alone else modes[number % 2],
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
    assert not ((case.again or (case.alone and mode == "stored")) and host.pauses)
    assert case.attempts is None or len(zoo.attempts) == case.attempts
    assert case.codes is None or len(zoo.codes) == case.codes
    assert "reused" not in zoo.facts


@pytest.mark.parametrize("name", ["organization picker", "login in a new tab"])
async def test_the_second_login_goes_the_way_of_the_first(
    browsers: Browsers, plain: BrowserSettings, name: str
) -> None:
    case = next(case for case in CASES if case.name == name)
    async with opened(case, Variant.PLAIN) as zoo:
        person = ZooHost(case, zoo, "asked")
        first = await login(browsers, request_for(case, zoo, plain, "asked"), person)
        assert isinstance(first, LoggedIn), (first, person.pauses)
        assert first.plan is not None
        alone = ZooHost(case, zoo, "stored")
        alone._picks.clear()  # nobody is there to pick
        again = replace(request_for(case, zoo, plain, "stored"), plan=first.plan, check=first.check)
        second = await login(browsers, again, alone)
        assert isinstance(second, LoggedIn), (second, alone.pauses)
        assert alone.pauses == []
        assert second.plan is not None
        assert second.check == first.check
        assert set(second.plan.steps) <= set(first.plan.steps)


async def test_a_plan_of_another_site_is_left(browsers: Browsers, plain: BrowserSettings) -> None:
    case = next(case for case in CASES if case.name == "login in a new tab")
    async with opened(case, Variant.PLAIN) as zoo:
        astray = Plan((Step("nowhere", Did.PICKED, "gone"),), start=f"{zoo.url}/logout", end="nowhere")
        check = AuthCheck(f"{zoo.url}/gone", {"place": "x"}, {})
        host = ZooHost(case, zoo, "stored")
        outcome = await login(
            browsers, replace(request_for(case, zoo, plain, "stored"), plan=astray, check=check), host
        )
        assert isinstance(outcome, LoggedIn), (outcome, host.pauses)
        assert outcome.check != check


async def test_a_site_back_after_gateway_errors(browsers: Browsers, plain: BrowserSettings) -> None:
    case = next(case for case in CASES if case.name == "gateway errors at first")
    outcome, _, zoo = await run(browsers, case, Variant.PLAIN, plain, "stored")
    assert isinstance(outcome, LoggedIn)
    assert zoo.facts["calls"] >= 3
    assert outcome.check is not None
    assert await check(browsers, plain, outcome.state, outcome.check) == "indeterminate"  # the site is gone now
