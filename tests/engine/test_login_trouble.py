"""Sites in trouble and sites that make trouble: every one ends in a clear state in bounded time."""

import asyncio
import contextlib
import datetime
import os
import signal
import ssl
import time
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flows.engine import tabs
from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings, ErrorCode, Failed, LoggedIn, LoginRequest, Outcome
from flows.engine.errors import BrowserLost
from flows.engine.login import login
from tests.engine.conftest import options
from tests.engine.hosts import ScriptedHost, TestSecret, WaitingHost
from tests.sites.accounts import PASSWORD, USER, AccountSite, Behaviour, Second, document
from tests.sites.server import Request, Response, SiteServer, redirect

pytestmark = pytest.mark.asyncio(loop_scope="session")
STORED = {"username": USER, "password": PASSWORD}


def request_for(site: SiteServer, settings: BrowserSettings, **changes: object) -> LoginRequest:
    values = {
        "domain": site.domain,
        "login_url": site.url + "/login",
        "settings": settings,
        "known": frozenset(STORED),
    }
    return LoginRequest(**(values | changes))  # type: ignore[arg-type] # one helper for fields of several types


async def end_of(browsers: Browsers, request: LoginRequest, *, seconds: float = 40) -> Outcome:
    async with asyncio.timeout(seconds):
        return await login(browsers, request, ScriptedHost(STORED))


def code_of(outcome: Outcome) -> ErrorCode:
    assert isinstance(outcome, Failed), outcome
    assert "?" not in outcome.message
    return outcome.code


async def test_a_site_that_is_not_there(browsers: Browsers, plain: BrowserSettings) -> None:
    async with SiteServer() as gone:
        request = request_for(gone, plain)
    outcome = await end_of(browsers, request)
    assert code_of(outcome) is ErrorCode.SITE_UNREACHABLE
    assert isinstance(outcome, Failed)
    assert outcome.message == "The server refused the connection."


async def test_a_name_that_does_not_exist(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    outcome = await end_of(browsers, request_for(site, plain, domain="nothing.invalid", login_url=None))
    assert code_of(outcome) is ErrorCode.SITE_UNREACHABLE


async def test_r30_a_private_address_is_not_reached(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    outcome = await end_of(browsers, request_for(site, plain, domain="10.1.2.3", login_url="http://10.1.2.3/login"))
    assert code_of(outcome) is ErrorCode.SITE_UNREACHABLE
    assert isinstance(outcome, Failed)
    assert "private address" in outcome.message


async def test_r30_a_page_cannot_reach_private_addresses_either(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """Subresources, fetches and websockets leave through the same guard."""
    site.page("/", "<h1>start</h1>")
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        tried = await session.page.evaluate(
            """async () => {
              const socket = new Promise((done) => {
                const it = new WebSocket("ws://127.0.0.2:8085/");
                it.onopen = () => done("open"); it.onerror = () => done("refused");
              });
              const fetched = fetch("http://169.254.169.254/latest", {mode: "no-cors"})
                .then((answer) => "answer " + answer.type, () => "refused");
              return [await socket, await fetched];
            }"""
        )
        assert tried[0] == "refused"
        assert session.egress.trouble("127.0.0.2") == "127.0.0.2 is at a private address"
        assert session.egress.trouble("169.254.169.254") == "169.254.169.254 is at a private address"


async def test_a_site_that_never_answers(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(request: Request) -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(tabs, "VISIT_SECONDS", 1.5)
    site.on("/login", never)
    outcome = await end_of(browsers, request_for(site, plain), seconds=10)
    assert code_of(outcome) is ErrorCode.SITE_UNREACHABLE


async def test_redirects_in_circles(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.on("/login", lambda _: redirect("/login"))
    assert code_of(await end_of(browsers, request_for(site, plain))) is ErrorCode.SITE_UNREACHABLE


async def test_a_page_that_reloads_for_ever(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs, "VISIT_SECONDS", 3)
    site.page("/login", "<!doctype html><title>x</title><script>location.reload()</script>")
    outcome = await end_of(browsers, request_for(site, plain))
    assert code_of(outcome) in (ErrorCode.SITE_UNREACHABLE, ErrorCode.LOGIN_PAGE_NOT_FOUND)


async def test_a_download_instead_of_a_page(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename=x.bin"}
    site.on("/login", lambda _: Response(b"x" * 100, headers=headers))
    assert code_of(await end_of(browsers, request_for(site, plain))) is ErrorCode.SITE_UNREACHABLE


async def test_http_authentication(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.on("/login", lambda _: Response("no", 401, {"WWW-Authenticate": 'Basic realm="x"'}))
    assert code_of(await end_of(browsers, request_for(site, plain))) is ErrorCode.UNSUPPORTED_AUTH_METHOD


async def test_a_page_without_a_login(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/login", document("Notes", "<h1>Notes</h1><p>Nothing to see here.</p>"))
    assert code_of(await end_of(browsers, request_for(site, plain))) is ErrorCode.LOGIN_PAGE_NOT_FOUND


async def test_a_site_without_a_login(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/", document("Notes", "<h1>Notes</h1><p>Nothing to see here.</p>"))
    outcome = await end_of(browsers, request_for(site, plain, login_url=None))
    assert code_of(outcome) is ErrorCode.LOGIN_PAGE_NOT_FOUND


async def test_a_server_error(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.on("/login", lambda _: Response(document("Error", "<h1>500 Internal Server Error</h1>"), 500))
    outcome = await end_of(browsers, request_for(site, plain))
    assert code_of(outcome) in (ErrorCode.LOGIN_PAGE_NOT_FOUND, ErrorCode.SITE_UNREACHABLE)


async def test_alerts_popups_and_leave_questions_do_not_stop_a_login(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    accounts = AccountSite(site)
    accounts.behaviour.before_form = (
        "<script>alert('hello'); confirm('really?');"
        "addEventListener('beforeunload', (e) => { e.preventDefault(); e.returnValue = 'stay'; });"
        "document.addEventListener('click', () => window.open('/about', '_blank'));</script>"
    )
    outcome = await end_of(browsers, request_for(site, plain))
    assert isinstance(outcome, LoggedIn)
    assert accounts.attempts == [(USER, PASSWORD)]


async def test_a_tls_error(browsers: Browsers, plain: BrowserSettings, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    async with SiteServer(tls=context) as site:
        site.page("/login", "x")
        outcome = await end_of(browsers, request_for(site, plain))
    assert code_of(outcome) is ErrorCode.SITE_UNREACHABLE
    assert isinstance(outcome, Failed)
    assert outcome.message == "The site's certificate is not valid."


def self_signed(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


async def test_a_captcha_is_handed_over_and_ends_clearly(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page(
        "/login",
        document(
            "Security check",
            "<h1>Are you a robot?</h1><p>Please complete the security check to continue.</p>"
            '<div class="g-recaptcha" data-sitekey="x" style="width:304px;height:78px;background:#eee">'
            '<iframe title="reCAPTCHA" width=304 height=78></iframe></div>',
        ),
    )
    host = ScriptedHost(STORED)
    outcome = await login(browsers, request_for(site, plain), host)
    assert code_of(outcome) in (ErrorCode.CAPTCHA_BLOCKED, ErrorCode.BOT_DETECTED)
    assert host.pauses[0].instruction


async def test_an_external_action_goes_on_when_the_page_does(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """The site waits for a tap on a phone and polls; nobody answers the pause."""
    accounts = AccountSite(site)
    approved = asyncio.Event()

    def waiting(request: Request) -> str:
        script = (
            "<script>setInterval(async () => { const a = await fetch('/approved');"
            " if (a.ok) location = '/go'; }, 200)</script>"
        )
        return document(
            "Approve sign in",
            "<h1>Approve sign in request</h1><p>Check your phone. We sent a notification "
            f"to your device. Tap Yes, and match the number 42.</p>{script}",
        )

    def go(request: Request) -> Response:
        request.session["user"] = USER
        return redirect("/home")

    site.on("/code", waiting)
    site.on("/approved", lambda _: Response("", 200 if approved.is_set() else 404))
    site.on("/go", go)
    accounts.behaviour.second = Second.APP
    host = WaitingHost(STORED)
    running = asyncio.create_task(login(browsers, request_for(site, plain), host))
    async with asyncio.timeout(20):
        await host.asked.wait()
    assert host.pauses[0].instruction
    approved.set()
    async with asyncio.timeout(20):
        assert isinstance(await running, LoggedIn)


async def test_a_browser_that_dies_wakes_its_logins_and_is_replaced(plain: BrowserSettings, site: SiteServer) -> None:
    AccountSite(site)
    browsers = Browsers(options())
    await browsers.start()
    try:
        host = WaitingHost()
        running = asyncio.create_task(login(browsers, request_for(site, plain, known=frozenset()), host))
        async with asyncio.timeout(20):
            await host.asked.wait()
        kill_browser(browsers)
        async with asyncio.timeout(10):
            with pytest.raises(BrowserLost):
                await running
        assert isinstance(await end_of(browsers, request_for(site, plain)), LoggedIn)
    finally:
        await browsers.close()


async def test_a_browser_that_answers_no_more_ends_the_login(
    plain: BrowserSettings, site: SiteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.engine.attempt.STEP_SECONDS", 8.0)
    browsers = Browsers(options(spares=0))
    AccountSite(site, Behaviour())

    class Stopping(ScriptedHost):
        async def reveal_stored(self, name: str, *, origin: str) -> TestSecret:
            kill_browser(browsers, signal.SIGSTOP)
            return await super().reveal_stored(name, origin=origin)

    try:
        async with asyncio.timeout(60):
            with pytest.raises(BrowserLost, match="did not answer"):
                await login(browsers, request_for(site, plain), Stopping(STORED))
    finally:
        await browsers.close()


async def test_a_driver_that_is_gone_wakes_who_waits_and_is_replaced(plain: BrowserSettings, site: SiteServer) -> None:
    before = drivers()
    browsers = Browsers(options(spares=0, idle_seconds=1.0))
    await browsers.start()
    AccountSite(site, Behaviour())
    host = WaitingHost()
    try:
        running = asyncio.create_task(login(browsers, request_for(site, plain, known=frozenset()), host))
        async with asyncio.timeout(20):
            await host.asked.wait()
        for pid in drivers() - before:
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            with pytest.raises(BrowserLost):
                await running
        assert isinstance(await end_of(browsers, request_for(site, plain)), LoggedIn)
    finally:
        await browsers.close()


def drivers() -> set[int]:
    """The drivers' helper processes."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "run-driver" in process.cmdline():
                found.add(process.pid)
    return found


def kill_browser(browsers: Browsers, number: signal.Signals = signal.SIGKILL) -> None:
    """End the one browser process of `browsers` the hard way, as the kernel does when memory runs out."""
    (process,) = browsers._processes.values()
    os.kill(process._pid, number)


async def test_a_login_is_canceled_at_once(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    AccountSite(site, Behaviour())
    host = WaitingHost()
    running = asyncio.create_task(login(browsers, request_for(site, plain, known=frozenset()), host))
    async with asyncio.timeout(20):
        await host.asked.wait()
    started = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - started < 3
