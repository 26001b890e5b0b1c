"""The look before a login. Without a browser."""

from dataclasses import replace
from typing import cast

import pytest

from flows.engine.browsers import Browsers
from flows.engine.checking import Examined
from flows.engine.contract import AuthCheck, BrowserSettings, LoggedIn, ProfileState
from flows.engine.errors import BrowserUnavailable
from flows.runner.check import Job
from flows.runner.healthy import signed_in_still

CHECK = AuthCheck(url="https://example.com/", signed_in={}, signed_out={}, request={"never": "in a test"})
SETTINGS = BrowserSettings(tenant="org_test", stealth=False)
BROWSERS = cast(Browsers, None)


def cookies(**values: str) -> ProfileState:
    made = [{"name": name, "value": value, "domain": "example.com", "path": "/"} for name, value in values.items()]
    return ProfileState(storage={"cookies": made, "origins": []})


JOB = Job("prof_1", {}, SETTINGS, cookies(sid="1"), CHECK, None)


async def look(seen: Examined | Exception) -> LoggedIn | ProfileState:
    async def checker(_: Browsers, settings: BrowserSettings, state: ProfileState, check: AuthCheck) -> Examined:
        assert (settings, state, check) == (SETTINGS, JOB.state, replace(CHECK, more=()))
        if isinstance(seen, Exception):
            raise seen
        return seen

    return await signed_in_still(BROWSERS, JOB, "https://example.com/home", checker=checker)


async def test_signed_in() -> None:
    left = cookies(sid="2")
    assert await look(Examined("ok", left=left)) == LoggedIn(left, "https://example.com/home", CHECK)


@pytest.mark.parametrize("result", ["logged_out", "indeterminate"])
async def test_anything_else_is_left_to_the_login_with_what_the_site_renewed(result: str) -> None:
    state = await look(Examined(result, left=cookies(token="2")))  # type: ignore[arg-type]  # one of its literals
    assert isinstance(state, ProfileState)
    assert {cookie["name"] for cookie in state.storage["cookies"]} == {"sid", "token"}


async def test_trouble_is_left_to_the_login() -> None:
    assert await look(BrowserUnavailable("none")) == JOB.state
