"""The way to a site: its first page, over https or http, and again when the site is in trouble for a moment."""

import asyncio
import logging
from urllib.parse import urlsplit

from flows.engine.decide.arriving import DOWN
from flows.engine.egress import Egress
from flows.engine.errors import BasicAuth, Unreachable
from flows.engine.origins import Origin, OriginPolicy, Site, site_parse
from flows.engine.plan import Plan
from flows.engine.reading.model import PageKind
from flows.engine.tabs import BASIC_AUTH, Sight, Tabs, is_actionable
from flows.engine.waiting import backoff

log = logging.getLogger(__name__)


class Entrance:
    """Goes to addresses of one site. `asked` is the last address gone to, `site` the scheme and host that answered."""

    def __init__(self, tabs: Tabs, egress: Egress) -> None:
        self._tabs = tabs
        self._egress = egress
        self.site = ""
        self.asked = ""

    async def enter(self, domain: str, policy: OriginPolicy) -> Sight:
        """The site's start page over https, over http where that is good enough. Raises Unreachable, BasicAuth."""
        site = site_parse(domain)
        plain = Origin("http", site.host, site.port or 80)
        if await self._is_plain(site) and policy.allows(plain):
            return await self.go(f"http://{site}/")
        try:
            return await self.go(f"https://{site}/", steady=not policy.allows(plain))
        except Unreachable as error:
            if not policy.allows(plain):
                raise
            log.info("https failed (%s), trying http", error)
            return await self.go(f"http://{site}/")

    async def enter_by_plan(self, plan: Plan | None, policy: OriginPolicy) -> Sight | None:
        """The page where the last login began, if it still is that page. Raises BasicAuth."""
        if plan is None or not plan.start or not policy.allows_url(plan.start):
            return None
        try:
            sight = await self.go(plan.start, steady=False)
        except Unreachable:
            return None
        return sight if plan.knows(sight.page) or sight.reading.kind is PageKind.SIGNED_IN else None

    async def _is_plain(self, site: Site) -> bool:
        """Nothing at the named port answers to TLS: Chromium would wait long for a server that waits for a request."""
        return site.port not in (None, 443) and not await self._egress.speaks_tls(site.host, site.port or 443)

    async def go(self, url: str, *, steady: bool = True) -> Sight:
        """Load the address. With `steady`, what may be over in a moment is tried again, each time later and never in
        step with others. Raises Unreachable, BasicAuth."""
        tab = self._tabs.current
        self.asked = url
        sight = await self._arrive(url, steady=steady)
        if tab.watch.asks_basic_auth:
            raise BasicAuth(BASIC_AUTH)
        parts = urlsplit(sight.tab.page.url)
        self.site = f"{parts.scheme}://{parts.netloc}"
        return sight

    async def _arrive(self, url: str, *, steady: bool) -> Sight:
        tab = self._tabs.current
        for wait in backoff() if steady else (None,):
            try:
                await tab.visit(url)
                sight = await self._tabs.settle(None)
            except Unreachable as error:
                if not error.transient or wait is None:
                    raise
            else:
                if wait is None or sight.status not in DOWN or is_actionable(sight.reading):
                    return sight
            log.info("the site is in trouble, trying again")
            await asyncio.sleep(wait)
        raise Unreachable("the site did not answer")  # never reached: the last wait is None
