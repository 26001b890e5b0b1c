"""Sites that say what they refuse in a dialog of their own over the form."""

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest
from flows.engine.login import login
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.server import Request, Response, SiteServer, as_json

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORDS = "You entered an incorrect password"
PAGE = (
    """<!doctype html><title>Console</title><style>
.mask { position: fixed; inset: 0; background: #0006 }
.window { position: fixed; top: 80px; left: 200px; width: 300px; padding: 16px; background: #fff; border: 1px solid }
</style><div id="app"></div><script>
const app = document.getElementById("app");
const inside = () => { app.innerHTML = "<nav><button>Log out</button></nav><h1>Torrents</h1>"; };
const say = () => {
  const box = document.createElement("div");
  box.innerHTML = "<div class='mask'></div><div class='window' role='alertdialog' aria-modal='true'>"
    + "<p class='error'>WORDS</p><button type='button'>OK</button></div>";
  box.querySelector("button").onclick = () => box.remove();
  document.body.append(box);
};
const outside = () => {
  app.innerHTML = "<form><label>User name <input name='user' autocomplete='username'></label>"
    + "<label>Password <input type='password' name='password'></label><button>Log in</button></form>";
  const form = app.querySelector("form");
  form.onsubmit = async (event) => {
    event.preventDefault();
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    form.elements.password.value = "";
    const answer = await fetch("/api/login", {method: "POST", body});
    if (answer.ok) { localStorage.setItem("token", "1"); inside(); } else say();
  };
};
localStorage.getItem("token") ? inside() : outside();
</script>"""
).replace("WORDS", WORDS)


async def test_what_a_closed_dialog_said_reaches_the_person(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    def judge(request: Request) -> Response:
        return as_json({}, 200 if request.json["password"] == "right" else 401)

    site.on("/api/login", judge)
    site.page("/", PAGE)
    host = ScriptedHost({}, Person({"username": ["ada", "ada"], "password": ["wrong", "right"]}, ()))
    request = LoginRequest(domain=site.domain, login_url=site.url + "/", settings=plain)
    outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), (outcome, host.pauses)
    assert [pause.website_error for pause in host.pauses] == [None, WORDS]
