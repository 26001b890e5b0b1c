"""Logins that go over a websocket: no request tells when the site has judged what it was sent."""

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, LoggedIn, LoginRequest
from flows.engine.login import login
from flows.engine.tabs import PATIENCE
from tests.engine.hosts import Person, ScriptedHost
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
USER, PASSWORD = "ada", "engine-no-1"

PAGE = """<!doctype html><title>Monitor</title><div id="app"></div><script>
const app = document.getElementById("app");
const inside = () => {
  app.innerHTML = "<nav><a href='/settings'>Settings</a> <button id='out'>Log out</button></nav><h1>Dashboard</h1>";
};
const outside = () => {
  app.innerHTML = "<form><label>Username <input name='username' autocomplete='username'></label>"
    + "<label>Password <input name='password' type='password' autocomplete='current-password'></label>"
    + "<button>Login</button><div role='alert' id='said'></div></form>";
  const socket = new WebSocket("ws://SOCKET/");
  socket.onmessage = (event) => {
    const answer = JSON.parse(event.data);
    if (answer.token) { localStorage.setItem("token", answer.token); inside(); }
    else document.getElementById("said").textContent = answer.error;
  };
  app.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    socket.send(JSON.stringify(Object.fromEntries(new FormData(event.target))));
  };
};
localStorage.getItem("token") ? inside() : outside();
</script>"""


async def test_an_answer_over_a_socket_is_waited_for(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """A slow right answer is no refusal, and a wrong one is told in the site's words."""
    tried: list[str] = []

    async def judge(socket: ServerConnection) -> None:
        async for message in socket:
            sent = json.loads(message)
            tried.append(sent["password"])
            await asyncio.sleep(2 * PATIENCE)
            right = sent == {"username": USER, "password": PASSWORD}
            await socket.send(json.dumps({"token": "t1"} if right else {"error": "Incorrect username or password."}))

    async with serve(judge, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        site.page("/", PAGE.replace("SOCKET", f"127.0.0.1:{port}"))
        host = ScriptedHost(
            {"username": USER, "password": "wrong"}, Person({"username": [USER], "password": [PASSWORD]})
        )
        request = LoginRequest(
            domain=site.domain, login_url=site.url + "/", settings=plain, known=frozenset({"username", "password"})
        )
        outcome = await login(browsers, request, host)
    assert isinstance(outcome, LoggedIn), outcome
    assert tried == ["wrong", PASSWORD]
    assert [pause.website_error for pause in host.pauses] == ["Incorrect username or password."]
