"""Forms that look like another kind: new passwords, lone codes, addresses, several forms in one."""

import pytest

from flows.engine.reading.model import FieldRole, PageKind
from tests.reading.conftest import Read

K = PageKind
R = FieldRole
CHOOSE = """<form action="/save" method=post><label>{mail} <input type=email name=email></label>
<label>{new} <input type=password name=pw autocomplete=new-password></label>
<label>{again} <input type=password name=pw2 autocomplete=new-password></label><button>{button}</button></form>"""


@pytest.mark.parametrize(
    ("url", "words", "kind"),
    [
        ("https://site.test/reset-password/77", ("E-mail", "Nowe hasło", "Powtórz hasło", "Zapisz"), K.RESET),
        (
            "https://site.test/p/77",
            ("E-Mail", "Neues Passwort", "Passwort wiederholen", "Passwort zurücksetzen"),
            K.RESET,
        ),
        ("https://site.test/password/edit", ("Email", "New password", "Repeat it", "Change my password"), K.RESET),
        ("https://site.test/join", ("Email", "Choose a password", "Repeat it", "Create account"), K.SIGN_UP),
        ("https://site.test/p/77", ("Email", "Choose a password", "Repeat it", "Continue"), K.SIGN_UP),
    ],
)
async def test_a_new_password_for_an_account_there_is(
    reading: Read, url: str, words: tuple[str, str, str, str], kind: PageKind
) -> None:
    mail, new, again, button = words
    found = await reading(CHOOSE.format(mail=mail, new=new, again=again, button=button), url=url)
    assert found.kind is kind


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("<label>Security code <input name=f7></label>", K.CODE),
        ("<label>Kod weryfikacyjny <input name=f7></label>", K.CODE),
        ("<label>Verification code <input type=password name=f7></label>", K.CODE),
        ("<label>One-time password <input type=password name=password></label>", K.LOGIN),
        ("<label>Discount code <input name=f7></label>", K.OTHER),
        ("<label>Security code <input name=f7></label><label>Name on the card <input name=f8></label>", K.OTHER),
    ],
)
async def test_a_lone_field_that_is_called_a_code(reading: Read, field: str, kind: PageKind) -> None:
    found = await reading(f"<form method=post>{field}<button>Continue</button></form>")
    assert found.kind is kind


async def test_a_field_for_a_code_in_a_large_page_is_not_what_the_page_is_about(reading: Read) -> None:
    links = "".join(f"<a href='/p{number}'>Place {number}</a> " for number in range(20))
    form = "<form method=post><label>Security code <input name=f7></label><button>Continue</button></form>"
    assert (await reading(links + form)).kind is K.OTHER


async def test_the_classes_of_a_page_framework_say_nothing(reading: Read) -> None:
    found = await reading(
        """<form class="card card-md card-body" method=post><input name=a placeholder="Email or user name">
        <input name=b type=password placeholder=Password><button>Next</button></form>"""
    )
    assert found.kind is K.LOGIN
    assert not [reason for reason in found.reasons if "checkout" in reason or "contact" in reason]


async def test_an_address_is_no_login(reading: Read) -> None:
    found = await reading(
        """<form method=post><label>Email <input name=email></label><label>Street <input name=line1></label>
        <label>Town <input name=town></label><label>Postcode <input name=code1></label>
        <label>Country <input name=land></label><button>Save</button></form>""",
        url="https://site.test/account/login/address",
    )
    assert found.kind is K.OTHER


WHOLE_PAGE = """<form id=page method=post action="/Default.aspx"><div class=top><a href=/>Home</a>
<input name=q placeholder="What are you looking for?"><input type=submit value=Search></div>
<div class=main><h2>{heading}</h2><p>{id}: <input name="ctl$a"></p><p>{pw}: <input type=password name="ctl$b"></p>
<input type=submit name="ctl$go" value="{go}"></div>
<div class=side><p>{mail}: <input name="ctl$c"></p><input type=submit value="{send}"></div></form>"""


@pytest.mark.parametrize(
    "words",
    [
        {"heading": "Sign in", "id": "Your e-mail", "pw": "Your password", "go": "Sign in", "mail": "Your e-mail",
         "send": "Request a new password"},
        {"heading": "Logowanie", "id": "Login", "pw": "Hasło", "go": "Zaloguj", "mail": "E-mail", "send": "Przypomnij"},
    ],
)  # fmt: skip
async def test_a_form_around_the_whole_page_is_several(reading: Read, words: dict[str, str]) -> None:
    found = await reading(WHOLE_PAGE.format(**words))
    assert found.kind is K.LOGIN
    assert [field.name for field in found.fields] == ["ctl$a", "ctl$b"]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == words["go"]


async def test_a_button_beside_each_field_does_not_part_a_form(reading: Read) -> None:
    found = await reading(
        """<form method=post><div><input name=u placeholder="User name"><button type=button>Clear</button></div>
        <div><input name=p type=password placeholder=Password><button type=button>Forgot?</button></div>
        <button>Log in</button></form>"""
    )
    assert [field.role for field in found.fields] == [R.IDENTIFIER, R.PASSWORD]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Log in"


@pytest.mark.parametrize("label", ["Request code", "Email me a sign-in link", "Get a code", "Anmeldecode senden"])
async def test_having_a_code_sent_is_the_way_on_where_no_password_is_asked(reading: Read, label: str) -> None:
    found = await reading(
        f"<h1>Sign in</h1><form method=post><label>Email <input type=email name=e></label><button>{label}</button></form>"
    )
    assert found.kind is K.LOGIN
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == label
    assert not found.choices


async def test_what_is_asked_after_a_code_does_not_say_whose_it_is(reading: Read) -> None:
    """Setting up an application for codes on the way in: the name is that of a device."""
    found = await reading(
        """<h1>Set up your authenticator</h1><form method=post><label>One-time code <input name=totp></label>
        <label>Device name <input name=userLabel></label><button>Submit</button></form>""",
        url="https://site.test/login/required",
    )
    assert found.kind is K.CODE
    assert [field.role for field in found.fields] == [R.TOTP, R.TEXT]


async def test_a_phone_and_the_code_sent_to_it_are_a_login(reading: Read) -> None:
    found = await reading(
        """<h1>Log in</h1><form method=post><input name=phone type=tel placeholder="Phone number">
        <input name=smscode placeholder="Verification code"><button>Log in</button></form>"""
    )
    assert found.kind is K.LOGIN


async def test_having_a_letter_sent_again_is_no_first_step(reading: Read) -> None:
    found = await reading(
        """<h1>Resend unlock instructions</h1><form method=post><label>Email <input type=email name=e></label>
        <button>Resend unlock instructions</button></form>"""
    )
    assert found.kind is not K.LOGIN


@pytest.mark.parametrize("label", ["Confirm password", "Passwort bestätigen", "Potwierdź hasło"])
async def test_one_password_to_confirm_is_the_one_there_is(reading: Read, label: str) -> None:
    found = await reading(
        f"""<form method=post><input type=password name=password autocomplete=new-password placeholder="{label}">
        <button>{label}</button></form>"""
    )
    assert found.kind is K.LOGIN
    assert [field.role for field in found.fields] == [R.PASSWORD]


@pytest.mark.parametrize(
    ("aside", "sends", "kind"),
    [
        ("<p>Already with us? <button>Log in</button></p>{fields}", "Register", K.SIGN_UP),
        ("<p>Masz już konto? <button>Zaloguj się</button></p>{fields}", "Zarejestruj się", K.SIGN_UP),
        ("{fields}<button>Not a member? Register</button>", "Continue", K.LOGIN),
        ("{fields}<button>Nie masz konta? Zarejestruj się</button>", "Dalej", K.LOGIN),
    ],
)
async def test_a_button_to_the_other_form_is_not_what_sends_this_one(
    reading: Read, aside: str, sends: str, kind: PageKind
) -> None:
    fields = "<label>Login <input name=nick></label>"
    fields += "<label>E-mail <input name=email></label>" if kind is K.SIGN_UP else ""
    fields += "<label>Password <input type=password name=pw></label>"
    found = await reading(f"<form method=post>{aside.format(fields=fields)}<button>{sends}</button></form>")
    assert found.kind is kind


LOOSE = """{over}<table><tr><td>{user}</td><td><input name=a1></td></tr>
<tr><td>{word}</td><td><input type=password name=a2> <input type=button value="{go}"></td></tr></table>"""


@pytest.mark.parametrize("words", [("User", "Password", "Log in"), ("Użytkownik", "Hasło", "Zaloguj"), ("A", "B", "C")])
@pytest.mark.parametrize("over", ["", "<div><input name=q placeholder=Search><button>Search</button></div>"])
async def test_a_password_beside_its_button_belongs_to_the_field_before(
    reading: Read, words: tuple[str, str, str], over: str
) -> None:
    user, word, go = words
    found = await reading(LOOSE.format(over=over, user=user, word=word, go=go))
    assert found.kind is K.LOGIN
    assert [field.name for field in found.fields] == ["a1", "a2"]


async def test_a_search_box_does_not_belong_to_the_password_below(reading: Read) -> None:
    found = await reading(
        """<div><div><input name=q placeholder=Search></div><h1>Enter your password</h1>
        <div><input type=password name=a2> <button>Next</button></div></div>"""
    )
    assert [field.name for field in found.fields] == ["a2"]


@pytest.mark.parametrize("words", ["Accept all", "Akceptuj wszystkie", "Zugur"])
async def test_a_button_of_a_layer_does_not_send_the_form_below(reading: Read, words: str) -> None:
    found = await reading(
        f"""<form method=post><input name=a1 placeholder=Login><input type=password name=a2></form>
        <div style="position:fixed;inset:0"><h2>We value your privacy</h2><button type=submit>{words}</button></div>"""
    )
    assert found.kind is K.LOGIN
    assert found.submit is not None
    assert found.submit.control is None


async def test_a_bar_at_the_bottom_may_send_the_form_above(reading: Read) -> None:
    found = await reading(
        """<form method=post id=f><input name=a1 placeholder=Login><input type=password name=a2></form>
        <div style="position:fixed;bottom:0"><button type=button>Log in</button></div>"""
    )
    assert found.submit is not None
    assert found.submit.control is not None


ONLY_NEW = """<h1>{head}</h1><form action="/next" method=post><label>{new} <input type=password name=pw autocomplete=new-password>
</label><label>{again} <input type=password name=pw2 autocomplete=new-password></label><button>{button}</button></form>"""


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("Aktualizacja", "Nowe hasło", "Powtórz hasło", "Wyślij"), K.RESET),
        (("Breyting", "Nýtt lykilorð", "Aftur", "Senda"), K.RESET),
        (("Załóż konto", "Nowe hasło", "Powtórz hasło", "Zarejestruj się"), K.SIGN_UP),  # the last step of one
    ],
)
async def test_new_passwords_alone_are_for_an_account_there_is(
    reading: Read, words: tuple[str, str, str, str], kind: PageKind
) -> None:
    head, new, again, button = words
    found = await reading(ONLY_NEW.format(head=head, new=new, again=again, button=button), url="https://site.test/act")
    assert found.kind is kind
    assert [field.role for field in found.fields] == [R.NEW_PASSWORD, R.NEW_PASSWORD]
