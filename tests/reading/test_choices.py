"""Ways to go on that are no fields: providers, methods, accounts; and what stands between a login and its end."""

import pytest

from flows.engine.reading.choices import masked_destination
from flows.engine.reading.model import ChoiceKind, MfaType, PageKind
from tests.reading.conftest import Read

LOGIN = """<form><label>Email<input type=email name=e></label><label>Password<input type=password></label>
<button>Sign in</button></form>"""


async def test_identity_providers_have_names(reading: Read) -> None:
    found = await reading(f"""{LOGIN}<button>Continue with Google</button><a href="/auth/github">Sign in with GitHub</a>
        <button aria-label="Sign in with Apple"><svg></svg></button><a href="/login/oidc/acme">Sign in with Acme ID</a>
        <a href="/saml/start">Single sign-on (SSO)</a><a href="https://www.facebook.com/acme">Facebook</a>
        <a href="https://play.google.com/store">Get it on Google Play</a>""")
    providers = [choice.provider for choice in found.choices if choice.kind is ChoiceKind.SSO_PROVIDER]
    assert providers == ["google", "github", "apple", "acme-id", "sso"]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Sign in"


async def test_a_code_instead_of_the_password_is_a_choice(reading: Read) -> None:
    found = await reading(f"""{LOGIN}<a href=/code>Send me a sign-in code</a><a href=/forgot>Forgot password?</a>
        <button>Sign in with a passkey</button>""")
    kinds = [(choice.label, choice.mfa_type) for choice in found.choices]
    assert kinds == [("Send me a sign-in code", MfaType.EMAIL), ("Sign in with a passkey", MfaType.PASSKEY)]


async def test_buttons_that_answer_the_same_question_are_all_choices(reading: Read) -> None:
    found = await reading("""<div class=alert>Choose your second factor</div><form method=post>
        <button name=way value=t><h4>Authenticator app</h4></button><button name=way value=x><h4>Company code</h4></button>
        <button name=stop>Leave</button></form><a href=/>Cancel</a>""")
    assert found.kind == PageKind.METHOD_CHOICE
    kinds = [(choice.label, choice.mfa_type) for choice in found.choices]
    assert kinds == [("Authenticator app", MfaType.TOTP), ("Company code", MfaType.OTHER)]


SOURCES = """<h2>Choose how to sign in</h2><form method=get><ul><li><input type=submit name=s1 value="Staff">
</li><li><input type=submit name=s2 value="Visitors"></li></ul></form><a href=/?l=de>Deutsch</a><a href=/?l=fr>Français</a>"""


async def test_a_page_of_answers_that_name_no_method(reading: Read) -> None:
    found = await reading(SOURCES)
    assert found.kind == PageKind.METHOD_CHOICE
    assert [(choice.label, choice.kind) for choice in found.choices] == [
        ("Staff", ChoiceKind.SIGN_IN_METHOD),
        ("Visitors", ChoiceKind.SIGN_IN_METHOD),
    ]


async def test_a_form_that_asks_for_the_organization_is_answered_by_its_buttons(reading: Read) -> None:
    found = await reading(SOURCES.replace("Choose how to sign in", "Select an organization"))
    assert found.kind == PageKind.ACCOUNT_PICKER
    assert [choice.label for choice in found.choices] == ["Staff", "Visitors"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Choose how to sign in", "The archive of the town"),  # nothing asks
        ('value="Visitors"', 'value="Cancel"'),  # an answer to another question
        ("</form>", "</form><button>Old</button><button>New</button><button>Hot</button><button>Dry</button>"),
        ("</form>", "</form><a href=/logout>Log out</a>"),
    ],
)
async def test_what_is_no_page_of_answers(reading: Read, old: str, new: str) -> None:
    assert (await reading(SOURCES.replace(old, new))).kind != PageKind.METHOD_CHOICE


METHODS = [
    ("Text a code to •••• 1234", MfaType.SMS, "•••• 1234"),
    ("Email a code to j***@example.com", MfaType.EMAIL, "j***@example.com"),
    ("Use your authenticator app", MfaType.TOTP, None),
    ("Call me at +1 ••• ••• 77", MfaType.CALL, "+1 ••• ••• 77"),
    ("Send a push notification", MfaType.PUSH, None),
    ("Use a security key", MfaType.PASSKEY, None),
    ("Enter your password", MfaType.PASSWORD, None),
    ("Try another way", MfaType.SWITCH, None),
]


@pytest.mark.parametrize("row", ["<button>{}</button>", "<div role=link tabindex=0>{}</div>", "<a href=#m>{}</a>"])
async def test_methods_in_rows(reading: Read, row: str) -> None:
    rows = "".join(f"<li>{row.format(label)}</li>" for label, _, _ in METHODS)
    found = await reading(f"<h1>Choose how you want to sign in</h1><ul>{rows}</ul>")
    assert found.kind == PageKind.METHOD_CHOICE
    assert [(c.label, c.mfa_type, c.masked_destination) for c in found.choices] == METHODS


async def test_methods_as_radios_need_the_button(reading: Read) -> None:
    found = await reading("""<h1>Verify your identity</h1><p>How should we send the code?</p><form>
        <label><input type=radio name=m value=sms> SMS to *** *** 89</label>
        <label><input type=radio name=m value=mail> Email to a*****@mail.test</label><button>Send code</button></form>""")
    assert found.kind == PageKind.METHOD_CHOICE
    assert [(c.mfa_type, c.needs_submit) for c in found.choices] == [(MfaType.SMS, True), (MfaType.EMAIL, True)]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Send code"


async def test_methods_as_a_drop_down(reading: Read) -> None:
    found = await reading("""<h1>Verify your identity</h1><p>Choose a method.</p><form>
        <select name=m><option>Text message to •••12<option>Phone call to •••12</select><button>Continue</button></form>""")
    assert found.kind == PageKind.METHOD_CHOICE
    assert [(c.mfa_type, c.select_in is not None) for c in found.choices] == [(MfaType.SMS, True), (MfaType.CALL, True)]


async def test_an_account_picker(reading: Read) -> None:
    found = await reading("""<h1>Choose an account</h1><ul><li><div role=link tabindex=0>Jane Doe jane@example.com</div>
        <li><div role=link tabindex=0>Work jane@work.test</div><li><div role=link tabindex=0>Use another account</div></ul>""")
    assert found.kind == PageKind.ACCOUNT_PICKER
    assert [choice.kind for choice in found.choices] == [ChoiceKind.ACCOUNT, ChoiceKind.ACCOUNT, ChoiceKind.OTHER]


async def test_an_organization_picker(reading: Read) -> None:
    found = await reading(
        """<h1>Select your organization</h1><ul><li><button>Acme Corp</button><li><button>Globex</button></ul>"""
    )
    assert found.kind == PageKind.ACCOUNT_PICKER
    assert [choice.label for choice in found.choices] == ["Acme Corp", "Globex"]


@pytest.mark.parametrize(
    ("html", "word"),
    [
        (
            "<h1>Check your phone</h1><p>Open the app and tap the number shown.</p><p>42</p><a href=#>Resend it</a>",
            "42",
        ),
        ("<h1>Check your email</h1><p>We sent you a link to j•••@example.com. Click the link to sign in.</p>", "link"),
        (
            "<h1>Use your security key</h1><p>Insert your security key and touch it.</p><button>Try another way</button>",
            "touch",
        ),
    ],
)
async def test_what_must_be_done_elsewhere(reading: Read, html: str, word: str) -> None:
    found = await reading(html)
    assert found.kind == PageKind.EXTERNAL_ACTION
    assert found.instruction is not None
    assert word in found.instruction


@pytest.mark.parametrize(
    ("html", "accept", "decline"),
    [
        ("<h1>Stay signed in?</h1><p>Do this to sign in less often.</p><button>No</button><button>Yes</button>", "Yes", "No"),
        ("<h1>Trust this browser?</h1><button>Trust</button><button>Don't trust</button>", "Trust", "Don't trust"),
        ("<h1>Sign in faster with a passkey</h1><button>Create a passkey</button><button>Not now</button>", None, "Not now"),
        ("<h1>Add a phone number</h1><p>Keep your account secure.</p><button>Add</button><button>Skip</button>", None, "Skip"),
        ("<h1>Acme wants access to your account</h1><ul><li>Read your profile</ul><button>Cancel</button><button>Authorize</button>", "Authorize", "Cancel"),
        ("<h1>Angemeldet bleiben?</h1><button>Nein</button><button>Ja</button>", "Ja", "Nein"),
    ],
)  # fmt: skip
async def test_interstitials_have_two_answers(reading: Read, html: str, accept: str | None, decline: str) -> None:
    found = await reading(html)
    assert found.kind == PageKind.INTERSTITIAL
    if accept is not None:
        assert found.accept is not None
        assert found.accept.label == accept
    assert found.decline is not None
    assert found.decline.label == decline


async def test_a_cookie_banner_over_the_form_can_be_closed(reading: Read) -> None:
    found = await reading(f"""{LOGIN}<div id=consent style="position:fixed;inset:0;background:#fff">
        <p>We use cookies.</p><button>Accept all</button><button>Reject all</button></div>""")
    assert found.kind == PageKind.LOGIN
    assert [control.label for control in found.dismiss] == ["Reject all"]


async def test_a_shop_s_front_page_is_no_choice_of_methods(reading: Read) -> None:
    links = "".join(f"<a href=/{n}>{word}</a> " for n, word in enumerate(
        ["Phones", "Email", "App", "Call", "Notifications", "Security", "Face", "Push", "Voice", "Text", "Prompt", "Certificate", "Help", "Careers", "Press", "Blog"]
    ))  # fmt: skip
    found = await reading(
        f"<h1>Acme</h1>{links}<p>Shop in the app, on your phone.</p><a href=/x>Deals</a><a href=/y>New</a>"
    )
    assert found.kind == PageKind.OTHER


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Code to j***e@ex***.com", "j***e@ex***.com"),
        ("Text (***) ***-**89", "(***) ***-**89"),
        ("phone ending in 4321", "4321"),
        ("Enter the code", None),
        ("Continue as Max Xu", None),
    ],
)
def test_masked_destinations(text: str, masked: str | None) -> None:
    assert masked_destination(text) == masked


CONSENT = """<h2>{what}</h2><p>Photo Studio</p><ul><li>openid<li>profile</ul><form method=post><button>{yes}</button>
<button name=no>{no}</button></form>"""


@pytest.mark.parametrize(
    ("url", "what", "yes", "no"),
    [
        ("https://site.test/oauth2/authorize", "…", "قبول", "رفض"),
        ("https://site.test/consent/7", "…", "Zezwól", "Odmów"),
        ("https://site.test/x", "Photo Studio запрашивает ваше разрешение", "Да, разрешить", "Нет"),
        ("https://site.test/x", "L'application Photo Studio demande l'autorisation", "Accepter", "Refuser"),
    ],
)
async def test_consent_by_its_address_or_by_its_words(reading: Read, url: str, what: str, yes: str, no: str) -> None:
    found = await reading(CONSENT.format(what=what, yes=yes, no=no), url=url)
    assert found.kind == PageKind.INTERSTITIAL
    assert found.accept is not None
    assert found.accept.label == yes


async def test_a_yes_and_a_no_elsewhere_are_no_consent(reading: Read) -> None:
    found = await reading(CONSENT.format(what="…", yes="قبول", no="رفض"), url="https://site.test/x")
    assert found.kind == PageKind.OTHER


YOU = """<h1>{head}</h1><p>Robin</p><p>@robin:corner.test</p><form method=post><button>{yes}</button></form>
<form method=post action=/logout><button>{other}</button></form><a href=/terms>Terms</a>"""


@pytest.mark.parametrize(
    "words",
    [
        {"head": "Continue to Inbox?", "yes": "Continue", "other": "Use another account"},
        {"head": "Weiter zu Inbox?", "yes": "Weiter", "other": "Ein anderes Konto verwenden"},
        {"head": "Inbox", "yes": "Kontynuuj", "other": "Użyj innego konta"},
    ],
)
async def test_whether_to_go_on_as_this_account(reading: Read, words: dict[str, str]) -> None:
    """The way to another account is no sign-out, though it is sent to the same place."""
    found = await reading(YOU.format(**words))
    assert found.kind == PageKind.INTERSTITIAL
    assert found.accept is not None
    assert found.accept.label == words["yes"]
    assert found.sign_out is None


@pytest.mark.parametrize(
    "said", ["Wählen Sie Ihre Heimateinrichtung", "Select your identity provider", "Pasirinkite savo tapatybių tiekėją"]
)
async def test_where_a_federation_asks_from_where_one_comes(reading: Read, said: str) -> None:
    found = await reading(
        f"""<h2>{said}</h2><form><ul><li><input type=submit name=a value="North College"></li>
        <li><input type=submit name=b value="South College"></li></ul></form>"""
    )
    assert found.kind == PageKind.ACCOUNT_PICKER
    assert [choice.label for choice in found.choices] == ["North College", "South College"]


async def test_a_page_headed_by_a_lock_out(reading: Read) -> None:
    found = await reading(
        """<h1>Account locked</h1><p>Ask your administrator.</p>
        <form action=/logout method=post><button>Sign in</button></form><a href=/privacy>Privacy</a>"""
    )
    assert found.kind != PageKind.SIGNED_IN
    assert found.message is not None
    assert found.message.locked_out


async def test_a_page_that_is_about_locks_locks_nobody_out(reading: Read) -> None:
    links = "".join(f"<a href='/p{number}'>Lock {number}</a> " for number in range(9))
    assert (await reading(f"<h1>Locked and unlocked doors</h1>{links}")).message is None


WAYS = "<h1>{head}</h1><form method=post>{rows}</form><a href=/other>{other}</a>"
ROW = "<button class=row name=way value={number}><b>{name}</b> <span>{told}</span></button>"


async def test_what_stands_in_line_with_known_methods_is_one(reading: Read) -> None:
    names = [
        ("Authenticator app", "Enter a code from the app"),
        ("Passkey", "Use your passkey"),
        ("Qwertz", "Enter the zzz"),
    ]
    rows = "".join(ROW.format(number=n, name=name, told=told) for n, (name, told) in enumerate(names))
    rows += "<button class=quiet>Cancel</button>"
    found = await reading(WAYS.format(head="Select how to sign in", rows=rows, other="Try another way"))
    assert found.kind == PageKind.METHOD_CHOICE
    kinds = [choice.mfa_type for choice in found.choices]
    assert kinds == [MfaType.TOTP, MfaType.PASSKEY, MfaType.SWITCH, MfaType.OTHER]


@pytest.mark.parametrize(
    ("head", "use", "other"),
    [
        ("Passkey login", "Sign in with your passkey", "Try another way"),
        ("Anmeldung mit Passkey", "Mit Passkey anmelden", "Einen anderen Weg versuchen"),
        ("Inicio de sesión", "Iniciar sesión con la clave de seguridad", "Probar otra forma"),
    ],
)
async def test_a_passkey_or_another_way(reading: Read, head: str, use: str, other: str) -> None:
    found = await reading(
        f"<h1>{head}</h1><form><input type=button value='{use}'></form><a href=/other>{other}</a>",
        url="https://site.test/login",
    )
    assert found.kind == PageKind.METHOD_CHOICE
    assert [choice.mfa_type for choice in found.choices] == [MfaType.PASSKEY, MfaType.SWITCH]


@pytest.mark.parametrize(
    "words",
    [
        ("Confirm your e-mail address", "We wrote to robin@corner.test.", "Haven't received a letter?"),
        ("Adresse bestätigen", "An robin@corner.test ging eine Nachricht.", "Keinen Code erhalten?"),
        ("Adres e-mail", "Wiadomość: r****n@corner.test", "Nie otrzymałeś? Wyślij ponownie"),
    ],
)
async def test_an_address_that_was_written_to_and_a_way_to_have_it_written_to_again(
    reading: Read, words: tuple[str, str, str]
) -> None:
    head, told, again = words
    found = await reading(f"<h1>{head}</h1><p>{told}</p><p>{again} <a href=/again>OK</a></p>")
    assert found.kind == PageKind.EXTERNAL_ACTION


async def test_answers_that_only_their_names_tell(reading: Read) -> None:
    """In a language of no table."""
    found = await reading(
        """<h2>…</h2><ul><li>profile</ul><form method=post><input type=submit name=accept value="დიახ">
        <input type=submit name=cancel value="არა"></form>""",
        url="https://site.test/consent",
    )
    assert found.kind == PageKind.INTERSTITIAL
    assert found.accept is not None
    assert found.accept.label == "დიახ"
    assert found.decline is not None
    assert found.decline.label == "არა"


async def test_what_closes_a_notice_is_no_method(reading: Read) -> None:
    found = await reading("""<h1>Weryfikacja</h1><form><label>Kod z aplikacji uwierzytelniającej<input name=kod></label>
        <button>Potwierdź</button></form><div role=alert>Nieprawidłowy e-mail lub hasło.<button aria-label=Close>×</button>
        </div>""")
    assert found.kind == PageKind.CODE
    assert not found.choices


async def test_the_tabs_of_a_login_that_are_not_shown_are_ways_to_sign_in(reading: Read) -> None:
    found = await reading("""<h1>Sign in</h1><div role=tablist><button role=tab aria-selected=true>Email code</button>
        <button role=tab aria-selected=false>Password</button><button role=tab aria-selected=false>Sign up</button></div>
        <div role=tabpanel><label>Email<input type=email name=e></label><button>Send code</button></div>""")
    assert found.kind == PageKind.LOGIN
    assert [(choice.label, choice.mfa_type) for choice in found.choices] == [("Password", MfaType.PASSWORD)]


async def test_a_card_to_choose_from_is_sent_by_a_button_that_waits_for_it(reading: Read) -> None:
    card = "<label style='display:flex;flex-direction:column'><input type=radio name=m value={}><span>{}</span><span>{}</span></label>"
    found = await reading(f"""<h2>Bestätigen Sie Ihre Identität</h2><p>Wie möchten Sie den Code erhalten?</p>
        {card.format("s", "SMS", "an •••• 42")}{card.format("a", "Authenticator-App", "aus der App")}
        <button type=button disabled>Weiter</button>""")
    assert found.kind == PageKind.METHOD_CHOICE
    assert [choice.label for choice in found.choices] == ["SMS an •••• 42", "Authenticator-App aus der App"]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Weiter"
