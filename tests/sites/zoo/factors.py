"""What comes after the password: codes, and methods to choose from."""

import hashlib
from collections.abc import Callable

import pyotp

from tests.sites.server import Response, redirect
from tests.sites.zoo.passwords import form, identifier_first, judge, plain
from tests.sites.zoo.site import SEED, Go, Stay, Visit, Zoo, sign_in

WRONG = "The code you entered is incorrect."


def enter(visit: Visit, code: str) -> Go | Stay:
    if "half" not in visit.session:
        return Go("/login")
    if not visit.zoo.code_right(code):
        return Stay(WRONG)
    sign_in(visit.session, visit.session["half"])
    return Go("/home")


def code_screen(zoo: Zoo, markup: Callable[[Visit], str], *, name: str = "code", path: str = "/code") -> None:
    zoo.screen(path, markup, lambda visit: enter(visit, visit.form.get(name, "")))


def app_code(zoo: Zoo) -> None:
    """An authenticator application's code, with a way out to recovery codes."""
    plain(zoo, then="/code")
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Two-factor authentication</h1>{visit.note('flash flash-error')}<form method='post'>"
            "<label for='app_totp'>Authentication code</label>"
            "<input id='app_totp' name='app_otp' inputmode='numeric' autocomplete='one-time-code' placeholder='XXXXXX'>"
            "<button type='submit'>Verify</button></form><p>Open your two-factor authenticator (TOTP) app or browser "
            "extension to view your authentication code.</p><p>Having problems?</p><ul>"
            "<li><a href='/recovery'>Use a recovery code</a></li></ul>"
        ),
        name="app_otp",
    )
    zoo.screen("/recovery", _recovery, _recovery_taken)


def long_app_code(zoo: Zoo) -> None:
    """Eight digits of SHA-512, a minute long."""
    app_code(zoo)
    zoo.totp = pyotp.TOTP(SEED, digits=8, digest=hashlib.sha512, interval=60)


def _recovery(visit: Visit) -> str:
    return (
        f"<h1>Two-factor recovery</h1>{visit.note('flash flash-error')}<form method='post'><label for='r'>Recovery "
        "code</label><input id='r' name='recovery_code' placeholder='XXXXX-XXXXX'><button>Verify</button></form>"
        "<p>If you are unable to access your mobile device, enter one of your recovery codes to verify your "
        "identity.</p>"
    )


def _recovery_taken(visit: Visit) -> Go | Stay:
    if visit.form.get("recovery_code") != "a1b2c-d3e4f" or "half" not in visit.session:
        return Stay("Invalid recovery code.")
    sign_in(visit.session, visit.session["half"])
    return Go("/home")


def lost_code(zoo: Zoo) -> None:
    """The first mail never came: only the second code is right."""
    mailed_code(zoo, lost=True)


def _asks_half_way(visit: Visit) -> str | Response:
    """Asks for the code of a login that waits for one."""
    if "half" not in visit.session:
        return redirect("/login")
    return (
        "<h1>Verification code</h1><p>We sent a code to your device.</p><form method='post'><label for='c'>Code"
        "</label><input id='c' name='code' autocomplete='off'><button>Verify</button></form>"
    )


def refused_elsewhere(zoo: Zoo) -> None:
    """A wrong code ends on a page of its own; the login starts anew, with a new code."""
    plain(zoo, then="/code")

    def take(visit: Visit) -> Go | Stay:
        right = visit.form.get("code", "") == "K7Q-P2X" and "half" in visit.session
        who = visit.session.pop("half", "")
        if not right:
            return Go("/denied")
        sign_in(visit.session, who)
        return Go("/home")

    zoo.screen("/code", _asks_half_way, take)
    zoo.screen("/denied", lambda visit: "<p>Invalid verification code</p><p><a href='/login'>Go to the portal</a></p>")


def refused_on_the_way(zoo: Zoo) -> None:
    """A wrong code ends on a page of its own, in words that nobody knows; the code's page waits for the next one."""
    plain(zoo, then="/code")

    def take(visit: Visit) -> Go | Stay:
        visit.zoo.codes.append(visit.form.get("code", ""))
        if visit.zoo.codes[-1] != "K7Q-P2X":
            return Go("/denied")
        sign_in(visit.session, visit.session["half"])
        return Go("/home")

    zoo.screen("/code", _asks_half_way, take)
    zoo.screen("/denied", lambda visit: Response("<h1>Oh dear</h1><p>That was not it.</p>", 400))


def mailed_code(zoo: Zoo, *, lost: bool = False) -> None:
    """Letters, digits and a dash."""
    plain(zoo, then="/code")

    def take(visit: Visit) -> Go | Stay:
        code = visit.form.get("code", "")
        visit.zoo.codes.append(code)
        if (
            code.upper().replace("-", "") != "K7QP2X"
            or (lost and "again" not in visit.session)
            or "half" not in visit.session
        ):
            return Stay("That code has expired or is incorrect. Check the code and try again.")
        sign_in(visit.session, visit.session["half"])
        return Go("/home")

    def show(visit: Visit) -> str:
        if "again" in visit.request.query:
            visit.session["again"] = True
        return (
            "<h1>Check your email for a code</h1><p>We’ve sent a 6-character code to <b>ad•••@example.com</b>. "
            "The code "
            f"expires shortly, so please enter it soon.</p>{visit.note('c-alert')}<form method='post'><input "
            "name='code' "
            "aria-label='Confirmation code' autocomplete='one-time-code'><button>Continue</button></form>"
            "<p>Can’t find your code? Check your spam folder. <a href='/code?again=1'>Resend code</a></p>"
        )

    zoo.screen("/code", show, take)


def boxes(zoo: Zoo) -> None:
    """Six boxes that move on by themselves and send the form after the last."""
    plain(zoo, then="/code")
    fields = "".join(
        f"<input class='digit' inputmode='numeric' maxlength='1' size='1' aria-label='Please enter digit {n}' "
        f"autocomplete='{'one-time-code' if n == 1 else 'off'}'>"
        for n in range(1, 7)
    )
    script = (
        "<script>const all=[...ui.querySelectorAll('.digit')];all.forEach((one,at)=>one.addEventListener('input',()=>{"
        "if(one.value&&all[at+1])all[at+1].focus();if(all.every((x)=>x.value)){const f=ui.querySelector('form');"
        "f.elements.otp.value=all.map((x)=>x.value).join('');f.requestSubmit();}}))</script>"
    )
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Enter verification code</h1><p>Sent to +1 ••• ••• ••12</p>{visit.note()}<form method='post'>"
            f"<input type='hidden' name='otp'>{fields}</form>{script}"
        ),
        name="otp",
    )


def requested(zoo: Zoo) -> None:
    """The code is sent only when asked for."""
    plain(zoo, then="/verify")

    def take(visit: Visit) -> Go | Stay:
        visit.zoo.facts["requested"] = True
        return Go("/code")

    zoo.screen(
        "/verify",
        lambda visit: (
            "<h1>Get a verification email</h1><p>Send a verification email to a***a@example.com by clicking on "
            '"Send me '
            "an email\".</p><form method='post'><input type='submit' value='Send me an email'></form>"
            "<p><a href='/login'>Back to sign in</a></p>"
        ),
        take,
    )
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Verify with your email</h1><p>Enter the verification code from the email.</p>{visit.note()}"
            "<form method='post'><label for='c'>Enter Code</label><input id='c' name='credentials.passcode' "
            "inputmode='numeric'><input type='submit' value='Verify'></form>"
        ),
        name="credentials.passcode",
    )


def requested_in_place(zoo: Zoo) -> None:
    """The code field stands there from the start, useless until "Send code" was pressed."""
    plain(zoo, then="/code")
    zoo.server.on("/send", lambda request: _sent(zoo))

    def take(visit: Visit) -> Go | Stay:
        if not visit.zoo.facts.get("requested"):
            return Stay("Please request a code first.")
        return enter(visit, visit.form.get("sms", ""))

    zoo.screen(
        "/code",
        lambda visit: (
            f"<h1>Security check</h1><p>Mobile number: 07••• •••112</p>{visit.note()}<form method='post'>"
            "<label for='sms'>SMS code</label><input id='sms' name='sms' maxlength='6'>"
            "<button type='button' onclick=\"fetch('/send',{method:'POST'});this.textContent='Code sent'\">Send code"
            "</button><p><button type='submit'>Confirm</button></p></form>"
        ),
        take,
    )


def _sent(zoo: Zoo) -> str:
    zoo.facts["requested"] = True
    return "ok"


def eager(zoo: Zoo) -> None:
    """One field and a button, but a script sends the form once six characters are there."""
    plain(zoo, then="/code")
    script = (
        "<script>const box=ui.querySelector('#c');box.addEventListener('input',()=>{"
        "if(box.value.length===6)box.form.requestSubmit();})</script>"
    )
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Two-step verification</h1>{visit.note()}<form method='post'><label for='c'>Verification code</label>"
            "<input id='c' name='code' inputmode='numeric' autocomplete='one-time-code'>"
            f"<button>Verify</button></form>{script}"
        ),
    )


def same_form(zoo: Zoo) -> None:
    """An optional code field below the password, as control panels have."""
    extra = "<label for='o'>OTP code (if enabled)</label><input id='o' name='otp' autocomplete='one-time-code'>"

    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        if isinstance(answer, Go) and not visit.zoo.code_right(visit.form.get("otp", "")):
            visit.session.clear()
            return Stay("Invalid login or OTP code.")
        return answer

    zoo.screen("/login", lambda visit: form(visit, extra=extra), take)


def form_again(zoo: Zoo, *, eager: bool = False) -> None:
    """After the right password the same form comes back with a code field in it; a script may send it at the sixth
    character."""
    script = (
        "<script>const t=ui.querySelector('#t');t.addEventListener('input',()=>{"
        "if(t.value.length===6)t.form.submit();})</script>"
    )

    def show(visit: Visit) -> str:
        again = bool(visit.session.get("first"))
        extra = "<label for='t'>Authenticator token</label><input id='t' name='token' inputmode='numeric'>"
        extra += script if eager else ""
        return form(visit, extra=extra if again else "")

    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        if isinstance(answer, Stay):
            return answer
        if not visit.form.get("token"):
            visit.session.clear()
            visit.session["first"] = True
            return Stay("Two-factor authentication is enabled. Please enter your token.")
        if not visit.zoo.code_right(visit.form["token"]):
            visit.session.clear()
            visit.session["first"] = True
            return Stay("The token is not valid.")
        return answer

    zoo.screen("/login", show, take)


def _picked(visit: Visit) -> Go | Stay:
    method = visit.form.get("method", "")
    visit.zoo.facts["method"] = method
    return Go({"totp": "/app"}.get(method, "/code")) if method else Stay("Please select a method.")


def codes(zoo: Zoo) -> None:
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Enter the code</h1><p>We sent a text message to ••• ••12.</p>{visit.note()}<form method='post'>"
            "<label for='c'>Code</label><input id='c' name='code' inputmode='numeric'><button>Next</button></form>"
        ),
    )
    code_screen(
        zoo,
        lambda visit: (
            f"<h1>Authenticator app</h1><p>Get a code from your authenticator app</p>{visit.note()}<form method='post'>"
            "<label for='c'>Enter code</label><input id='c' name='code' "
            "inputmode='numeric'><button>Next</button></form>"
        ),
        path="/app",
    )


def methods_by_rows(zoo: Zoo) -> None:
    """Clickable rows without a form, as a well-known account page has them."""
    identifier_first(zoo, then="/methods")
    rows = (
        ("prompt", "Tap <b>Yes</b> on your phone or tablet"),
        ("totp", "Get a verification code from the <b>Authenticator</b> app"),
        ("sms", "Get a verification code at <span>(•••) •••-••12</span><br><small>Standard rates apply</small>"),
        ("backup", "Enter one of your 8-digit backup codes"),
    )
    listed = "".join(
        f"<li><div class='row' role='link' tabindex='0' onclick=\"pick('{name}')\"><div>{words}</div></div></li>"
        for name, words in rows
    )
    zoo.screen(
        "/methods",
        lambda visit: (
            "<h1>2-Step Verification</h1><p>To help keep your account safe, we want to make sure it’s really you</p>"
            f"<h2>Choose how you want to sign in:</h2><form method='post'><input type='hidden' name='method'></form>"
            f"<ul>{listed}</ul><script>window.pick=(n)=>{{const f=ui.querySelector('form');f.elements.method.value=n;"
            "f.requestSubmit()}</script>"
        ),
        _picked,
    )
    codes(zoo)


def methods_by_radio(zoo: Zoo) -> None:
    plain(zoo, then="/methods")
    zoo.screen(
        "/methods",
        lambda visit: (
            f"<h1>Verify your identity</h1><p>How do you want to get your security code?</p>{visit.note()}"
            "<form method='post'><p><input type='radio' name='method' value='sms' id='m1'><label for='m1' "
            "style='display:inline'>Text a code to ***-***-4412</label></p><p><input type='radio' name='method' "
            "value='mail' id='m2'><label for='m2' style='display:inline'>Email a code to a**@example.com</label></p>"
            "<p><input type='radio' name='method' value='call' id='m3'><label for='m3' "
            "style='display:inline'>Call me at "
            "***-***-4412</label></p><button type='submit'>Send code</button></form>"
        ),
        _picked,
    )
    codes(zoo)


def methods_by_list(zoo: Zoo) -> None:
    """A drop-down with a button."""
    plain(zoo, then="/methods")
    zoo.screen(
        "/methods",
        lambda visit: (
            f"<h1>Verification required</h1>{visit.note()}<form method='post'><label for='m'>Choose a verification "
            "method</label><select id='m' name='method'><option value=''>Select…</option><option value='sms'>SMS to "
            "+49 •••• 4412</option><option value='totp'>Authenticator app</option><option value='mail'>Email to "
            "a•••@example.com</option></select><p><button>Continue</button></p></form>"
        ),
        _picked,
    )
    codes(zoo)


def methods_by_buttons(zoo: Zoo) -> None:
    plain(zoo, then="/methods")
    zoo.screen(
        "/methods",
        lambda visit: (
            "<h1>Select a method</h1><p>Select a method to verify your identity</p><form method='post'>"
            "<button class='row' name='method' value='totp' aria-label='Google Authenticator or similar'>"
            "<span>Google Authenticator or similar</span></button>"
            "<button class='row' name='method' value='sms'><span>Text message</span></button>"
            "<button class='row' name='method' value='mail'><span>Email</span></button></form>"
        ),
        _picked,
    )
    codes(zoo)
