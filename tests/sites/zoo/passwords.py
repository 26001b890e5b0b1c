"""Identifiers and passwords, in the shapes that widely used sign-in pages have."""

from tests.sites.server import Response, redirect
from tests.sites.zoo.site import MAIL, USER, Go, Stay, Visit, Zoo, sign_in

WORDS = {  # heading, name, password, button, error
    "en": ("Sign in", "Username", "Password", "Sign in", "Incorrect username or password."),
    "de": ("Anmelden", "Benutzername", "Passwort", "Anmelden", "Benutzername oder Passwort ist falsch."),
    "fr": ("Connexion", "Identifiant", "Mot de passe", "Se connecter", "Identifiant ou mot de passe incorrect."),
    "es": ("Iniciar sesión", "Usuario", "Contraseña", "Entrar", "Usuario o contraseña incorrectos."),
    "ja": ("ログイン", "ユーザー名", "パスワード", "ログイン", "ユーザー名またはパスワードが正しくありません。"),
    "ar": ("تسجيل الدخول", "اسم المستخدم", "كلمة المرور", "دخول", "اسم المستخدم أو كلمة المرور غير صحيحة."),
    "pl": ("Logowanie", "Login", "Hasło", "Zaloguj się", "Nieprawidłowy login lub hasło."),
}


def form(visit: Visit, *, extra: str = "", before: str = "") -> str:
    """What a template engine makes of a log-in form."""
    heading, name, password, button, _ = WORDS[visit.zoo.lang]
    kept = visit.form.get("username", "") if visit.request.method == "POST" else ""
    return (
        f"<h1>{heading}</h1>{before}{visit.note()}<form method='post' action='/login'>"
        f"<label for='u'>{name}</label><input id='u' name='username' value='{kept}' autocomplete='username' required>"
        f"<label for='p'>{password}</label><input id='p' type='password' name='password' required>"
        f"{extra}<p><button type='submit'>{button}</button></p></form><p><a href='/forgot'>?</a></p>"
    )


def judge(visit: Visit, then: str = "/home") -> Go | Stay:
    name, password = visit.form.get("username", ""), visit.form.get("password", "")
    if not visit.zoo.password_right(name, password):
        return Stay(WORDS[visit.zoo.lang][4])
    if then == "/home":
        sign_in(visit.session, name)
    else:
        visit.session["half"] = name
    return Go(then)


def plain(zoo: Zoo, *, then: str = "/home", before: str = "", extra: str = "") -> None:
    """Name and password on one page."""
    zoo.screen("/login", lambda visit: form(visit, before=before, extra=extra), lambda visit: judge(visit, then))


def skipped_inside(zoo: Zoo) -> None:
    """Whoever is signed in already is sent on."""
    zoo.screen("/login", lambda visit: redirect("/home") if visit.session.get("user") else form(visit), judge)


def identifier_first(zoo: Zoo, *, then: str = "/home") -> None:
    """As the account pages of large office suites: name, Next, password, "Stay signed in?"."""

    def name(visit: Visit) -> str:
        return (
            f"<h1>Sign in</h1>{visit.note('alert alert-error')}<form method='post' novalidate>"
            "<input type='email' name='loginfmt' placeholder='Email, phone, or user name' "
            "aria-label='Enter your email, phone, or user name'><input type='password' name='passwd' tabindex='-1' "
            "aria-hidden='true' style='position:absolute;left:-9999px;opacity:0'>"
            "<p>No account? <a href='/signup'>Create one!</a></p><p><a href='/help'>Can't access your account?</a></p>"
            "<input type='submit' value='Next'></form>"
        )

    def name_taken(visit: Visit) -> Go | Stay:
        given = visit.form.get("loginfmt", "")
        if given not in (USER, MAIL):
            return Stay("We couldn't find an account with that username. Try another, or get a new account.")
        visit.session["name"] = given
        return Go("/password")

    def password(visit: Visit) -> str:
        return (
            f"<div><button type='button' aria-label='Back'>←</button> {visit.session.get('name')}</div>"
            f"<h1>Enter password</h1><form method='post'>{visit.note('alert alert-error')}"
            "<input type='password' name='passwd' placeholder='Password' aria-label='Enter the password'>"
            "<p><a href='/reset'>Forgot my password</a></p><input type='submit' value='Sign in'></form>"
        )

    def password_taken(visit: Visit) -> Go | Stay:
        if not visit.zoo.password_right(str(visit.session.get("name")), visit.form.get("passwd", "")):
            return Stay("Your account or password is incorrect. If you don't remember your password, reset it now.")
        visit.session["half"] = visit.session["name"]
        return Go("/kmsi" if then == "/home" else then)

    zoo.screen("/login", name, name_taken, title="Sign in to your account")
    zoo.screen("/password", password, password_taken, title="Sign in to your account")
    stay_signed_in(zoo)


def stay_signed_in(zoo: Zoo) -> None:
    def show(visit: Visit) -> str:
        return (
            "<h1>Stay signed in?</h1><p>Do this to reduce the number of times you are asked to sign in.</p>"
            "<form method='post'><label><input type='checkbox' name='dont'> Don't show this again</label>"
            "<input type='submit' name='stay' value='No'> <input type='submit' name='stay' value='Yes'></form>"
        )

    def take(visit: Visit) -> Go | Stay:
        if "half" not in visit.session:
            return Go("/login")
        sign_in(visit.session, visit.session["half"])
        visit.zoo.facts["stay"] = visit.form.get("stay")
        return Go("/home")

    zoo.screen("/kmsi", show, take)


def tenant(zoo: Zoo) -> None:
    """A cloud console: account number beside the user name."""

    def show(visit: Visit) -> str:
        return (
            f"<h1>Sign in as team member</h1>{visit.note()}<form method='post'>"
            "<label for='account'>Account ID (12 digits) or account alias</label><input id='account' name='account'>"
            "<label for='username'>User name</label><input id='username' name='username'>"
            "<label for='password'>Password</label><input id='password' name='password' type='password'>"
            "<label><input type='checkbox' id='show'> Show password</label>"
            "<p><button>Sign in</button></p></form>"
        )

    def take(visit: Visit) -> Go | Stay:
        right = visit.zoo.password_right(visit.form.get("username", ""), visit.form.get("password", ""))
        if not right or visit.form.get("account") != "480012345678":
            return Stay("Your authentication information is incorrect. Please try again.")
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen("/login", show, take)


def lists(zoo: Zoo) -> None:
    """A school's directory: a domain to choose, a role already chosen, and the page's language, which matters not."""

    def show(visit: Visit) -> str:
        return (
            f"<h1>Anmelden</h1>{visit.note()}<form method='post'><label for='u'>Benutzername</label><input id='u' "
            "name='username'><label for='d'>Domäne</label><select id='d' name='domain' required><option value=''>Bitte "
            "wählen…<option value='d1'>Schule<option value='d2'>Verwaltung</select><label for='r'>Anmelden als</label>"
            "<select id='r' name='role'><option value='p'>Schüler<option value='t'>Lehrkraft</select>"
            "<label for='p'>Passwort</label><input id='p' name='password' type='password'>"
            "<select name='ui'><option value='de'>Deutsch<option value='en'>English</select>"
            "<button>Anmelden</button></form>"
        )

    def take(visit: Visit) -> Go | Stay:
        form = visit.form
        right = visit.zoo.password_right(form.get("username", ""), form.get("password", ""))
        if not right or (form.get("domain"), form.get("role"), form.get("ui")) != ("d2", "t", "de"):
            return Stay("Die Anmeldung ist fehlgeschlagen, die Angaben sind falsch.")
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen("/login", show, take)


def customer_number(zoo: Zoo) -> None:
    """A German bank: login name and PIN, no word of a password."""
    zoo.lang = "de"

    def show(visit: Visit) -> str:
        return (
            f"<h1>Online-Banking</h1>{visit.note('fehler')}<form method='post' autocomplete='off'>"
            "<label for='kd'>Anmeldename oder Legitimations-ID</label><input id='kd' name='kundennr' maxlength='20'>"
            "<label for='pin'>PIN</label><input id='pin' name='pin' type='password' maxlength='38'>"
            "<p><button type='submit'>Anmelden</button></p></form>"
        )

    def take(visit: Visit) -> Go | Stay:
        if not visit.zoo.password_right(visit.form.get("kundennr", ""), visit.form.get("pin", "")):
            return Stay("Die Anmeldung ist fehlgeschlagen. Bitte prüfen Sie Ihre Eingaben.")
        sign_in(visit.session, USER)
        return Go("/home")

    zoo.screen("/login", show, take)


def terms(zoo: Zoo) -> None:
    """The box must be ticked or the form comes back."""
    box = (
        "<p><label><input type='checkbox' name='agree' value='1' required> I agree to the "
        "<a href='/terms' target='_blank'>Terms of Service</a></label></p>"
    )

    def take(visit: Visit) -> Go | Stay:
        if "agree" not in visit.form:
            return Stay("You must accept the terms.")
        return judge(visit)

    zoo.screen("/login", lambda visit: form(visit, extra=box), take)


def cookie_banner(zoo: Zoo) -> None:
    """A consent layer that covers everything."""
    layer = (
        "<div id='cmp' style='position:fixed;inset:0;background:rgba(0,0,0,.6);z-index:9'><div role='dialog' "
        "aria-label='Cookies' style='background:#fff;margin:120px auto;padding:24px;max-width:420px'>"
        "<h2>We value your privacy</h2><p>We use cookies to enhance your browsing experience.</p>"
        "<button type='button' onclick=\"this.closest('#cmp').remove()\">Reject all</button> "
        "<button type='button' onclick=\"this.closest('#cmp').remove()\">Accept all</button></div></div>"
    )
    plain(zoo, before=layer)


def refused_elsewhere(zoo: Zoo) -> None:
    """As old applications do: a page of its own says no, in plain words."""

    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        return Go("/denied") if isinstance(answer, Stay) else answer

    def denied(visit: Visit) -> str:
        return f"<h2>{WORDS[zoo.lang][0]}</h2><p>{WORDS[zoo.lang][4]}</p><p><a href='/contact'>?</a></p>"

    zoo.screen("/login", form, take)
    zoo.screen("/denied", denied)


def locked_out(zoo: Zoo) -> None:
    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        if isinstance(answer, Stay) and len(visit.zoo.attempts) >= 2:
            return Stay("Your account has been temporarily locked due to too many failed login attempts.")
        return answer

    zoo.screen("/login", form, take)


def remember_needed(zoo: Zoo) -> None:
    """Without the box the session hangs on a cookie that dies with the next visit."""
    box = "<p><label><input type='checkbox' name='persistent' value='y'> Keep me signed in</label></p>"

    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        if isinstance(answer, Go) and "persistent" not in visit.form:
            visit.session["visits_left"] = 1
        return answer

    def home(visit: Visit) -> str | Response:
        left = visit.session.get("visits_left", 99)
        if not visit.session.get("user") or left <= 0:
            visit.session.clear()
            return redirect("/login")
        visit.session["visits_left"] = left - 1
        return "<h1>Mail</h1><p>Inbox (3)</p><a href='/logout'>Sign out</a>"

    zoo.screen("/login", lambda visit: form(visit, extra=box), take)
    zoo.screen("/home", home)


def kinds_of_identifier(zoo: Zoo) -> None:
    """Tabs for e-mail and telephone number over one form."""

    def show(visit: Visit) -> str:
        phone = visit.request.query.get("by") == "phone"
        field = (
            "<label for='i'>Phone number</label><input id='i' name='phone' type='tel' autocomplete='tel'>"
            if phone
            else "<label for='i'>Email</label><input id='i' name='email' type='email' autocomplete='username'>"
        )
        other = "<a href='/login'>Use email instead</a>" if phone else "<a href='/login?by=phone'>Use phone instead</a>"
        return (
            f"<h1>Log in</h1>{visit.note()}<form method='post' action='/login'>{field}"
            "<label for='p'>Password</label><input id='p' name='password' type='password'>"
            f"<p><button>Log in</button></p></form>{other}"
        )

    def take(visit: Visit) -> Go | Stay:
        if visit.zoo.password_right(visit.form.get("email", ""), visit.form.get("password", "")):
            sign_in(visit.session, USER)
            return Go("/home")
        return Stay("The email or password you entered is incorrect.")

    zoo.screen("/login", show, take)
