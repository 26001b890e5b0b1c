"""What is done outside the page: approvals, links in mails, keys."""

from tests.sites.zoo.factors import codes
from tests.sites.zoo.passwords import WORDS, form, plain
from tests.sites.zoo.site import USER, Go, Stay, Visit, Zoo, sign_in, waiting


def push(zoo: Zoo) -> None:
    """A number to match, and another way."""
    plain(zoo, then="/push")
    zoo.screen(
        "/push",
        lambda visit: (
            "<h1>Approve sign in request</h1><div>Open your Authenticator app, and enter the number shown to sign in."
            "</div><div id='number' style='font-size:48px'>42</div><p>No numbers in your app? Make sure to "
            "upgrade to the "
            f"latest version.</p><p><a href='/code'>I can't use my Authenticator app right now</a></p>{waiting()}"
        ),
    )
    codes(zoo)


def link(zoo: Zoo) -> None:
    """No password at all: the link in the mail signs this browser in."""

    def take(visit: Visit) -> Go | Stay:
        if "@" not in visit.form.get("email", ""):
            return Stay("Please enter a valid email address.")
        visit.session["half"] = visit.form["email"]
        return Go("/sent")

    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Sign in with email</h1><p>Enter the email address associated with your account, and we’ll "
            "send a magic "
            f"link to your inbox.</p>{visit.note()}<form method='post'><label for='e'>Your email</label><input id='e' "
            "type='email' name='email'><p><button>Continue</button></p></form><a href='/signup'>All sign in options</a>"
        ),
        take,
    )
    zoo.screen(
        "/sent",
        lambda visit: (
            f"<h1>Check your inbox.</h1><p>Click the link we sent to {visit.session.get('half')} to sign in.</p>"
            f"<p><a href='/login'>Try a different email</a></p>{waiting()}"
        ),
    )


def security_key(zoo: Zoo) -> None:
    """The key is tried at once; the code is behind a link."""
    plain(zoo, then="/key")
    zoo.screen(
        "/key",
        lambda visit: (
            "<h1>Two-factor authentication</h1><h2>Security key</h2><p>When you are ready, authenticate using "
            "the button "
            "below.</p><button type='button' id='go'>Use security key</button><p>Unable to verify with your "
            "security key?"
            "</p><ul><li><a href='/app'>Use your authenticator app</a></li></ul><script>navigator.credentials&&"
            "navigator.credentials.get({publicKey:{challenge:new Uint8Array(16),timeout:60000}}).catch(()=>{})</script>"
        ),
    )
    codes(zoo)


def passkey_only(zoo: Zoo) -> None:
    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Sign in</h1><p>Use your fingerprint, face or screen lock.</p><button type='button' "
            "onclick='navigator.credentials.get({publicKey:{challenge:new Uint8Array(16)}}).catch(()=>0)'>Sign "
            "in with a "
            "passkey</button>"
        ),
    )


def passkey_first(zoo: Zoo) -> None:
    """A passkey is offered first, a password second; afterwards the site would like to make one."""
    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Sign in</h1><button type='button'>Sign in with a passkey</button>"
            "<p>or</p><a href='/by-password'>Use your password instead</a>"
        ),
    )

    def take(visit: Visit) -> Go | Stay:
        if not visit.zoo.password_right(visit.form.get("username", ""), visit.form.get("password", "")):
            return Stay(WORDS["en"][4])
        visit.session["half"] = USER
        return Go("/offer")

    def offered(visit: Visit) -> Go | Stay:
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen("/by-password", lambda visit: form(visit).replace("action='/login'", ""), take)
    zoo.screen(
        "/offer",
        lambda visit: (
            "<h1>Create a passkey to sign in faster</h1><p>Passkeys are safer than passwords. Use your face, "
            "fingerprint or "
            "PIN next time.</p><form method='post'><button type='button'>Create a passkey</button> "
            "<button name='no' value='1'>Not now</button></form>"
        ),
        offered,
    )
