"""The demo site as an ASGI application: server-side sessions, a password, a code for some, "trust this browser?"."""

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import pyotp

from authsvc.demo import pages
from authsvc.demo.accounts import ACCOUNTS, Account

COOKIE = "greenhouse"
REMEMBERED_SECONDS = 30 * 86_400
MAX_BODY = 10_000
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Visit:
    """A browser's session. `passed` grows from nothing over "password" and "code" to "in"."""

    email: str = ""
    passed: str = ""
    remember: bool = False
    trusted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTML page, or a way elsewhere."""

    html: str = ""
    location: str = ""
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"


Form: TypeAlias = Mapping[str, str]
visits: dict[str, Visit] = {}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    key, visit = _visit(scope)
    form = await _form(receive) if scope["method"] == "POST" else {}
    answer = _answer(scope["method"], scope["path"], visit, form)
    if scope["method"] == "POST":
        # Signing in or out gives the browser a new name, as any careful site does.
        visits.pop(key, None)
        key = secrets.token_urlsafe(24)
        visits[key] = visit
    await _send(send, answer, key=key, visit=visit)


def _answer(method: str, path: str, visit: Visit, form: Form) -> Answer:
    handler = ROUTES.get((method if method != "HEAD" else "GET", path))
    return handler(visit, form) if handler else Answer(html=pages.missing(), status=HTTPStatus.NOT_FOUND)


def _home(visit: Visit, form: Form) -> Answer:
    return Answer(location="/account") if visit.passed == "in" else Answer(html=pages.home())


def _style(visit: Visit, form: Form) -> Answer:
    return Answer(html=pages.STYLE, content_type="text/css")


def _login_page(visit: Visit, form: Form) -> Answer:
    return Answer(location="/account") if visit.passed == "in" else Answer(html=pages.login())


def _login(visit: Visit, form: Form) -> Answer:
    email = form.get("email", "").strip().lower()
    account = ACCOUNTS.get(email)
    if account is None or not hmac.compare_digest(form.get("password", "").encode(), account.password.encode()):
        error = "The email address or the password is wrong."
        return Answer(html=pages.login(email=email, error=error), status=HTTPStatus.UNAUTHORIZED)
    visit.email, visit.passed, visit.remember = email, "password", "remember" in form
    if account.totp_secret and email not in visit.trusted:
        return Answer(location="/code")
    visit.passed = "in"
    return Answer(location="/account")


def _code_page(visit: Visit, form: Form) -> Answer:
    return Answer(html=pages.code()) if visit.passed == "password" else Answer(location="/login")


def _code(visit: Visit, form: Form) -> Answer:
    if visit.passed != "password":
        return Answer(location="/login")
    given = form.get("code", "").replace(" ", "")
    if not pyotp.TOTP(_account(visit).totp_secret).verify(given, valid_window=1):
        error = "That code is wrong or too old."
        return Answer(html=pages.code(error=error), status=HTTPStatus.UNAUTHORIZED)
    visit.passed = "code"
    return Answer(location="/trust")


def _trust_page(visit: Visit, form: Form) -> Answer:
    return Answer(html=pages.trust()) if visit.passed == "code" else Answer(location="/login")


def _trust(visit: Visit, form: Form) -> Answer:
    if visit.passed != "code":
        return Answer(location="/login")
    if form.get("trust") == "yes":
        visit.trusted.add(visit.email)
    visit.passed = "in"
    return Answer(location="/account")


def _account_page(visit: Visit, form: Form) -> Answer:
    if visit.passed != "in":
        return Answer(location="/login")
    return Answer(html=pages.account(name=_account(visit).name))


def _logout(visit: Visit, form: Form) -> Answer:
    visit.email = visit.passed = ""
    return Answer(location="/")


def _account(visit: Visit) -> Account:
    return ACCOUNTS[visit.email]


ROUTES: dict[tuple[str, str], Callable[[Visit, Form], Answer]] = {
    ("GET", "/"): _home,
    ("GET", "/style.css"): _style,
    ("GET", "/login"): _login_page,
    ("POST", "/login"): _login,
    ("GET", "/code"): _code_page,
    ("POST", "/code"): _code,
    ("GET", "/trust"): _trust_page,
    ("POST", "/trust"): _trust,
    ("GET", "/account"): _account_page,
    ("POST", "/logout"): _logout,
}


def _visit(scope: Scope) -> tuple[str, Visit]:
    """The session that the browser's cookie names, else a new one, kept only once something happens in it."""
    raw = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    try:
        morsel = SimpleCookie(raw.decode("latin-1")).get(COOKIE)
    except CookieError:
        morsel = None
    key = morsel.value if morsel else ""
    return (key, visits[key]) if key in visits else ("", Visit())


async def _form(receive: Receive) -> Form:
    body = b""
    more = True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in pairs.items()}


async def _send(send: Send, answer: Answer, *, key: str, visit: Visit) -> None:
    status = HTTPStatus.SEE_OTHER if answer.location else answer.status
    headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if key:
        headers.append((b"set-cookie", _cookie(key, visit).encode()))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": answer.html.encode()})


def _cookie(key: str, visit: Visit) -> str:
    life = ""
    if visit.remember:
        expires = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + REMEMBERED_SECONDS))
        life = f"; Expires={expires}"
    return f"{COOKIE}={key}; Path=/; HttpOnly; SameSite=Lax{life}"
