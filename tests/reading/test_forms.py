"""Forms as sites write them: which page it is, its fields, and what sends them."""

import pytest

from flows.engine.reading.model import CheckboxMeaning, FieldRole, PageKind, SubmitBy
from tests.reading.conftest import Read

R = FieldRole
K = PageKind

FORMS: dict[str, tuple[str, PageKind, list[FieldRole], str | None]] = {
    "labels by for": (
        """<form><label for=a>User name</label><input id=a><label for=b>Password</label><input id=b type=password>
        <button>Log in</button></form>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Log in",
    ),
    "placeholders only": (
        """<form><input placeholder="Email address" type=email><input type=password placeholder=Password>
        <input type=submit value="Sign in"></form>""",
        K.LOGIN, [R.EMAIL, R.PASSWORD], "Sign in",
    ),
    "table": (
        """<form><table><tr><td>Login:<td><input name=x1><tr><td>Password:<td><input type=password name=x2>
        <tr><td><td><input type=submit value=OK></table></form>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "OK",
    ),
    "a code under a step of a list, called by the page what it is": (
        """<h1>Kies een methode</h1><h3><button>Authenticator-app</button></h3><div><p>Vul de code uit uw
        authenticator-app in.</p><label for=c>Code</label><input id=c name=code><button>Bevestigen</button></div>""",
        K.CODE, [R.TOTP], "Bevestigen",
    ),
    "no form element, clickable div": (
        """<div class=box><h1>Sign in</h1><div>Email</div><input class=i><div>Password</div><input type=password>
        <div role=button tabindex=0>Sign in</div></div>""",
        K.LOGIN, [R.EMAIL, R.PASSWORD], "Sign in",
    ),
    "identifier first": (
        """<h1>Sign in</h1><form><input name=identifier aria-label="Email or phone" autocomplete="username webauthn">
        <button type=button>Forgot email?</button><button>Next</button></form>""",
        K.LOGIN, [R.IDENTIFIER], "Next",
    ),
    "password step": (
        """<h1>Welcome</h1><p>jane@example.com</p><form><input type=password name=password aria-label="Enter your password"
        autocomplete=current-password><label><input type=checkbox> Show password</label><button>Next</button></form>""",
        K.LOGIN, [R.PASSWORD, R.CHECKBOX], "Next",
    ),
    "phone": (
        """<h2>Log in</h2><form><input type=tel name=phone placeholder="Phone number"><button>Continue</button></form>""",
        K.LOGIN, [R.PHONE], "Continue",
    ),
    "three fields with tenant": (
        """<form><label>Company ID<input name=tenant required></label><label>User name<input name=user></label>
        <label>Password<input type=password name=pw></label><button>Log in</button></form>""",
        K.LOGIN, [R.TEXT, R.IDENTIFIER, R.PASSWORD], "Log in",
    ),
    "code on the form of the password": (
        """<form><label>Email<input type=email name=email></label><label>Password<input type=password name=p></label>
        <label>Two-factor code (if enabled)<input name=otp autocomplete=one-time-code></label><button>Log in</button></form>""",
        K.LOGIN, [R.EMAIL, R.PASSWORD, R.CODE], "Log in",
    ),
    "other ways to a code beside the button that takes it": (
        """<h1>Login</h1><p>Please enter the token of your token generator.</p><form><input type=hidden name=step>
        <label for=t>Token:</label><input id=t name=otp_token maxlength=6 autocomplete=one-time-code>
        <input type=submit value="" hidden>
        <p>Or use another way:</p><button name=device value=2 type=submit>Call number +31 ** *** **21</button>
        <button name=device value=1 type=submit>Send text message to +31 ** *** **67</button>
        <button name=go value=back type=submit>Back</button><button type=submit>Next</button></form>""",
        K.CODE, [R.CODE], "Next",
    ),
    "code by mail": (
        """<h1>Check your email</h1><p>We sent a 6-digit verification code to j•••@example.com</p><form>
        <input name=code inputmode=numeric maxlength=6 aria-label="Verification code"><button>Verify</button></form>
        <a href=#>Resend code</a>""",
        K.CODE, [R.CODE], "Verify",
    ),
    "authenticator": (
        """<h1>Two-factor authentication</h1><p>Open your authenticator app and enter the code.</p><form>
        <label>Authentication code<input name=otp autocomplete=one-time-code></label><button>Verify</button></form>""",
        K.CODE, [R.TOTP], "Verify",
    ),
    "recovery code": (
        """<h1>Recovery code</h1><form><label>Enter one of your recovery codes<input name=recovery_code></label>
        <button>Verify</button></form>""",
        K.CODE, [R.RECOVERY_CODE], "Verify",
    ),
    "sign up": (
        """<h1>Create your account</h1><form><label>Full name<input name=name></label><label>Email<input type=email name=e></label>
        <label>Password<input type=password name=p1></label><label>Confirm password<input type=password name=p2></label>
        <label><input type=checkbox> I agree to the terms</label><button>Create account</button></form>""",
        K.SIGN_UP, [R.TEXT, R.EMAIL, R.NEW_PASSWORD, R.NEW_PASSWORD, R.CHECKBOX], "Create account",
    ),
    "reset": (
        """<h1>Forgot your password?</h1><p>Enter your email and we will send you a link.</p><form>
        <input type=email name=email placeholder=Email><button>Reset password</button></form>""",
        K.RESET, [R.EMAIL], "Reset password",
    ),
    "search before the login": (
        """<form action=/search><input type=search name=q placeholder=Search><button>Go</button></form>
        <form action=/login><label>Username<input name=u></label><label>Password<input type=password name=p></label>
        <button>Log In</button></form>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Log In",
    ),
    "newsletter after the login": (
        """<form><label>Email<input type=email name=login></label><label>Password<input type=password></label><button>Sign in</button></form>
        <footer><form action=/newsletter><p>Subscribe to our newsletter</p><input type=email name=nl><button>Subscribe</button></form></footer>""",
        K.LOGIN, [R.EMAIL, R.PASSWORD], "Sign in",
    ),
    "masked text field": (
        """<form><label>Customer number<input name=kn></label><label>PIN<input name=pin style="-webkit-text-security:disc"></label>
        <button>Log in</button></form>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Log in",
    ),
    "a language nobody knows": (
        """<h1>Zorb quim</h1><form><label>Frellik<input name=a1></label><label>Wuzzo<input type=password name=a2></label>
        <button>Zorb</button></form><a href=#>Wuzzo norbli?</a>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Zorb",
    ),
    "two-column labels over fields": (
        """<form><div style="display:flex"><div style="width:200px">User</div><div style="width:200px">Password</div></div>
        <div style="display:flex"><input name=f1 style="width:194px"><input name=f2 type=password style="width:194px"></div>
        <a href="javascript:void(0)" onclick="1" class=btn>Login</a></form>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Login",
    ),
    "code and its kind in one name, on a page for another": (
        """<title>Account login</title><h1>Secondary verification</h1><div>
        <label>Phone verification code<input id=bypassTwoFactorPhoneCode></label><input name=phone type=tel aria-label=Phone>
        <button>Verify</button></div>""",
        K.LOGIN, [R.CODE, R.PHONE], "Verify",
    ),
    "a short field where the heading speaks of two factors": (
        """<title>Login</title><h1>Two-Factor Authentication</h1><form action=/login/second>
        <p>Your second factor is required to complete login.</p>
        <input name=key id=key maxlength=6 autocomplete=off><button>Login</button></form>""",
        K.CODE, [R.CODE], "Login",
    ),
    "a button for people who cannot sign in, beside one without words of its own": (
        """<h1>Вход</h1><label>Логин<input name=u></label><label>Пароль<input type=password name=p></label>
        <button type=button name=help>Не могу войти</button><button type=button name=go>Войти</button>""",
        K.LOGIN, [R.IDENTIFIER, R.PASSWORD], "Войти",
    ),
    "the user name alone, filled in by the browser": (
        """<title>Tax office: log in</title><form><label>Numéro fiscal<input name=spi autocomplete=username
        maxlength=13 inputmode=numeric></label><button type=button>Mot de passe oublié</button><button>OK</button></form>""",
        K.LOGIN, [R.IDENTIFIER], "OK",
    ),
    "a password to be chosen": (
        """<div><label>Enter new username<input name=a></label><label>Email or phone number<input name=b></label>
        <label>Set a password<input type=password name=c></label><div role=button tabindex=0>Next</div></div>""",
        K.SIGN_UP, [R.IDENTIFIER, R.IDENTIFIER, R.NEW_PASSWORD], "Next",
    ),
    "show button inside the field": (
        """<form><label>Email<input type=email></label><label>Password<input type=password></label>
        <button type=button>Show</button><button type=submit>Continue</button></form>""",
        K.LOGIN, [R.EMAIL, R.PASSWORD], "Continue",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_is_read(reading: Read, name: str) -> None:
    html, kind, roles, submit = FORMS[name]
    found = await reading(html)
    assert found.kind == kind, found.reasons
    assert [field.role for field in found.fields] == roles
    assert found.submit is not None
    assert (found.submit.control.label if found.submit.control else None) == submit


async def test_a_code_over_six_boxes_is_one_field_that_submits_by_itself(reading: Read) -> None:
    boxes = "".join(
        f'<input maxlength=1 inputmode=numeric aria-label="Digit {n}" style="width:40px">' for n in range(1, 7)
    )
    found = await reading(f"<h1>Enter the code</h1><p>We texted a code to your phone.</p><div>{boxes}</div>")
    assert found.kind == PageKind.CODE
    assert [len(field.boxes) for field in found.fields] == [6]
    assert found.fields[0].role is FieldRole.CODE
    assert found.submit is not None
    assert found.submit.by is SubmitBy.ITSELF


async def test_the_boxes_of_a_code_are_known_by_their_numbers(reading: Read) -> None:
    boxes = "".join(f'<input id=email-otp-input-{n} aria-label="email-otp-input-{n}">' for n in range(6))
    found = await reading(
        f"""<h1>Verify your e-mail</h1><label>Email<input type=email readonly value=a@b.c></label><div>{boxes}</div>
        <button>Verify</button>"""
    )
    assert [len(field.boxes) for field in found.fields if field.role is FieldRole.CODE] == [6]
    numbered = "".join(f'<label>Line {n}<input name="address{n}"></label>' for n in range(4))
    found = await reading(f"<h1>Sign in</h1><form>{numbered}<input type=password><button>Sign in</button></form>")
    assert found.kind is PageKind.LOGIN
    assert not any(field.role is FieldRole.CODE for field in found.fields), found.fields


async def test_an_address_to_pay_for_something_is_no_login(reading: Read) -> None:
    found = await reading(
        """<h2>Contact</h2><div><label>Email<input type=email name=e></label>
        <label>Phone number<input type=tel name=phone></label></div>
        <h2>Payment</h2><form><label>Card number<input name=cardNumber></label><label>CVV<input name=cvv></label>
        <button>Pay</button></form>"""
    )
    assert found.kind is not PageKind.LOGIN


async def test_without_a_button_enter_submits(reading: Read) -> None:
    found = await reading(
        "<form><input name=user placeholder=Username><input type=password placeholder=Password></form>"
    )
    assert found.submit is not None
    assert found.submit.by is SubmitBy.ENTER


async def test_boxes_to_tick_have_a_meaning(reading: Read) -> None:
    found = await reading("""<form><label>Email<input type=email></label><label>Password<input type=password></label>
        <label><input type=checkbox name=r> Keep me signed in</label>
        <label><input type=checkbox name=t> I accept the terms of use</label><button>Log in</button></form>""")
    assert [field.checkbox for field in found.fields if field.checkbox] == [
        CheckboxMeaning.REMEMBER,
        CheckboxMeaning.TERMS,
    ]


async def test_field_names_are_unique_and_selectors_find_their_element(reading: Read, page: object) -> None:
    found = await reading("""<form><div><input name=x placeholder=Username></div><div><input type=password name=x placeholder=Password></div>
        <button>Log in</button></form>""")
    assert [field.name for field in found.fields] == ["x", "x_2"]
    for field, kind in zip(found.fields, ("text", "password"), strict=True):
        assert await page.eval_on_selector(field.selector, "el => el.type") == kind  # type: ignore[attr-defined] # the driver's page


async def test_a_home_page_leads_to_its_login(reading: Read) -> None:
    found = await reading("""<nav><a href=/shop>Shop</a><a href=/about>About us</a><a href=/signup>Sign up</a>
        <a href=/account/login>Log in</a></nav><h1>Tea and cakes</h1><p>Best in town.</p>
        <form role=search><input name=q aria-label=Search><button>Search</button></form>""")
    assert found.kind == PageKind.OTHER
    assert found.fields == ()
    assert [link.label for link in found.login_links][:1] == ["Log in"]
    assert found.signed_in_score < 0.2


async def test_a_button_that_opens_the_login_is_an_opener(reading: Read) -> None:
    found = await reading("<header><button>Sign in</button></header><h1>Chess club</h1><p>News of the week.</p>")
    assert [opener.label for opener in found.openers] == ["Sign in"]


async def test_a_page_of_a_signed_in_person(reading: Read) -> None:
    found = await reading("""<header><a href=/profile>My account</a><form action=/logout method=post><button>Log out</button></form>
        </header><h1>Dashboard</h1><p>Signed in as jane</p><a href=/a>Orders</a><a href=/b>Invoices</a>""")
    assert found.kind == PageKind.SIGNED_IN
    assert found.sign_out is not None
    assert found.sign_out.label == "Log out"
    assert found.signed_in_score > 0.7


async def test_a_sign_out_in_a_closed_menu_counts(reading: Read) -> None:
    found = await reading("""<header><button aria-haspopup=menu aria-expanded=false>Jane</button>
        <ul hidden><li><a href=/settings>Settings</a><li><a href=/signout>Sign out</a></ul></header><h1>Inbox</h1>""")
    assert found.kind == PageKind.SIGNED_IN


async def test_a_template_s_hidden_sign_out_beside_a_login_form_does_not_count(reading: Read) -> None:
    found = await reading("""<ul style="display:none"><li><a href=/logout>Log out</a></ul>
        <form><label>Username<input name=u></label><label>Password<input type=password></label><button>Log in</button></form>""")
    assert found.kind == PageKind.LOGIN
    assert found.signed_in_score < 0.2


async def test_a_button_that_only_says_account_may_open_a_login(reading: Read) -> None:
    found = await reading("<h1>Notes</h1><p>Read public notes here.</p><button>Account</button>")
    assert [control.label for control in found.account_openers] == ["Account"]
    better = await reading("<h1>Notes</h1><button>Account</button><a href=/enter>Log in</a>")
    assert better.account_openers == ()


async def test_what_stands_beside_a_field_names_it_better_than_the_example_in_it(reading: Read) -> None:
    found = await reading("""<h1>Login</h1><form><table>
        <tr><th>Server<td><input name="auth[server]" placeholder="localhost" title="hostname[:port]">
        <tr><th>Username<td><input name="auth[username]" autocomplete=username>
        <tr><th>Password<td><input type=password name="auth[password]" autocomplete=current-password>
        <tr><th>Database<td><input name="auth[db]"></table><input type=submit value=Login></form>""")
    assert [(field.label, field.role) for field in found.fields] == [
        ("Server", FieldRole.TEXT),
        ("Username", FieldRole.IDENTIFIER),
        ("Password", FieldRole.PASSWORD),
        ("Database", FieldRole.TEXT),
    ]
    assert found.fields[0].placeholder == "localhost"


async def test_a_label_that_nothing_ties_to_its_field_says_more_than_an_example_of_digits(reading: Read) -> None:
    found = await reading(
        """<div><label>User</label><input id=u disabled></div><div><label>Password</label>
        <input id=p type=password disabled></div><div><label style=display:block>Security code (from your authenticator)</label>
        <input id=c placeholder=000000></div><button>Continue</button>""",
        url="https://site.test/login",
    )
    assert [(field.role, field.label) for field in found.fields] == [
        (R.TOTP, "Security code (from your authenticator)")
    ]
