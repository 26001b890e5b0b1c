"""Carries one ending from the login to the verdict, with the check as the worker makes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flows.engine.browsers import Browsers
from flows.engine.checking import examine
from flows.engine.contract import AuthCheck, BrowserSettings, LoggedIn, LoginRequest, ProfileState
from flows.engine.login import login
from flows.runner.check import Found, Job, look
from tests.engine.hosts import ScriptedHost
from tests.sites.endings import PASSWORD, USER, App, Ending, EndingSite
from tests.sites.server import SiteServer


@dataclass(slots=True)
class SignedIn:
    """A login that was proven, and what checks made of it since."""

    site: EndingSite
    server: SiteServer
    settings: BrowserSettings
    state: ProfileState
    auth_check: AuthCheck

    def job(self) -> Job:
        return Job("", {}, self.settings, self.state, self.auth_check, None)

    async def check(self, browsers: Browsers, *, check_id: str = "hc_1") -> Found:
        """One check, whose outcome is kept as the service keeps it."""
        found = await look(check_id, self.job(), browsers, examine, confirm_seconds=0.05)
        self.state = found.left or self.state
        self.auth_check = found.auth_check or self.auth_check
        return found


async def sign_in(browsers: Browsers, settings: BrowserSettings, server: SiteServer, app: App) -> SignedIn:
    site = EndingSite(server, app)
    stored: dict[str, str | Callable[[], str]] = {"username": USER, "password": PASSWORD}
    request = LoginRequest(domain=server.domain, login_url=site.login_url, settings=settings, known=frozenset(stored))
    outcome = await login(browsers, request, ScriptedHost(stored))
    if not isinstance(outcome, LoggedIn) or outcome.check is None:
        raise AssertionError(f"{app}: {outcome}")
    return SignedIn(site, server, settings, outcome.state, outcome.check)


async def end(signed_in: SignedIn, ending: Ending) -> None:
    """Let it happen."""
    ending.happens(signed_in.site)
    if ending.takes:
        signed_in.state = replace(signed_in.state, storage={**signed_in.state.storage, "cookies": []})
    if ending.closes:
        await signed_in.server.__aexit__()
    if ending.elsewhere:
        signed_in.auth_check = elsewhere(signed_in.auth_check, signed_in.server.domain)


def elsewhere(check: AuthCheck, domain: str) -> AuthCheck:
    """The same check at a name that does not exist."""

    def moved(data: Any) -> Any:
        if isinstance(data, str):
            return data.replace(domain, "board.invalid")
        if isinstance(data, dict):
            return {name: moved(value) for name, value in data.items()}
        return tuple(map(moved, data)) if isinstance(data, list | tuple) else data

    return AuthCheck.from_json(moved(check.to_json()))
