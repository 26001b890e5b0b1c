"""Before a login: a profile that is signed in already needs none. What its checks have learned tells that in one look,
by a plain request where those do, else in one browser."""

import asyncio
import logging
from dataclasses import replace

from flows.engine.browsers import Browsers
from flows.engine.checking import examine, union
from flows.engine.contract import LoggedIn, ProfileState
from flows.engine.drivers import WAIT_ERRORS
from flows.engine.errors import BrowserLost, BrowserUnavailable
from flows.runner.check import Checker, Job, by_request

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
TROUBLE: tuple[type[Exception], ...] = (*WAIT_ERRORS, BrowserLost, BrowserUnavailable)


async def signed_in_still(
    browsers: Browsers, job: Job, landed: str, *, checker: Checker = examine
) -> LoggedIn | ProfileState:
    """As a login that had nothing to do, or the profile as the look left it: sites renew tokens at any visit."""
    state = job.state
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            if job.asks_plainly and job.expected.usable:
                found, job = await by_request(job)
                if found is not None:
                    return LoggedIn(found.left or state, landed, job.auth_check)
                state = job.state
            # Checks learn by further visits; here somebody waits.
            known = replace(job.auth_check, more=job.auth_check.more or ())
            seen = await checker(browsers, job.settings, job.state, known)
    except TROUBLE as error:
        log.info("no look before the login: %s", type(error).__name__)
        return state
    if seen.left is not None:
        state = seen.left if seen.result == "ok" else union(state, seen.left)
    return LoggedIn(state, landed, job.auth_check) if seen.result == "ok" else state
