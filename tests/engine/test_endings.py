"""How sessions end, and what only looks like it: the check as the worker makes it, at every kind of site. The whole
table is `tests.bench.endings`."""

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings
from flows.engine.fetching import Expected
from tests.sites.endings import ENDINGS, App, Ending
from tests.sites.endings_run import SignedIn, end, sign_in
from tests.sites.server import Request, Response, SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
BY_NAME = {ending.name: ending for ending in ENDINGS}
TROUBLE = {
    App.QUIET: ("maintenance page", "captcha", "empty page"),
    App.OPEN: ("maintenance page",),
    App.FORBIDDEN: ("geo block",),
}


async def seen(signed_in: SignedIn, browsers: Browsers, ending: Ending) -> str:
    await end(signed_in, ending)
    found = await signed_in.check(browsers)
    signed_in.site.trouble = None
    return found.result.value


@pytest.mark.parametrize("app", [App.QUIET, App.JSON, App.OPEN, App.FORBIDDEN, App.SPA, App.TOKEN])
async def test_r38_each_way_a_session_ends_is_told_from_trouble(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, app: App
) -> None:
    signed_in = await sign_in(browsers, plain, site, app)
    assert (await signed_in.check(browsers)).result == "ok"
    troubles = {name: await seen(signed_in, browsers, BY_NAME[name]) for name in TROUBLE.get(app, ())}
    assert troubles == dict.fromkeys(troubles, "indeterminate")
    if app in (App.SPA, App.TOKEN):  # the same empty page for everybody: no request can tell
        assert not Expected.from_json(signed_in.auth_check.request).rounds
    assert await seen(signed_in, browsers, BY_NAME["revoked at the server"]) == "logged_out"


async def test_requests_take_over_and_a_wall_ends_that_for_good(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    signed_in = await sign_in(browsers, plain, site, App.PAGES)
    ways = [(await signed_in.check(browsers)).way.value for _ in range(3)]
    assert ways == ["browser", "browser", "request"]
    before = len(site.seen)
    assert (await signed_in.check(browsers)).result == "ok"
    assert len(site.seen) == before + 1

    def wall(request: Request) -> Response:
        """Browsers pass, others do not: they lack a header that only scripts of the page could set."""
        if "sec-ch-ua" not in request.headers:
            return Response("<h1>Forbidden</h1>", 403)
        signed_in.site.trouble = None
        answer = signed_in.site._answer(request)
        signed_in.site.trouble = wall
        return answer if isinstance(answer, Response) else Response(answer)

    signed_in.site.trouble = wall
    found = await signed_in.check(browsers)
    assert (found.result, found.way) == ("ok", "browser")
    assert Expected.from_json(signed_in.auth_check.request).lasting
    signed_in.site.trouble = None
    assert (await signed_in.check(browsers)).way == "browser"
    signed_in.site.end_sessions()
    found = await signed_in.check(browsers)
    assert found.result == "logged_out"
    assert found.picture is not None
    assert found.picture.startswith(b"\xff\xd8")


async def test_a_token_good_for_one_visit_lives_on_from_check_to_check(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    signed_in = await sign_in(browsers, plain, site, App.ROTATING)
    results = [await signed_in.check(browsers) for _ in range(4)]
    assert [found.result for found in results] == ["ok"] * 4
    assert results[-1].way == "request"
    signed_in.site.end_sessions()
    found = await signed_in.check(browsers)
    assert (found.result, found.way) == ("logged_out", "browser")
