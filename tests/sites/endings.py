"""Sites that remember who signed in, in every way there is, and every way in which that ends or seems to end.

An `App` is how a site keeps a session; an `Ending` is what happens to it, or to the site around it, after a login.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from tests.sites.server import Request, Response, SiteServer, as_json, redirect

USER, PASSWORD = "ada", "correct horse 1"
Expected = Literal["ok", "logged_out", "indeterminate"]


class App(StrEnum):
    PAGES = "pages"  # rendered on the server, a redirect to the login page
    QUIET = "quiet"  # as `pages`, with nothing on the page that speaks of an account
    JSON = "json"  # a stranger gets 401 and JSON
    SOFT = "soft"  # a stranger gets 200 and the form at the same address
    OPEN = "open"  # everybody gets the page, a stranger with a link to log in
    FORBIDDEN = "forbidden"  # a stranger gets 403, without a form
    SPA = "spa"  # one empty page; a script asks who is there, by cookie
    TOKEN = "token"
    ROTATING = "rotating"  # a token in a cookie that is good for one visit


NAV = (
    "<nav aria-label=Main><a href=/home>Overview</a> <a href=/projects>Projects</a> <a href=/reports>Reports</a>"
    " <a href=/people>People</a> <a href=/settings>Settings</a></nav>"
)
FORM = (
    "<h1>Log in</h1><form method=post action=/login><p><label for=u>Username</label>"
    " <input id=u name=username autocomplete=username required></p>"
    "<p><label for=p>Password</label> <input id=p type=password name=password required></p>"
    "<button>Log in</button></form>"
)


def document(title: str, body: str) -> str:
    return f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><body>{body}</body></html>"


def application(*, quiet: bool = False) -> str:
    who = "<img alt='' width=20 height=20>" if quiet else f"<span>{USER}</span> <a href=/logout>Log out</a>"
    return document("Board", f"<header>{NAV}{who}</header><main><h1>Overview</h1><p>12 open cards</p></main>")


def script(*, token: bool) -> str:
    """A page that finds out by itself who looks at it."""
    sent = '{headers: {Authorization: "Bearer " + localStorage.getItem("access_token")}}' if token else "{}"
    kept = 'localStorage.setItem("access_token", (await answer.json()).token);' if token else ""
    inside = re.sub(r"\s+", " ", application()).partition("<body>")[2].partition("</body>")[0]
    return document(
        "Board",
        f"""<div id=root>Loading…</div><script>
const root = document.getElementById("root");
async function begin() {{
  const answer = await fetch("/api/me", {sent});
  if (answer.ok) {{ root.innerHTML = `{inside}`; return; }}
  root.innerHTML = `{FORM}`;
  root.querySelector("form").addEventListener("submit", async (event) => {{
    event.preventDefault();
    const body = new URLSearchParams(new FormData(event.target));
    const answer = await fetch("/api/login", {{method: "POST", body}});
    {kept}
    begin();
  }});
}}
begin();
</script>""",
    )


@dataclass(slots=True)
class EndingSite:
    """`trouble` answers everything while it is set."""

    server: SiteServer
    app: App
    trouble: Callable[[Request], Response] | None = None
    password: str = PASSWORD
    notice: str = ""  # above the form
    design: int = 1
    logins: int = 0
    tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.server.on("*", self._answer)

    @property
    def login_url(self) -> str:
        return self.server.url + ("/" if self.app in (App.SPA, App.TOKEN) else "/login")

    def end_sessions(self) -> None:
        self.server.sessions.clear()
        self.tokens.clear()

    def _answer(self, request: Request) -> Response | str:
        if self.trouble is not None:
            return self.trouble(request)
        if request.path == "/api/login" and request.method == "POST":
            return self._api_login(request)
        if request.path == "/api/me":
            return as_json({"name": USER}, 200 if self._signed_in(request) else 401)
        if self.app in (App.SPA, App.TOKEN):
            return script(token=self.app is App.TOKEN)
        if request.path == "/login":
            return self._login(request)
        if request.path == "/" and self.app is not App.OPEN:
            return redirect("/home")
        return self._home(request)

    def _signed_in(self, request: Request) -> bool:
        if self.app is App.TOKEN:
            return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens
        if self.app is App.ROTATING:
            return _cookie(request, "rt") in self.tokens
        return "user" in request.session

    def _right(self, request: Request) -> bool:
        return (request.form.get("username"), request.form.get("password")) == (USER, self.password)

    def _api_login(self, request: Request) -> Response:
        if not self._right(request):
            return as_json({"error": "Wrong username or password"}, 401)
        self.logins += 1
        if self.app is App.TOKEN:
            return as_json({"token": self._token()})
        request.session["user"] = USER
        return as_json({})

    def _token(self) -> str:
        token = secrets.token_urlsafe(12)
        self.tokens.add(token)
        return token

    def _login(self, request: Request) -> Response | str:
        if request.method == "POST":
            if not self._right(request):
                return document("Log in", f"<p role=alert class=error>Wrong username or password</p>{FORM}")
            self.logins += 1
            if self.app is App.ROTATING:
                return redirect("/home", **{"Set-Cookie": f"rt={self._token()}; Path=/; HttpOnly"})
            request.session["user"] = USER
            return redirect("/" if self.app is App.OPEN else "/home")
        return redirect("/home") if self._signed_in(request) else self._form()

    def _form(self) -> str:
        return document("Log in", f"{self.notice}{FORM}")

    def _home(self, request: Request) -> Response | str:
        if self._signed_in(request):
            return self._inside(request)
        if self.app is App.JSON:
            return as_json({"error": "unauthenticated"}, 401)
        if self.app is App.FORBIDDEN:
            return Response(document("Forbidden", "<h1>Forbidden</h1>"), 403)
        if self.app is App.SOFT:
            return self._form()
        if self.app is App.OPEN:
            return document(
                "Board", "<h1>Board</h1><p>Cards for teams.</p><a href=/about>About</a> <a href=/login>Log in</a>"
            )
        return redirect("/login")

    def _inside(self, request: Request) -> Response | str:
        if self.design == 2:
            menu = "<nav><a href=/start>Start</a> <a href=/work>Work</a> <a href=/logout>Log out</a></nav>"
            return document("Board", f"{menu}<main><h1>All new</h1></main>")
        page = application(quiet=self.app is App.QUIET)
        if self.app is not App.ROTATING:
            return page
        self.tokens.discard(_cookie(request, "rt"))
        return Response(page, headers={"Set-Cookie": f"rt={self._token()}; Path=/; HttpOnly"})


def _cookie(request: Request, name: str) -> str:
    found = re.search(rf"(?:^|;\s*){name}=([^;]+)", request.headers.get("cookie", ""))
    return found[1] if found else ""


# --- what happens ------------------------------------------------------------------------------------------------


def revoked(site: EndingSite) -> None:
    site.end_sessions()


def password_changed(site: EndingSite) -> None:
    site.end_sessions()
    site.password = "another one 2"
    site.notice = "<p class=notice>Your password was changed. Log in again.</p>"


def nothing(site: EndingSite) -> None:
    """The session is there."""


def new_design(site: EndingSite) -> None:
    site.design = 2


def _page(title: str, body: str, status: int = 200, **headers: str) -> Callable[[EndingSite], None]:
    def begin(site: EndingSite) -> None:
        site.trouble = lambda _: Response(document(title, body), status, dict(headers))

    return begin


maintenance = _page("Maintenance", "<h1>We'll be right back</h1><p>Board is down for maintenance until 14:00.</p>")
unavailable = _page("503", "<h1>Service Unavailable</h1>", 503)
gateway = _page("502", "<h1>502 Bad Gateway</h1><hr>nginx", 502)
too_many = _page("429", "<h1>Too many requests</h1>", 429, **{"Retry-After": "60"})
geo_block = _page("Not available", "<h1>Not available in your region</h1><p>Sorry.</p>", 403)
legal_block = _page("Unavailable", "<h1>Unavailable for legal reasons</h1>", 451)
captcha = _page(
    "Just a moment",
    "<h1>Are you a robot?</h1><p>Complete the check to go on.</p><form action=/verify method=post>"
    "<div class=g-recaptcha data-sitekey=x style='width:304px;height:78px'>"
    "<iframe title=reCAPTCHA src='about:blank' width=304 height=78></iframe></div><button>Continue</button></form>",
)
blank = _page("", "")


def moved_away(site: EndingSite) -> None:
    """Everything leads to a notice."""

    def answer(request: Request) -> Response:
        if request.path == "/sorry":
            return Response(document("Sorry", "<h1>Sorry</h1><p>We are moving to a new data centre tonight.</p>"))
        return redirect("/sorry")

    site.trouble = answer


@dataclass(frozen=True, slots=True)
class Ending:
    """`takes` the cookies away from the profile as time would; `elsewhere` is a host that does not exist."""

    name: str
    happens: Callable[[EndingSite], None]
    expected: Expected
    apps: tuple[App, ...] = tuple(App)
    takes: bool = False
    elsewhere: bool = False
    closes: bool = False


COOKIES = (App.PAGES, App.QUIET, App.JSON, App.SOFT, App.OPEN, App.FORBIDDEN, App.SPA, App.ROTATING)
ENDINGS = (
    Ending("still signed in", nothing, "ok"),
    Ending("cookie expired", nothing, "logged_out", apps=COOKIES, takes=True),
    Ending("revoked at the server", revoked, "logged_out"),
    Ending("password changed", password_changed, "logged_out"),
    Ending("maintenance page", maintenance, "indeterminate"),
    Ending("sent to a notice", moved_away, "indeterminate"),
    Ending("503", unavailable, "indeterminate"),
    Ending("502", gateway, "indeterminate"),
    Ending("rate limit", too_many, "indeterminate"),
    Ending("geo block", geo_block, "indeterminate"),
    Ending("legal block", legal_block, "indeterminate"),
    Ending("captcha", captcha, "indeterminate"),
    Ending("empty page", blank, "indeterminate"),
    Ending("no such name", nothing, "indeterminate", elsewhere=True),
    Ending("nothing answers", nothing, "indeterminate", closes=True),
    Ending("new design", new_design, "ok", apps=(App.PAGES, App.JSON, App.SOFT)),
)


def without_cookies(storage: dict[str, object]) -> dict[str, object]:
    """The profile's storage after the site's cookies ran out."""
    return {**storage, "cookies": []}
