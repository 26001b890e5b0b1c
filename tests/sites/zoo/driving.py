"""Runs one case of the zoo through the engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Literal

from flows.engine.browsers import Browsers
from flows.engine.contract import Answer, BrowserSettings, FlowStopped, LoggedIn, LoginRequest, Outcome, Pause
from flows.engine.login import login
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.certificates import authority_new, server_context
from tests.sites.server import SiteServer
from tests.sites.zoo.cases import Case
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import CODE, Zoo

Mode = Literal["asked", "stored"]


@asynccontextmanager
async def opened(case: Case, variant: Variant) -> AsyncIterator[Zoo]:
    """The site of `case`, and its identity provider at another host where it has one."""
    async with AsyncExitStack() as stack:
        partner = None
        if case.provider:
            other = await stack.enter_async_context(SiteServer(host="localhost"))
            partner = Zoo(other, Variant.PLAIN)
        tls = server_context(authority_new("Nobody"), "127.0.0.1") if case.tls else None
        server = await stack.enter_async_context(SiteServer(tls=tls))
        zoo = Zoo(server, variant, case.lang, partner)
        case.build(zoo)
        yield zoo


class ZooHost(ScriptedHost):
    """Does what has to be done elsewhere when it is told to, and then waits for the page."""

    def __init__(self, case: Case, zoo: Zoo, mode: Mode) -> None:
        stored = dict(case.stored or {}) if mode == "stored" else {}
        if mode == "stored" and case.seed:
            stored["totp_code"] = CODE
        values = case.person if mode == "asked" else case.helped
        super().__init__(stored, Person({ref: list(given) for ref, given in values.items()}, case.picks))
        self._case, self._zoo = case, zoo

    async def pause(self, pause: Pause) -> None:
        await super().pause(pause)
        if pause.instruction is not None and self._case.elsewhere:
            self._zoo.confirmed.set()

    async def answer(self) -> Answer:
        pause = self._open
        if pause is not None and pause.instruction is not None and self._case.elsewhere:
            await asyncio.Event().wait()
        return await super().answer()

    async def silence(self) -> Answer:
        raise FlowStopped(self.silence_ends)


def request_for(case: Case, zoo: Zoo, settings: BrowserSettings, mode: Mode) -> LoginRequest:
    known = frozenset(case.stored or {}) if mode == "stored" else frozenset()
    if mode == "stored" and case.seed:
        known |= {"totp_code"}
    return LoginRequest(
        domain=zoo.server.domain,
        login_url=None if case.from_start else f"{zoo.url}/login",
        settings=settings,
        allowed_domains=(zoo.partner.server.domain,) if zoo.partner and case.allowed else (),
        known=known,
        sso_provider=case.sso if mode == "stored" else None,
    )


async def run(
    browsers: Browsers, case: Case, variant: Variant, settings: BrowserSettings, mode: Mode, *, seconds: float = 60
) -> tuple[Outcome | FlowStopped, ZooHost, Zoo]:
    """How the case ended. A pause that nobody answered is given back as the stop it caused."""
    async with opened(case, variant) as zoo, asyncio.timeout(seconds):
        request = request_for(case, zoo, settings, mode)
        if case.again:
            first = await login(browsers, request, ZooHost(case, zoo, mode))
            request = replace(request, known=frozenset(), state=first.state if isinstance(first, LoggedIn) else None)
        host = ZooHost(case, zoo, mode)
        try:
            return await login(browsers, request, host), host, zoo
        except FlowStopped as stop:
            return stop, host, zoo
