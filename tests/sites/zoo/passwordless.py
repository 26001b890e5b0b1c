"""Logins without a password: the code comes first."""

from tests.sites.zoo.site import CODE, MAIL, USER, Go, Stay, Visit, Zoo, sign_in

PHONE = "13800138000"


def code_by_mail(zoo: Zoo) -> None:
    """An address, then six digits sent to it, on a page of their own."""

    zoo.screen(
        "/login",
        lambda visit: (
            "<h1>Welcome back</h1><button type='button'>Continue with Google</button><p>or</p>"
            f"{visit.note()}<form method='post'><input type='email' name='email' placeholder='Enter your email "
            "address…' aria-label='Email'><p><button>Continue</button></p></form>"
        ),
        _address_taken,
    )
    zoo.screen("/check-inbox", _inbox, lambda visit: _code_taken(visit, visit.form.get("token", "")))


def _address_taken(visit: Visit) -> Go | Stay:
    if visit.form.get("email") != MAIL:
        return Stay("Please enter a valid email address.")
    visit.session["half"] = MAIL
    return Go("/check-inbox")


def _inbox(visit: Visit) -> str:
    return (
        f"<h1>Check your inbox</h1><p>We have sent a temporary login code to {MAIL}.</p>{visit.note()}<form "
        "method='post'><input name='token' placeholder='Paste login code' aria-label='Login code'><p><button>Continue "
        "with login code</button></p></form><a href='/login'>Not you? Use another email</a>"
    )


def _code_taken(visit: Visit, code: str) -> Go | Stay:
    if "half" not in visit.session:
        return Go("/login")
    visit.zoo.codes.append(code)
    if code != CODE:
        return Stay("The login code is invalid. Please try again.")
    sign_in(visit.session, visit.session["half"])
    return Go("/home")


def code_added(zoo: Zoo) -> None:
    """The same form grows a field for the code below the address, which stays."""

    def show(visit: Visit) -> str:
        sent = "half" in visit.session
        code = (
            "<p>We just sent you a code. Please check your inbox.</p><label for='c'>Verification code</label><input "
            "id='c' name='code' autocomplete='one-time-code' inputmode='numeric'>"
        )
        return (
            f"<h1>Log in</h1>{visit.note()}<form method='post'><label for='e'>Email</label><input id='e' name='email' "
            f"type='email' value='{visit.session.get('half', '')}'>{code if sent else ''}<p><button>"
            f"{'Log in' if sent else 'Email me a code'}</button></p></form>"
        )

    def taken(visit: Visit) -> Go | Stay:
        if "half" in visit.session:
            return _code_taken(visit, visit.form.get("code", ""))
        if visit.form.get("email") != MAIL:
            return Stay("Enter the address of an account.")
        visit.session["half"] = MAIL
        return Stay()

    zoo.screen("/login", show, taken)


def phone_and_code(zoo: Zoo) -> None:
    """Number, "get a code" and code stand on one form, as with most services in China."""
    zoo.lang = "zh"

    def send(visit: Visit) -> Go | Stay:
        if visit.form.get("mobile") == PHONE:
            visit.session["half"] = USER
        return Go("/login")

    def taken(visit: Visit) -> Go | Stay:
        if "half" not in visit.session or visit.form.get("mobile") != PHONE:
            return Stay("请先获取验证码")
        visit.zoo.codes.append(visit.form.get("smsCode", ""))
        if visit.form.get("smsCode") != CODE:
            return Stay("验证码错误")
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen("/send", lambda visit: "", send)
    zoo.screen(
        "/login",
        lambda visit: (
            f"<h1>手机号登录</h1>{visit.note()}<form method='post'><span>+86</span><input name='mobile' type='tel' "
            "maxlength='11' placeholder='请输入手机号'><p><input name='smsCode' maxlength='6' "
            "placeholder='请输入验证码'><button type='button' class='get' disabled>获取验证码</button></p><p>"
            "<button type='submit'>登录</button></p></form>"
            "<script>{const f=ui.querySelector('form'),b=ui.querySelector('.get'),m=f.elements.mobile;"
            "m.addEventListener('input',()=>{b.disabled=m.value.length!==11});b.addEventListener('click',async()=>{"
            "await fetch('/send',{method:'POST',headers:{'X-Part':'1'},body:new URLSearchParams({mobile:m.value})});"
            "let left=60;b.disabled=true;b.textContent=left+'s';"
            "setInterval(()=>{b.textContent=--left+'s'},1000)})}</script>"
        ),
        taken,
    )


def code_instead(zoo: Zoo) -> None:
    """A form for a password, and a way to log in with a mailed code from it."""

    def by_password(visit: Visit) -> Go | Stay:
        visit.zoo.password_right(visit.form.get("email", ""), visit.form.get("password", ""))
        return Stay("Incorrect email or password.")

    zoo.screen(
        "/login",
        lambda visit: (
            f"<h1>Sign in</h1>{visit.note()}<form method='post'><label for='e'>Email</label><input id='e' type='email' "
            "name='email'><label for='p'>Password</label><input id='p' type='password' name='password'><p><button>Sign "
            "in</button></p></form><p><a href='/by-code'>Email me a login code instead</a></p>"
        ),
        by_password,
    )
    zoo.screen(
        "/by-code",
        lambda visit: (
            f"<h1>Get a login code</h1>{visit.note()}<form method='post'><label for='e'>Email</label><input id='e' "
            "type='email' name='email'><p><button>Send code</button></p></form>"
        ),
        _address_taken,
    )
    zoo.screen("/check-inbox", _inbox, lambda visit: _code_taken(visit, visit.form.get("token", "")))
