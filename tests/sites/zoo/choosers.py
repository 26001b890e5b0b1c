"""Pages that ask which account, which organization, which provider; and the provider's own pages."""

from tests.sites.server import Response, redirect
from tests.sites.zoo.passwords import form, judge, plain
from tests.sites.zoo.site import MAIL, USER, Go, Stay, Visit, Zoo, sign_in


def account_picker(zoo: Zoo) -> None:
    """The browser is known: which of its accounts?"""
    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Choose an account</h1><p>to continue to Example</p><ul>"
            "<li><div class='row' role='link' tabindex='0' onclick=\"window.go('/password')\"><div>Ada Lovelace</div>"
            f"<div>{MAIL}</div></div></li><li><div class='row' role='link' tabindex='0' "
            "onclick=\"window.go('/other')\">"
            "<div>Grace Hopper</div><div>grace@example.com</div></div></li><li><div class='row' role='link' "
            "tabindex='0' "
            "onclick=\"window.go('/other')\"><div>Use another account</div></div></li></ul>"
        ),
    )

    def take(visit: Visit) -> Go | Stay:
        if not visit.zoo.password_right(MAIL, visit.form.get("Passwd", "")):
            return Stay("Wrong password. Try again or click Forgot password to reset it.")
        sign_in(visit.session, MAIL)
        return Go("/home")

    zoo.screen(
        "/password",
        lambda visit: (
            f"<h1>Welcome</h1><div>{MAIL}</div>{visit.note()}<form method='post'><input type='password' name='Passwd' "
            "aria-label='Enter your password' autocomplete='current-password'><label><input type='checkbox'> "
            "Show password"
            "</label><p><button>Next</button></p></form>"
        ),
        take,
    )
    zoo.screen("/other", lambda visit: form(visit).replace("action='/login'", ""), judge)


def organization_picker(zoo: Zoo) -> None:
    plain(zoo, then="/organizations")

    def take(visit: Visit) -> Go | Stay:
        visit.zoo.facts["organization"] = visit.form.get("organization")
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen(
        "/organizations",
        lambda visit: (
            "<h1>Select your organization</h1><p>You are a member of several organizations.</p><form method='post'>"
            "<button class='row' name='organization' value='acme'>Acme Inc</button>"
            "<button class='row' name='organization' value='globex'>Globex Corporation</button></form>"
        ),
        take,
    )


def sso(zoo: Zoo, *, popup: bool = False) -> None:
    """A form of its own and a provider's button, by redirect or in a window."""
    partner = zoo.partner
    if partner is None:
        raise ValueError("needs an identity provider")
    back = f"{zoo.url}/callback{'?popup=1' if popup else ''}"
    start = f"{partner.url}/authorize?to={back}"
    zoo.server.on("/callback", lambda request: _returned(request.query, request.session, popup))
    zoo.server.on("/auth/acme", lambda request: redirect(start))
    opens = (
        "<button type='button' onclick=\"window.open('/auth/acme','acme','width=480,height=600')\">Sign in with Acme ID"
        "</button><script>addEventListener('message',(e)=>{if(e.data==='signed-in')location.href='/home'})</script>"
        if popup
        else "<a class='row' href='/auth/acme' target='_self'>Sign in with Acme ID</a>"
    )
    plain(zoo, before=f"{opens}<p>or</p>")
    provider(partner)


def _returned(query: dict[str, str], session: dict[str, object], popup: bool) -> Response:
    if query.get("ticket") == "good":
        session["user"] = USER
    if popup:
        return Response("<script>opener.postMessage('signed-in','*');window.close()</script>")
    return redirect("/home")


def provider(zoo: Zoo) -> None:
    """An identity provider: name, password, code, consent, back to whoever sent the visitor."""

    def authorize(visit: Visit) -> Response:
        visit.session["to"] = visit.request.query.get("to", "")
        return redirect("/consent" if visit.session.get("user") else "/login")

    zoo.screen("/authorize", authorize)

    def name_taken(visit: Visit) -> Go | Stay:
        visit.session["name"] = visit.form.get("identifier", "")
        return Go("/pwd") if visit.session["name"] in (USER, MAIL) else Stay("Couldn’t find your Acme account")

    zoo.screen(
        "/login",
        lambda visit: (
            f"<h1>Sign in</h1><p>Use your Acme ID</p>{visit.note()}<form method='post'><input type='text' "
            "name='identifier' autocomplete='username' aria-label='Email or phone'><p><a href='/forgot'>Forgot "
            "email?</a>"
            "</p><button type='submit'><span>Next</span></button></form>"
        ),
        name_taken,
    )

    def password_taken(visit: Visit) -> Go | Stay:
        if not zoo.password_right(str(visit.session.get("name")), visit.form.get("Passwd", "")):
            return Stay("Wrong password. Try again.")
        return Go("/otp")

    zoo.screen(
        "/pwd",
        lambda visit: (
            f"<h1>Welcome</h1><p>{visit.session.get('name')}</p>{visit.note()}<form method='post'><input "
            "type='password' "
            "name='Passwd' aria-label='Enter your password'><button type='submit'><span>Next</span></button></form>"
        ),
        password_taken,
    )

    def code_taken(visit: Visit) -> Go | Stay:
        if not zoo.code_right(visit.form.get("totpPin", "")):
            return Stay("Wrong code. Try again.")
        visit.session["user"] = USER
        return Go("/consent")

    zoo.screen(
        "/otp",
        lambda visit: (
            f"<h1>2-Step Verification</h1><p>Get a verification code from the Authenticator app</p>{visit.note()}"
            "<form method='post'><input type='tel' name='totpPin' aria-label='Enter code'><button>Next</button></form>"
        ),
        code_taken,
    )

    def consented(visit: Visit) -> Go | Stay:
        zoo.facts["consent"] = visit.form.get("do")
        to = str(visit.session.get("to", ""))
        sign = "&" if "?" in to else "?"
        return Go(f"{to}{sign}ticket={'good' if visit.form.get('do') == 'allow' else 'bad'}")

    zoo.screen(
        "/consent",
        lambda visit: (
            f"<h1>Example wants access to your Acme account</h1><p>{visit.session.get('name')}</p><p>This will allow "
            "Example to: see your name and your email address.</p><form method='post'><button name='do' value='deny'>"
            "Cancel</button> <button name='do' value='allow'>Allow</button></form>"
        ),
        consented,
    )
