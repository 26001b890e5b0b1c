"""Where the form is: in frames of this site and of others, in a dialog."""

from collections.abc import Callable

from tests.sites.server import Request, Response, redirect
from tests.sites.zoo.passwords import WORDS, form, judge, plain
from tests.sites.zoo.site import USER, Stay, Visit, Zoo, sign_in


def framed(zoo: Zoo) -> None:
    """A page whose form is a document of its own in it; signed in, the whole window moves on."""

    def send(request: Request) -> Response:
        answer = judge(Visit(zoo, request))
        if isinstance(answer, Stay):
            return redirect("/frame?error=1")
        return Response("<script>top.location.href='/home'</script>")

    _frame(zoo, "/frame", send)
    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Customer portal</h1><p>Opening hours and news.</p><iframe src='/frame' title='Login' width='360' "
            "height='320'></iframe>"
        ),
    )


def foreign_frame(zoo: Zoo) -> None:
    """The form comes from another host, which tells the page around it how it went."""
    partner = zoo.partner
    if partner is None:
        raise ValueError("needs a host for the frame")

    def send(request: Request) -> Response:
        if not partner.password_right(request.form.get("username", ""), request.form.get("password", "")):
            return redirect("/frame?error=1")
        return Response("<script>top.postMessage('ticket','*')</script><p>One moment…</p>")

    def callback(request: Request) -> Response:
        sign_in(request.session, USER)
        return redirect("/home")

    _frame(partner, "/frame", send)
    zoo.server.on("/callback", callback)
    zoo.screen(
        "/login",
        lambda visit: (
            f"<h1>Sign in</h1><iframe src='{partner.url}/frame' title='Sign in' width='360' height='320'></iframe>"
            "<script>addEventListener('message',(e)=>{if(e.data==='ticket')location.href='/callback'})</script>"
        ),
    )


def _frame(zoo: Zoo, path: str, send: Callable[[Request], Response]) -> None:
    def show(request: Request) -> str:
        note = f"<p role='alert'>{WORDS['en'][4]}</p>" if "error" in request.query else ""
        return (
            f"<!doctype html><title>Sign in</title>{note}<form method='post' action='{path}-send'><label>Username "
            "<input name='username'></label><label>Password <input type='password' name='password'></label>"
            "<button>Sign in</button></form>"
        )

    zoo.server.on(path, show)
    zoo.server.on(f"{path}-send", send)


def dialog(zoo: Zoo) -> None:
    """A start page with a button; the form is in a dialog that was in the document all along."""
    plain(zoo)
    zoo.screen(
        "/",
        lambda visit: (
            "<header><a href='/'>Acme</a> <input type='search' placeholder='Search products'> <button type='button' "
            "class='open'>Log in</button></header><h1>Garden chairs</h1><p>Twelve chairs in four colours.</p>"
            f"<form action='/news'><input type='email' placeholder='Your email'><button>Subscribe</button></form>"
            f"<dialog>{form(visit)}</dialog>"
            "<script>ui.querySelector('.open').addEventListener('click',()=>ui.querySelector('dialog').showModal())"
            "</script>"
        ),
    )
