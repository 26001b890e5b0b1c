"""What sites ask beside a password: what only the customer remembers, and things to agree to on the way in."""

from tests.sites.zoo.passwords import form, judge, plain
from tests.sites.zoo.site import Go, Stay, Visit, Zoo, sign_in

WORD = "lighthouse"


def security_question(zoo: Zoo) -> None:
    plain(zoo, then="/question")

    def taken(visit: Visit) -> Go | Stay:
        if visit.form.get("answer", "").lower() != WORD:
            return Stay("That answer does not match our records.")
        return _through(visit)

    zoo.screen(
        "/question",
        lambda visit: (
            f"<h1>Confirm your identity</h1><p>Please answer your security question.</p>{visit.note()}<form "
            "method='post'><label for='a'>What was the name of your first pet?</label><input id='a' name='answer' "
            "type='text' autocomplete='off'><label><input type='checkbox' name='remember'> Remember this computer"
            "</label><p><button>Continue</button></p></form>"
        ),
        taken,
    )


def memorable_word(zoo: Zoo) -> None:
    """A British bank: three letters of a word, each from a list."""
    plain(zoo, then="/memorable")
    letters = "".join(f"<option>{letter}</option>" for letter in "abcdefghijklmnopqrstuvwxyz")
    asked = (2, 5, 8)

    def taken(visit: Visit) -> Go | Stay:
        given = [visit.form.get(f"char{at}", "") for at in asked]
        if given != [WORD[at - 1] for at in asked]:
            return Stay("The characters you have entered are not correct.")
        return _through(visit)

    zoo.screen(
        "/memorable",
        lambda visit: (
            f"<h1>Memorable information</h1><p>Please enter the characters from your memorable information.</p>"
            f"{visit.note()}<form method='post'>"
            + "".join(
                f"<label for='c{at}'>Character {at}</label><select id='c{at}' name='char{at}' required>"
                f"<option value=''>-</option>{letters}</select>"
                for at in asked
            )
            + "<p><button>Continue</button></p></form>"
        ),
        taken,
    )


def _through(visit: Visit) -> Go | Stay:
    if "half" not in visit.session:
        return Go("/login")
    sign_in(visit.session, visit.session["half"])
    return Go("/home")


def _passing(zoo: Zoo, path: str, markup: str) -> None:
    """A page between the password and the other side; its forms all lead there."""

    def taken(visit: Visit) -> Go | Stay:
        visit.zoo.facts[path] = visit.form
        return _through(visit)

    plain(zoo, then=path)
    zoo.screen(path, lambda visit: markup, taken)


def second_factor_offer(zoo: Zoo) -> None:
    """The site would like a second factor; it can wait."""
    _passing(
        zoo,
        "/protect",
        "<h1>Protect your account</h1><p>Two-factor authentication adds a second layer of security. Set it up now "
        "with an authenticator app or your phone number.</p><form method='post'><p><button type='button'>Set up "
        "two-factor authentication</button></p><button name='skip' value='1'>Skip for now</button></form>",
    )


def password_reminder(zoo: Zoo) -> None:
    """The password runs out soon; the field for a new one is not ours to fill."""
    _passing(
        zoo,
        "/expiring",
        "<h1>Your password will expire in 6 days</h1><p>Would you like to change it now?</p><form method='post'>"
        "<button type='button'>Change password</button> <button name='later' value='1'>Remind me later</button></form>",
    )


def other_session(zoo: Zoo) -> None:
    _passing(
        zoo,
        "/sessions",
        "<h1>You are already signed in on another device</h1><p>Only one session is allowed at a time. If you "
        "continue, the other session will be ended.</p><form method='post'><button name='go' value='1'>Continue here"
        "</button> <a href='/login'>Cancel</a></form>",
    )


def terms_renewed(zoo: Zoo) -> None:
    _passing(
        zoo,
        "/terms-changed",
        "<h1>We have updated our terms</h1><p>Please review and accept the new terms of service to continue.</p>"
        "<form method='post'><button name='agree' value='1'>Accept and continue</button></form>"
        "<a href='/logout'>Log out</a>",
    )


def trusted_device(zoo: Zoo) -> None:
    _passing(
        zoo,
        "/trust",
        "<h1>Trust this browser?</h1><p>If you trust this browser, you won't be asked for a verification code the "
        "next time you sign in.</p><form method='post'><button name='trust' value='no'>Don't trust</button> "
        "<button name='trust' value='later'>Not now</button> <button name='trust' value='yes'>Trust</button></form>",
    )


def password_ran_out(zoo: Zoo) -> None:
    """The password is right and has to be changed before anything else: only the person can do that."""
    plain(zoo, then="/change")

    def taken(visit: Visit) -> Go | Stay:
        if visit.form.get("new1") != visit.form.get("new2") or len(visit.form.get("new1", "")) < 8:
            return Stay("The passwords must match and have at least 8 characters.")
        visit.zoo.facts["changed"] = visit.form["new1"]
        return _through(visit)

    zoo.screen(
        "/change",
        lambda visit: (
            f"<h1>Your password has expired</h1><p>Choose a new password to continue.</p>{visit.note()}<form "
            "method='post'><label for='n1'>New password</label><input id='n1' type='password' name='new1' "
            "autocomplete='new-password'><label for='n2'>Confirm new password</label><input id='n2' type='password' "
            "name='new2' autocomplete='new-password'><p><button>Change password</button></p></form>"
        ),
        taken,
    )


def known_visitor(zoo: Zoo) -> None:
    """The site knows whose browser it is and asks for the password alone, with a way to be somebody else."""
    zoo.screen(
        "/login",
        lambda visit: (
            f"<h1>Welcome back, Ada</h1>{visit.note()}<form method='post' action='/login'><input type='hidden' "
            "name='username' value='ada'><label for='p'>Password</label><input id='p' type='password' "
            "name='password' autocomplete='current-password'><p><button>Sign in</button></p></form><a href='/other'>"
            "Not Ada? Switch account</a>"
        ),
        judge,
    )
    zoo.screen("/other", form, judge)
