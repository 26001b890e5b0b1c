"""The machinery of the zoo: screens with addresses, real sessions, a record of everything that was submitted."""

import asyncio
import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyotp

from tests.sites.server import Request, Response, SiteServer, as_json, redirect
from tests.sites.zoo import shell
from tests.sites.zoo.shell import PART, Variant

USER, MAIL, PASSWORD, CODE = "ada", "ada@example.com", "correct horse 1", "123456"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass(slots=True)
class Visit:
    """One request to a screen. `error` is the site's word about the last submission."""

    zoo: "Zoo"
    request: Request
    error: str = ""

    @property
    def session(self) -> dict[str, Any]:
        return self.request.session

    @property
    def form(self) -> dict[str, str]:
        return self.request.form

    def note(self, css: str = "error") -> str:
        return f'<div class="{css}" role="alert">{html.escape(self.error)}</div>' if self.error else ""


@dataclass(frozen=True, slots=True)
class Go:
    """The submission leads to this address."""

    path: str


@dataclass(frozen=True, slots=True)
class Stay:
    """The submission is answered with the same screen."""

    error: str = ""


Show = Callable[[Visit], str | Response]
Take = Callable[[Visit], Go | Stay]


@dataclass(slots=True)
class Zoo:
    """A site on `server`. `attempts` are passwords that arrived, `codes` the codes, `taken` every form by path."""

    server: SiteServer
    variant: Variant = Variant.PLAIN
    lang: str = "en"
    partner: "Zoo | None" = None  # its identity provider, or the site it is one for
    attempts: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    taken: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)
    facts: dict[str, Any] = field(default_factory=dict)
    totp: pyotp.TOTP = field(default_factory=lambda: pyotp.TOTP(SEED))

    def __post_init__(self) -> None:
        self.screen("/home", _home)
        self.server.on("/logout", _logout)
        self.server.on("/", lambda request: redirect("/home" if request.session.get("user") else "/login"))
        self.server.on("/status", self._status)

    @property
    def url(self) -> str:
        return self.server.url

    # --- screens ---------------------------------------------------------------------------------------------

    def screen(self, path: str, show: Show, take: Take | None = None, *, title: str = "") -> None:
        """Register one address: `show` gives the markup, `take` answers a POST."""

        def handle(request: Request) -> Response | str:
            visit = Visit(self, request)
            if request.method == "POST" and take is not None:
                self.taken.append((path, request.form))
                answer = take(visit)
                if isinstance(answer, Go):
                    return self._lead(visit, answer.path)
                visit.error = answer.error
            return self._render(visit, path, show, title)

        self.server.on(path, handle)

    def _lead(self, visit: Visit, path: str) -> Response:
        if PART not in visit.request.headers:
            return redirect(path)
        if path.startswith("http"):
            return as_json({"away": path})
        return redirect(path)

    def _render(self, visit: Visit, path: str, show: Show, title: str) -> Response | str:
        scripted = self.variant is not Variant.PLAIN
        if scripted and PART not in visit.request.headers:
            return shell.shell(self.variant, self.lang)
        shown = show(visit)
        if isinstance(shown, Response):
            where = shown.headers.get("Location", "")
            return self._lead(visit, where) if where else shown
        name = title or _heading(shown) or "Example"
        if scripted:
            return shell.part(shown, title=name, path=path)
        return shell.whole(shown, title=name, lang=self.lang)

    def _status(self, request: Request) -> Response:
        """What a waiting page asks every moment."""
        done = self.confirmed.is_set() and "half" in request.session
        if done:
            sign_in(request.session, request.session["half"])
        return as_json({"done": done})

    # --- who is who ------------------------------------------------------------------------------------------

    def password_right(self, name: str, password: str) -> bool:
        self.attempts.append((name, password))
        return name in (USER, MAIL) and password == PASSWORD

    def code_right(self, code: str) -> bool:
        self.codes.append(code)
        return code == CODE or self.totp.verify(code, valid_window=1)


def sign_in(session: dict[str, Any], name: str) -> None:
    session.pop("half", None)
    session["user"] = name


def _heading(markup: str) -> str:
    _, found, rest = markup.partition("<h1>")
    return rest.partition("</h1>")[0] if found else ""


def _home(visit: Visit) -> str | Response:
    who = visit.session.get("user")
    if not who:
        return redirect("/login")
    return f'<h1>Dashboard</h1><p id="who">Signed in as {who}</p><p>3 projects</p><a href="/logout">Log out</a>'


def _logout(request: Request) -> Response:
    request.session.clear()
    return redirect("/login")


def waiting(after: str = "/home") -> str:
    """A page that goes on by itself once something happened elsewhere."""
    return (
        "<script>(async () => { for (;;) { const a = await (await fetch('/status')).json();"
        f" if (a.done) {{ window.go('{after}'); break; }} await new Promise((r) => setTimeout(r, 400)); "
        "} })()</script>"
    )
