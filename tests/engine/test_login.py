"""Whole logins in a real browser against the account site."""

import asyncio
from dataclasses import replace

import pytest

from flows.engine.browsers import Browsers
from flows.engine.checking import check
from flows.engine.contract import (
    BrowserSettings,
    ErrorCode,
    Failed,
    FieldReason,
    FlowStopped,
    LoggedIn,
    LoginRequest,
    Outcome,
)
from flows.engine.login import login
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.accounts import CODE, PASSWORD, USER, AccountSite, Behaviour, Form, Keeps, Second
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
STORED = {"username": USER, "password": PASSWORD}
JPEG = b"\xff\xd8"


def request_for(site: AccountSite, settings: BrowserSettings, **changes: object) -> LoginRequest:
    values = {
        "domain": site.server.domain,
        "login_url": site.login_url,
        "settings": settings,
        "known": frozenset(STORED),
    }
    return LoginRequest(**(values | changes))  # type: ignore[arg-type] # one helper for fields of several types


def proven(outcome: Outcome) -> LoggedIn:
    assert isinstance(outcome, LoggedIn), outcome
    assert outcome.check is not None
    return outcome


async def test_stored_values_log_in_without_a_question(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    host = ScriptedHost(STORED)
    outcome = proven(await login(browsers, request_for(accounts, plain), host))
    assert outcome.stored == {"username", "password"}
    assert outcome.given == frozenset()
    assert outcome.post_login_url == site.url + "/home"
    assert host.pauses == []
    assert accounts.attempts == [(USER, PASSWORD)]
    assert accounts.ticked == [True]
    assert outcome.check is not None
    assert await check(browsers, plain, outcome.state, outcome.check) == "ok"
    site.sessions.clear()
    assert await check(browsers, plain, outcome.state, outcome.check) == "logged_out"


async def test_a_person_is_asked_for_what_is_missing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    host = ScriptedHost(person=Person({"username": [USER], "password": [PASSWORD]}))
    outcome = proven(await login(browsers, request_for(accounts, plain, known=frozenset()), host))
    assert outcome.given == {"username", "password"}
    (pause,) = host.pauses
    assert [(field.ref, field.reason) for field in pause.fields] == [
        ("username", FieldReason.MISSING),
        ("password", FieldReason.MISSING),
    ]
    assert {origin for _, origin in host.revealed} == {site.url}


async def test_identifier_first(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(form=Form.IDENTIFIER_FIRST))
    proven(await login(browsers, request_for(accounts, plain), ScriptedHost(STORED)))
    assert accounts.attempts == [(USER, PASSWORD)]


async def test_the_login_page_is_found_from_the_bare_domain(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    proven(await login(browsers, request_for(accounts, plain, login_url=None), ScriptedHost(STORED)))
    assert accounts.attempts == [(USER, PASSWORD)]


async def test_the_login_page_is_found_at_a_usual_path(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    site.page("/", "<!doctype html><title>Notes</title><h1>Notes</h1><p>A place for notes.</p>")
    proven(await login(browsers, request_for(accounts, plain, login_url=None), ScriptedHost(STORED)))


async def test_a_stored_seed_and_a_trust_question(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(second=Second.APP, trust=True))
    host = ScriptedHost({**STORED, "totp_code": CODE})
    known = frozenset({*STORED, "totp_code"})
    outcome = proven(await login(browsers, request_for(accounts, plain, known=known), host))
    assert outcome.stored == {"username", "password", "totp_code"}
    assert host.pauses == []


async def test_a_mailed_code_is_asked_even_where_a_seed_is_stored(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site, Behaviour(second=Second.MAIL))
    host = ScriptedHost({**STORED, "totp_code": "999999"}, Person({"code": ["000000", CODE]}))
    known = frozenset({*STORED, "totp_code"})
    outcome = proven(await login(browsers, request_for(accounts, plain, known=known), host))
    assert accounts.codes == ["000000", CODE]
    assert [pause.fields[0].reason for pause in host.pauses] == [FieldReason.MISSING, FieldReason.REJECTED]
    assert host.pauses[1].website_error == "Incorrect code."
    assert outcome.given == {"code"}


async def test_a_code_over_six_boxes(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(second=Second.BOXES))
    host = ScriptedHost(STORED, Person({"code": [CODE], "totp_code": [CODE]}))
    proven(await login(browsers, request_for(accounts, plain), host))
    assert accounts.codes == [CODE]


async def test_r16_a_rejected_password_is_never_sent_again(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    host = ScriptedHost({"username": USER, "password": "wrong"}, Person({"username": [USER], "password": [PASSWORD]}))
    outcome = proven(await login(browsers, request_for(accounts, plain), host))
    assert accounts.attempts == [(USER, "wrong"), (USER, PASSWORD)]
    assert host.rejections == [{"password"}]
    (pause,) = host.pauses
    assert pause.website_error == "Sorry, username or password was wrong."
    assert {field.ref: field.reason for field in pause.fields}["password"] is FieldReason.REJECTED
    assert outcome.given == {"username", "password"}
    assert outcome.stored == frozenset()


async def test_r16_a_password_rejected_earlier_is_asked_not_used(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    host = ScriptedHost({"username": USER, "password": "wrong"}, Person({"password": [PASSWORD]}))
    request = request_for(accounts, plain, rejected=frozenset({"password"}))
    outcome = proven(await login(browsers, request, host))
    assert accounts.attempts == [(USER, PASSWORD)]
    assert outcome.stored == {"username"}
    assert outcome.given == {"password"}


async def test_r16_silence_of_the_site_counts_as_rejection(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """The same form again without a word: the password is not tried twice."""
    accounts = AccountSite(site, Behaviour(error=""))
    host = ScriptedHost({"username": USER, "password": "wrong"}, Person({"username": [USER], "password": [PASSWORD]}))
    proven(await login(browsers, request_for(accounts, plain), host))
    assert [password for _, password in accounts.attempts] == ["wrong", PASSWORD]


async def test_r16_a_form_that_comes_back_elsewhere_was_refused(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """The form opens in place on the start page; a page of its own gives it back with plain words above it."""
    accounts = AccountSite(site, Behaviour(error=""))
    form = accounts.form_alone()
    opened = f"<button onclick='document.getElementById(`x`).innerHTML=this.value' value='{form}'>Log in</button>"
    site.page("/", f"<!doctype html><title>Notes</title><h1>Notes</h1>{opened}<div id=x></div>")
    accounts.behaviour.before_form = "<p>Notes of the archive.</p><p>Those details do not match our records.</p>"
    host = ScriptedHost({"username": USER, "password": "wrong"}, Person({"username": [USER], "password": [PASSWORD]}))
    proven(await login(browsers, request_for(accounts, plain, login_url=site.url + "/"), host))
    assert [password for _, password in accounts.attempts] == ["wrong", PASSWORD]
    assert host.pauses[0].website_error == "Those details do not match our records."


async def test_a_locked_account_ends_the_login(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(locked_after=1))
    outcome = await login(browsers, request_for(accounts, plain), ScriptedHost({**STORED, "password": "wrong"}))
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.ACCOUNT_LOCKED
    assert outcome.picture is not None
    assert outcome.picture.startswith(JPEG)
    assert outcome.website_error == "Your account has been locked. Too many failed attempts."


@pytest.mark.parametrize("keeps", [Keeps.LOCAL, Keeps.SESSION])
async def test_a_single_page_application(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, keeps: Keeps
) -> None:
    accounts = AccountSite(site, Behaviour(form=Form.SCRIPT, keeps=keeps))
    outcome = proven(await login(browsers, request_for(accounts, plain), ScriptedHost(STORED)))
    assert accounts.attempts == [(USER, PASSWORD)]
    assert outcome.check is not None
    assert await check(browsers, plain, outcome.state, outcome.check) == "ok"


async def test_a_single_page_application_rejects(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(form=Form.SCRIPT))
    host = ScriptedHost({"username": USER, "password": "wrong"}, Person({"username": [USER], "password": [PASSWORD]}))
    proven(await login(browsers, request_for(accounts, plain), host))
    assert [password for _, password in accounts.attempts] == ["wrong", PASSWORD]
    assert host.pauses[0].website_error == "Sorry, username or password was wrong."


async def test_a_state_that_lives_in_its_first_tab_only_is_no_success(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site, Behaviour(form=Form.SCRIPT, keeps=Keeps.MEMORY))
    outcome = await login(browsers, request_for(accounts, plain), ScriptedHost(STORED))
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.VERIFICATION_FAILED
    assert outcome.picture is not None
    assert outcome.picture.startswith(JPEG)


async def test_a_form_in_a_frame(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site, Behaviour(form=Form.FRAME))
    proven(await login(browsers, request_for(accounts, plain), ScriptedHost(STORED)))
    assert accounts.attempts == [(USER, PASSWORD)]


DIALOG = """<!doctype html><title>Shop</title><h1>Fine teapots</h1><p>Every teapot is made by hand.</p>
<header><button id="open" hidden>Log in</button><button id="out" hidden>Log out</button></header><div id="root"></div>
<script>
const inside = document.cookie.includes("member=1");
document.getElementById(inside ? "out" : "open").hidden = false;
document.getElementById("open").onclick = () => {
  document.getElementById("root").innerHTML = "<form role='dialog'><label>User <input name='username'></label>"
    + "<label>Password <input type='password' name='password'></label><button>Log in</button></form>";
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    document.cookie = "member=1; max-age=99999";
    location.reload();
  };
};
</script>"""


async def test_r38_a_dialog_behind_a_button_is_not_how_the_site_looks_signed_out(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """A later visit presses nothing, so it sees the button and not the form."""
    site.page("/", DIALOG)
    request = LoginRequest(domain=site.domain, login_url=site.url + "/", settings=plain, known=frozenset(STORED))
    outcome = proven(await login(browsers, request, ScriptedHost(STORED)))
    assert outcome.check is not None
    assert await check(browsers, plain, outcome.state, outcome.check) == "ok"
    emptied = replace(outcome.state, storage={**outcome.state.storage, "cookies": []})
    assert await check(browsers, plain, emptied, outcome.check) == "logged_out"


async def test_a_profile_that_is_signed_in_needs_no_login(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    first = proven(await login(browsers, request_for(accounts, plain), ScriptedHost(STORED)))
    host = ScriptedHost()
    request = request_for(accounts, plain, known=frozenset(), state=first.state, login_url=site.url + "/home")
    again = proven(await login(browsers, request, host))
    assert len(accounts.attempts) == 1
    assert host.pauses == []
    assert again.stored == frozenset()


async def test_an_unanswered_question_passes_the_hosts_word_on(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    with pytest.raises(FlowStopped) as stopped:
        await login(browsers, request_for(accounts, plain, known=frozenset()), ScriptedHost())
    assert stopped.value.code is ErrorCode.FLOW_EXPIRED


async def test_logins_run_side_by_side(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    accounts = AccountSite(site)
    outcomes = await asyncio.gather(
        *(login(browsers, request_for(accounts, plain), ScriptedHost(STORED)) for _ in range(4))
    )
    assert all(isinstance(outcome, LoggedIn) for outcome in outcomes)
    assert len({str(outcome.state.storage["cookies"]) for outcome in outcomes if isinstance(outcome, LoggedIn)}) == 4
