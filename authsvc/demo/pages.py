"""The demo site's pages: plain functions from values to HTML."""

from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --ground: #eef1ef; --brand: #1f6f54; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ece9; --paper: #1b2320; --ground: #121815; --brand: #58b993; --bad: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground) }
header { padding: 1rem 1.5rem; display: flex; gap: 1rem; align-items: baseline; justify-content: space-between }
header a { color: var(--brand); font-weight: 700; font-size: 1.2rem; text-decoration: none }
main { max-width: 26rem; margin: 6vh auto 0; padding: 2rem; background: var(--paper); border-radius: 12px;
       box-shadow: 0 1px 12px rgb(0 0 0 / .12) }
h1 { margin: 0 0 1rem; font-size: 1.4rem }
label { display: block; margin: .9rem 0 .3rem; font-weight: 600 }
input:not([type=checkbox]) { width: 100%; padding: .6rem .7rem; font: inherit; color: inherit; background: transparent;
       border: 1px solid currentColor; border-radius: 8px; opacity: .9 }
.row { display: flex; gap: .5rem; align-items: center; margin-top: .9rem } .row label { margin: 0; font-weight: 400 }
button { margin-top: 1.2rem; padding: .65rem 1.1rem; font: inherit; font-weight: 600; border: 0; border-radius: 8px;
         background: var(--brand); color: var(--paper); cursor: pointer }
button.quiet { background: transparent; color: var(--brand) }
.error { padding: .6rem .8rem; border-radius: 8px; border: 1px solid var(--bad); color: var(--bad) }
a { color: var(--brand) }
"""


def page(*, title: str, body: str, account: str = "") -> str:
    """`body` is HTML; everything else is text."""
    corner = (
        f'<form method="post" action="/logout"><span>{escape(account)}</span> '
        '<button class="quiet" type="submit">Sign out</button></form>'
        if account
        else ""
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)} · Greenhouse</title><link rel="stylesheet" href="/style.css"></head>'
        f'<body><header><a href="/">Greenhouse</a>{corner}</header><main>{body}</main></body></html>'
    )


def _error(message: str) -> str:
    return f'<p class="error" role="alert">{escape(message)}</p>' if message else ""


def home() -> str:
    return page(
        title="Plants by post",
        body="<h1>Plants by post</h1><p>Seedlings every month, chosen for your window.</p>"
        '<p><a href="/login">Sign in</a> to see your orders.</p>',
    )


def login(*, email: str = "", error: str = "") -> str:
    return page(
        title="Sign in",
        body=f"<h1>Sign in</h1>{_error(error)}"
        '<form method="post" action="/login">'
        '<label for="email">Email address</label>'
        f'<input id="email" name="email" type="email" autocomplete="username" required value="{escape(email)}">'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<div class="row"><input id="remember" name="remember" type="checkbox">'
        '<label for="remember">Keep me signed in</label></div>'
        '<button type="submit">Sign in</button></form>',
    )


def code(*, error: str = "") -> str:
    return page(
        title="Verification code",
        body=f"<h1>Verification code</h1>{_error(error)}"
        "<p>Enter the 6-digit code from your authenticator app.</p>"
        '<form method="post" action="/code"><label for="code">Code</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" required>'
        '<button type="submit">Verify</button></form>',
    )


def trust() -> str:
    return page(
        title="Trust this browser?",
        body="<h1>Trust this browser?</h1><p>We will not ask for a code here for 30 days.</p>"
        '<form method="post" action="/trust">'
        '<button type="submit" name="trust" value="yes">Trust this browser</button> '
        '<button class="quiet" type="submit" name="trust" value="no">Not now</button></form>',
    )


def account(*, name: str) -> str:
    return page(
        title="Your orders",
        account=name,
        body=f"<h1>Welcome back, {escape(name)}</h1><p>Your next box: basil, chives and a very small lemon tree.</p>",
    )


def missing() -> str:
    return page(title="Not found", body='<h1>Not found</h1><p><a href="/">Home</a></p>')
