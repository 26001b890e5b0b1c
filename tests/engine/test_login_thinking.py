"""Pages whose script works for a while before it sends what was typed: it hashes a password, solves a puzzle."""

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest
from flows.engine.judging import UNHEARD_SECONDS
from flows.engine.login import login
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.server import Request, Response, SiteServer, as_json

pytestmark = pytest.mark.asyncio(loop_scope="session")
STORED = {"email": "ada@site.test", "password": "engine-no-1"}

PAGE = """<!doctype html><title>Vault</title><div id="app"></div><script>
const app = document.getElementById("app");
const inside = () => { app.innerHTML = "<nav><button>Log out</button></nav><h1>My vault</h1>"; };
const outside = () => {
  app.innerHTML = "<form><fieldset><label>Email <input type='email' name='email'></label>"
    + "<label>Password <input type='password' name='password'></label><button>Log in</button></fieldset></form>";
  const form = app.querySelector("form");
  form.onsubmit = async (event) => {
    event.preventDefault();
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    SHOWN
    await new Promise((done) => setTimeout(done, DELAY));
    if ((await fetch("/api/login", {method: "POST", body})).ok) { localStorage.setItem("token", "1"); inside(); }
  };
};
localStorage.getItem("token") ? inside() : outside();
</script>"""


@pytest.mark.parametrize(
    "shown",
    ["", "form.querySelector('button').disabled = true;", "form.querySelector('fieldset').disabled = true;"],
    ids=["nothing", "a disabled button", "disabled fields"],
)
async def test_r16_what_a_script_still_works_on_is_sent_once(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, shown: str
) -> None:
    sent: list[dict[str, str]] = []

    def judge(request: Request) -> Response:
        sent.append(request.json)
        return as_json({}, 200 if request.json == STORED else 401)

    site.on("/api/login", judge)
    site.page("/", PAGE.replace("SHOWN", shown).replace("DELAY", str(int(UNHEARD_SECONDS * 1000) + 800)))
    host = ScriptedHost(STORED)
    request = LoginRequest(domain=site.domain, login_url=site.url + "/", settings=plain, known=frozenset(STORED))
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert sent == [STORED]
    assert host.pauses == []


async def test_words_that_no_rule_knows_reach_the_person(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """Neither red nor an alert, in a language that is in no table: what is new beside the form is what it says."""
    words = "Aingeru honek ez du hegorik"
    site.on("/api/login", lambda request: as_json({}, 200 if request.json == STORED else 401))
    told = f"document.querySelector('form').insertAdjacentHTML('beforeend', '<p>{words}</p>'); "
    script = PAGE.replace("inside(); }\n  };", f"inside(); }} else {told}\n  }};")
    site.page("/", script.replace("SHOWN", "").replace("DELAY", "0"))
    host = ScriptedHost(
        {**STORED, "password": "wrong"}, Person({"email": [STORED["email"]], "password": [STORED["password"]]})
    )
    request = LoginRequest(domain=site.domain, login_url=site.url + "/", settings=plain, known=frozenset(STORED))
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert [pause.website_error for pause in host.pauses] == [words]


async def test_r16_words_that_go_away_with_the_next_try_are_no_answer_to_it(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    sent: list[str] = []

    def judge(request: Request) -> Response:
        sent.append(request.json["password"])
        return as_json({}, 200 if request.json == STORED else 401)

    site.on("/api/login", judge)
    told = "app.insertAdjacentHTML('beforeend', '<p role=alert>Wrong password.</p>');"
    script = PAGE.replace("inside(); }\n  };", f"inside(); }} else {told}\n  }};")
    shown = "const old = app.querySelector('[role=alert]'); if (old) old.remove();"
    site.page("/", script.replace("SHOWN", shown).replace("DELAY", "4000"))
    person = Person({"email": [STORED["email"]], "password": [STORED["password"]]})
    host = ScriptedHost({**STORED, "password": "wrong"}, person)
    request = LoginRequest(domain=site.domain, login_url=site.url + "/", settings=plain, known=frozenset(STORED))
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert sent == ["wrong", STORED["password"]]
    assert [pause.website_error for pause in host.pauses] == ["Wrong password."]
