"""A site with accounts: one configurable behaviour after another, sessions on the server.

The pages are what common frameworks and applications make of a login, not what our rules look for.
"""

import html
from dataclasses import dataclass, field
from enum import StrEnum

from tests.sites.server import Request, Response, SiteServer, as_json, redirect

USER, PASSWORD, CODE = "ada", "correct horse 1", "123456"


class Form(StrEnum):
    ONE_PAGE = "one_page"
    IDENTIFIER_FIRST = "identifier_first"
    SCRIPT = "script"  # a single-page application
    FRAME = "frame"


class Keeps(StrEnum):
    """Where a single-page application keeps its token."""

    LOCAL = "localStorage"
    SESSION = "sessionStorage"
    MEMORY = "memory"


class Second(StrEnum):
    NONE = "none"
    APP = "app"
    MAIL = "mail"
    BOXES = "boxes"


@dataclass(slots=True)
class Behaviour:
    form: Form = Form.ONE_PAGE
    second: Second = Second.NONE
    trust: bool = False  # "Trust this browser?" after the second factor
    keeps: Keeps = Keeps.LOCAL
    error: str = "Sorry, username or password was wrong."
    locked_after: int = 99
    action: str = "/login"
    before_form: str = ""  # markup above the form


def document(title: str, body: str) -> str:
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title></head>"
    return f"{head}<body>{body}</body></html>"


@dataclass(slots=True)
class AccountSite:
    """Registers its pages on `server`. `attempts` are the passwords that arrived, `codes` the codes."""

    server: SiteServer
    behaviour: Behaviour = field(default_factory=Behaviour)
    attempts: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    ticked: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        on = self.server.on
        on("/", self._start)
        on("/login", self._login)
        on("/password", self._password)
        on("/code", self._code)
        on("/trust", self._trust)
        on("/home", self._home)
        on("/logout", self._logout)
        on("/api/session", self._api_session)
        on("/api/me", self._api_me)
        on("/frame", lambda request: document("Frame", self._fields("")))

    @property
    def login_url(self) -> str:
        return self.server.url + "/login"

    # --- pages -----------------------------------------------------------------------------------------------

    def _start(self, request: Request) -> Response | str:
        who = request.session.get("user")
        if who:
            return document("Notes", f"<p>Signed in as {who}</p><a href=/logout>Log out</a>")
        return document("Notes", '<h1>Notes</h1><nav><a href="/about">About</a> <a href="/login">Log in</a></nav>')

    def _login(self, request: Request) -> Response | str:
        if self.behaviour.form is Form.SCRIPT:
            return document("Notes", application(self.behaviour.keeps))
        if request.method == "POST":
            return self._posted(request)
        if self.behaviour.form is Form.FRAME:
            return document("Log in", "<h1>Log in</h1><iframe src=/frame width=400 height=300></iframe>")
        return self._form("")

    def form_alone(self) -> str:
        """The form without a page around it."""
        return self._fields("")

    def _form(self, error: str) -> str:
        return document("Log in", f"<h1>Log in</h1>{self.behaviour.before_form}{self._fields(error)}")

    def _fields(self, error: str) -> str:
        note = f'<div class="alert error" role="alert">{html.escape(error)}</div>' if error else ""
        password = "<p><label for=p>Password</label> <input id=p type=password name=password required></p>"
        if self.behaviour.form is Form.IDENTIFIER_FIRST:
            password = ""
        remember = "<p><label><input type=checkbox name=remember value=1> Remember me</label></p>"
        return (
            f'{note}<form method=post action="{self.behaviour.action}" target="_top">'
            "<p><label for=u>Username</label> <input id=u name=username autocomplete=username required></p>"
            f"{password}{remember}<button type=submit>Log in</button></form>"
        )

    def _posted(self, request: Request) -> Response | str:
        form = request.form
        self.ticked.append("remember" in form)
        if self.behaviour.form is Form.IDENTIFIER_FIRST:
            if form.get("username") != USER:
                return self._form("We don't know that username.")
            request.session["name"] = form["username"]
            return redirect("/password")
        return self._judge(request, form.get("username", ""), form.get("password", "")) or self._form(self._said())

    def _password(self, request: Request) -> Response | str:
        note = ""
        if request.method == "POST":
            answer = self._judge(request, str(request.session.get("name", "")), request.form.get("password", ""))
            if answer is not None:
                return answer
            note = f"<p class=error role=alert>{html.escape(self._said())}</p>"
        name = html.escape(str(request.session.get("name", "")))
        return document(
            "Log in",
            f"<h1>Welcome</h1><p>{name}</p>{note}<form method=post><label>Password "
            "<input type=password name=password autocomplete=current-password></label><button>Next</button></form>",
        )

    def _said(self) -> str:
        if len(self.attempts) >= self.behaviour.locked_after:
            return "Your account has been locked. Too many failed attempts."
        return self.behaviour.error

    def _judge(self, request: Request, name: str, password: str) -> Response | None:
        self.attempts.append((name, password))
        if (name, password) != (USER, PASSWORD) or len(self.attempts) > self.behaviour.locked_after:
            return None
        if self.behaviour.second is Second.NONE:
            request.session["user"] = name
            return redirect("/home")
        request.session["half"] = name
        return redirect("/code")

    def _code(self, request: Request) -> Response | str:
        note = ""
        if request.method == "POST":
            code = request.form.get("code") or "".join(request.form.get(f"d{n}", "") for n in range(6))
            self.codes.append(code)
            if code == CODE and "half" in request.session:
                if self.behaviour.trust:
                    return redirect("/trust")
                request.session["user"] = request.session.pop("half")
                return redirect("/home")
            note = "<p class=error role=alert>Incorrect code.</p>"
        return document("Verification", f"<h1>Two-step verification</h1>{note}{code_form(self.behaviour.second)}")

    def _trust(self, request: Request) -> Response | str:
        if request.method == "POST" and "half" in request.session:
            request.session["user"] = request.session.pop("half")
            return redirect("/home")
        return document(
            "Trust this browser?",
            "<h1>Trust this browser?</h1><p>If you choose to trust this browser, you will not be asked for a "
            "verification code the next time you sign in.</p><form method=post><button name=t value=1>Trust for 14 "
            "days</button> <button name=t value=0>Don't trust</button></form>",
        )

    def _home(self, request: Request) -> Response | str:
        who = request.session.get("user")
        if not who:
            return redirect("/login")
        return document("Home", f"<h1>Home</h1><p id=who>Signed in as {who}</p><a href=/logout>Log out</a>")

    def _logout(self, request: Request) -> Response:
        request.session.clear()
        return redirect("/login")

    # --- the single-page application -------------------------------------------------------------------------

    def _api_session(self, request: Request) -> Response:
        given = request.json
        self.attempts.append((given["username"], given["password"]))
        if (given["username"], given["password"]) != (USER, PASSWORD):
            return as_json({"error": self.behaviour.error}, 401)
        return as_json({"token": "token-of-ada"})

    def _api_me(self, request: Request) -> Response:
        known = request.headers.get("authorization") == "Bearer token-of-ada"
        return as_json({"user": USER} if known else {}, 200 if known else 401)


def code_form(second: Second) -> str:
    if second is Second.BOXES:
        boxes = "".join(
            f'<input name=d{n} maxlength=1 size=1 inputmode=numeric aria-label="Digit {n + 1}">' for n in range(6)
        )
        move = (
            "<script>const b=[...document.querySelectorAll('input')];b.forEach((e,i)=>e.addEventListener('input',()=>"
            "{if(e.value&&b[i+1])b[i+1].focus(); if(b.every(x=>x.value))document.forms[0].submit()}))</script>"
        )
        return f"<p>Enter the 6-digit code</p><form method=post>{boxes}</form>{move}"
    again = '<p><a href="/code?again=1">Resend code</a></p>' if second is Second.MAIL else ""
    hint = (
        "<p>We sent a code to a***@example.com. Enter it below.</p>"
        if second is Second.MAIL
        else "<p>Enter the code from your authenticator app.</p>"
    )
    return (
        f"{hint}<form method=post><label for=c>Code</label> "
        f"<input id=c name=code autocomplete=one-time-code inputmode=numeric><button>Verify</button></form>{again}"
    )


def application(keeps: Keeps) -> str:
    """Builds its dialog by script, holds what is typed in its own state as React does, talks JSON."""
    page = """<div id=root>Loading…</div><script>
const KEEPS = "@@";
let memory = null;
const store = KEEPS === "memory" ? {get: () => memory, set: (t) => { memory = t; }}
  : {get: () => window[KEEPS].getItem("token"), set: (t) => window[KEEPS].setItem("token", t)};
const root = document.getElementById("root");
function show(error) {
  const state = {username: "", password: ""};
  root.innerHTML = '<div class="dialog" role="dialog"><h2>Sign in</h2><p class="login-error"></p>'
    + '<div><label for="f1">Username</label><input id="f1" type="text"></div>'
    + '<div><label for="f2">Password</label><input id="f2" type="password"></div>'
    + '<button type="button" disabled>Sign in</button></div>';
  root.querySelector(".login-error").textContent = error || "";
  const button = root.querySelector("button");
  const fields = {username: root.querySelector("#f1"), password: root.querySelector("#f2")};
  for (const [name, field] of Object.entries(fields)) {
    field.addEventListener("input", () => {
      state[name] = field.value;
      button.disabled = !(state.username && state.password);
    });
    field.addEventListener("blur", () => { if (field.value !== state[name]) field.value = state[name]; });
  }
  button.addEventListener("click", async () => {
    const answer = await fetch("/api/session", {method: "POST", body: JSON.stringify(state)});
    const data = await answer.json();
    if (!answer.ok) return show(data.error);
    store.set(data.token);
    begin();
  });
}
async function begin() {
  const token = store.get();
  if (!token) return show();
  const answer = await fetch("/api/me", {headers: {Authorization: "Bearer " + token}});
  if (!answer.ok) return show();
  const me = await answer.json();
  root.innerHTML = '<header><button id="user-menu" aria-haspopup="menu">' + me.user
    + '</button> <button id="out">Sign out</button></header><main><h1>Board</h1></main>';
}
begin();
</script>"""
    return page.replace("@@", keeps.value)
