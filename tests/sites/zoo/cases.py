"""The table of behaviours: how to set each up, what a person would answer, how it must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from flows.engine.contract import ErrorCode
from tests.sites.zoo import choosers, elsewhere, factors, passwordless, passwords, places, questions, trouble
from tests.sites.zoo.passwordless import PHONE
from tests.sites.zoo.questions import WORD
from tests.sites.zoo.shell import Variant
from tests.sites.zoo.site import CODE, MAIL, PASSWORD, SEED, USER, Zoo

EVERY = tuple(Variant)
DOCUMENT = (Variant.PLAIN,)
STORED: Mapping[str, str] = {"username": USER, "password": PASSWORD}
TYPED: Mapping[str, tuple[str, ...]] = {"username": (USER,), "password": (PASSWORD,)}
CODED = {**TYPED, "code": (CODE,), "totp_code": (CODE,)}


@dataclass(frozen=True, slots=True)
class Case:
    """`person` answers by ref, one value after the other, and `picks` choices by a part of their label. `stored`
    are the values of a credential (None: no stored login possible).
    `elsewhere` is done outside the browser once the person is told to; `seed` is in the credential as well."""

    name: str
    build: Callable[[Zoo], None]
    variants: tuple[Variant, ...] = EVERY
    lang: str = "en"
    person: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(TYPED))
    picks: tuple[str, ...] = ()
    stored: Mapping[str, str] | None = field(default_factory=lambda: dict(STORED))
    helped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what a person adds to stored values
    seed: str | None = None
    sso: str | None = None
    provider: bool = False
    allowed: bool = True  # the provider's host is among the allowed domains
    tls: bool = False  # with a certificate that nobody vouches for
    handed: bool = False  # somebody on the hosted page is asked to go on by hand
    again: bool = False  # this profile was logged in before; then nothing is asked or sent
    elsewhere: bool = False
    from_start: bool = False
    ends: ErrorCode | None = None
    stored_ends: ErrorCode | None = None
    alone: bool = False  # with stored values nothing at all is asked
    attempts: int | None = 1  # passwords that arrive at the site
    codes: int | None = None  # the same of codes, where it matters


def _in(place: str) -> Callable[[Zoo], None]:
    return partial(trouble.token_in, place)


CODES = {"code": (CODE,), "totp_code": (CODE,)}
MAILED = {"username": (MAIL,), **CODES}
CASES: tuple[Case, ...] = (
    Case("one page", passwords.plain),
    *(Case(f"one page, {lang}", passwords.plain, DOCUMENT, lang=lang) for lang in passwords.WORDS if lang != "en"),
    Case("identifier first", passwords.identifier_first),
    Case("tenant field", passwords.tenant,
         person={**TYPED, "account": ("480012345678",)}, stored={**STORED, "account": "480012345678"}),
    Case("lists to choose from", passwords.lists, DOCUMENT, lang="de", attempts=2,
         person={"username": (USER, USER), "password": (PASSWORD, PASSWORD),
                 "domain": ("Wirtschaft", "verwaltung", "d2"), "role": ("Lehrkraft",)},
         stored={**STORED, "domain": "Verwaltung"},
         helped={**{name: (value,) for name, value in STORED.items()}, "domain": ("d2",), "role": ("Lehrkraft",)}),
    Case("customer number and PIN", passwords.customer_number),
    Case("terms to accept", passwords.terms),
    Case("cookie banner over the form", passwords.cookie_banner),
    Case("kinds of identifier", passwords.kinds_of_identifier,
         person={"username": (MAIL,), "password": (PASSWORD,)}, stored={"email": MAIL, "password": PASSWORD}),
    Case("wrong password", passwords.plain, person={"username": (USER, USER), "password": ("wrong", PASSWORD)},
         stored={"username": USER, "password": "wrong"}, helped=dict(TYPED), attempts=2),
    Case("wrong password, identifier first", passwords.identifier_first,
         person={"username": (USER,), "password": ("wrong", PASSWORD)},
         stored={"username": USER, "password": "wrong"}, helped={"password": (PASSWORD,)}, attempts=2),
    *(Case(f"refusal on a page of its own, {lang}", passwords.refused_elsewhere, lang=lang,
           person={"username": (USER, USER), "password": ("wrong", PASSWORD)},
           stored={"username": USER, "password": "wrong"}, helped=dict(TYPED), attempts=2) for lang in ("en", "pl")),
    Case("code refused on a page of its own", factors.refused_elsewhere,
         person={**TYPED, "code": ("AAAAAA", "K7Q-P2X")}, helped={"code": ("AAAAAA", "K7Q-P2X")}, attempts=2),
    Case("code refused on a page of its own, with the code's page left", factors.refused_on_the_way, DOCUMENT,
         person={**TYPED, "code": ("AAAAAA", "K7Q-P2X")}, helped={"code": ("AAAAAA", "K7Q-P2X")}, codes=2),
    Case("lock-out", passwords.locked_out, person={"username": (USER, USER), "password": ("wrong", "worse")},
         stored=None, ends=ErrorCode.ACCOUNT_LOCKED, attempts=2),
    Case("remember me needed", passwords.remember_needed, DOCUMENT),
    Case("authenticator code", factors.app_code, person=CODED, seed=SEED),
    Case("authenticator code of 8 digits", factors.long_app_code, person=CODED,
         seed=f"otpauth://totp/x?secret={SEED}&algorithm=SHA512&digits=8&period=60"),
    Case("recovery code", factors.app_code, person={**TYPED, "recovery_code": ("a1b2c-d3e4f",)},
         picks=("recovery code",), stored=None),
    Case("mailed code, wrong once", factors.mailed_code, person={**TYPED, "code": ("AAAAAA", "K7Q-P2X")},
         helped={"code": ("AAAAAA", "K7Q-P2X")}, seed=SEED),
    Case("code sent again", factors.lost_code, person={**TYPED, "code": ("K7Q-P2X",)}, picks=("Resend",),
         helped={"code": ("K7Q-P2X",)}),
    Case("split boxes", factors.boxes, person=CODED, helped=CODES),
    Case("code to be requested", factors.requested, person=CODED, helped=CODES),
    Case("code requested in place", factors.requested_in_place, person=CODED, helped=CODES),
    Case("code on the same form", factors.same_form, person=CODED, seed=SEED),
    Case("form comes back with a code", factors.form_again, person=CODED, seed=SEED, attempts=2),
    Case("code sent by a script", factors.eager, person={**TYPED, "code": ("AAAAAA", CODE)},
         helped={"code": ("AAAAAA", CODE)}, codes=2),
    Case("form comes back with a code sent by a script", partial(factors.form_again, eager=True), DOCUMENT,
         person={**TYPED, "totp_code": ("000000", CODE)}, helped={"totp_code": ("000000", CODE)}, attempts=3, codes=2),
    Case("methods as rows", factors.methods_by_rows, person=CODED, picks=("Get a verification code at",), seed=SEED),
    Case("methods as radios", factors.methods_by_radio, person=CODED, picks=("Email",), helped=CODES),
    Case("methods in a list", factors.methods_by_list, person=CODED, picks=("SMS",), seed=SEED),
    Case("methods as buttons", factors.methods_by_buttons, person=CODED, picks=("Text message",), seed=SEED),
    Case("push with a number", elsewhere.push, elsewhere=True),
    Case("push, code instead", elsewhere.push, person=CODED, picks=("I can't use",), helped=CODES),
    Case("e-mailed link", elsewhere.link, person={"username": (MAIL,)},
         stored={"email": MAIL}, elsewhere=True, attempts=0),
    Case("security key, code instead", elsewhere.security_key, person=CODED, picks=("authenticator app",), seed=SEED),
    Case("passkey only", elsewhere.passkey_only, stored_ends=ErrorCode.UNSUPPORTED_AUTH_METHOD,
         ends=ErrorCode.UNSUPPORTED_AUTH_METHOD, handed=True, attempts=0),
    Case("passkey first", elsewhere.passkey_first, picks=("password",)),
    Case("account picker", choosers.account_picker, person={"password": (PASSWORD,)}, picks=(MAIL,),
         stored={"email": MAIL, "password": PASSWORD}, alone=True),
    Case("organization picker", choosers.organization_picker, picks=("Globex",)),
    Case("provider by redirect", choosers.sso, DOCUMENT, person=CODED, picks=("Acme",), provider=True, sso="acme",
         seed=SEED, attempts=0),
    Case("provider in a window", partial(choosers.sso, popup=True), DOCUMENT, person=CODED, picks=("Acme",),
         provider=True, sso="acme", seed=SEED, attempts=0),
    Case("captcha in the way", trouble.captcha, elsewhere=True),
    Case("captcha that nobody solves", trouble.captcha, DOCUMENT, ends=ErrorCode.CAPTCHA_BLOCKED,
         stored_ends=ErrorCode.CAPTCHA_BLOCKED),
    Case("bot wall", trouble.bot_wall, DOCUMENT, ends=ErrorCode.BOT_DETECTED, stored_ends=ErrorCode.BOT_DETECTED,
         attempts=0),
    Case("maintenance", trouble.maintenance, DOCUMENT, ends=ErrorCode.SITE_UNREACHABLE,
         stored_ends=ErrorCode.SITE_UNREACHABLE, attempts=0),
    Case("redirects in circles", trouble.circles, DOCUMENT, ends=ErrorCode.SITE_UNREACHABLE,
         stored_ends=ErrorCode.SITE_UNREACHABLE, attempts=0),
    Case("HTTP authentication", trouble.basic_auth, DOCUMENT, ends=ErrorCode.UNSUPPORTED_AUTH_METHOD,
         stored_ends=ErrorCode.UNSUPPORTED_AUTH_METHOD, attempts=0),
    Case("a download instead of a page", trouble.download, DOCUMENT, ends=ErrorCode.SITE_UNREACHABLE,
         stored_ends=ErrorCode.SITE_UNREACHABLE, attempts=0),
    Case("gateway errors at first", trouble.hiccup, DOCUMENT),
    Case("slow site", trouble.slow, DOCUMENT),
    Case("half-loaded page", trouble.half_loaded, DOCUMENT),
    Case("form rendered anew", trouble.restless),
    Case("login in a new tab", trouble.new_tab, DOCUMENT, from_start=True),
    Case("dialogs and beforeunload", trouble.dialogs, DOCUMENT),
    Case("rotating token", trouble.rotating, DOCUMENT),
    Case("form that expired", trouble.expired_form, DOCUMENT),
    Case("token in local storage", _in("local"), DOCUMENT),
    Case("token in session storage", _in("session"), DOCUMENT),
    Case("token in IndexedDB", _in("indexed"), DOCUMENT),
    Case("signed in already", passwords.skipped_inside, DOCUMENT, again=True),
    Case("code by mail, no password", passwordless.code_by_mail, person=MAILED, stored={"email": MAIL}, helped=CODES,
         attempts=0),
    Case("code field added to the form", passwordless.code_added, person=MAILED, stored={"email": MAIL}, helped=CODES,
         attempts=0),
    Case("code instead of the password", passwordless.code_instead, person=MAILED, picks=("login code instead",),
         stored={"email": MAIL}, helped=CODES, attempts=0),
    Case("phone and code on one form", passwordless.phone_and_code, lang="zh", person={**CODES, "username": (PHONE,)},
         stored={"phone": PHONE}, helped=CODES, attempts=0),
    Case("security question", questions.security_question, person={**TYPED, "answer": (WORD,)},
         helped={"answer": (WORD,)}),
    Case("letters of a memorable word", questions.memorable_word,
         person={**TYPED, "char2": ("i",), "char5": ("t",), "char8": ("u",)},
         helped={"char2": ("i",), "char5": ("t",), "char8": ("u",)}, attempts=2),
    Case("second factor offered", questions.second_factor_offer, alone=True),
    Case("password runs out soon", questions.password_reminder, alone=True),
    Case("signed in elsewhere", questions.other_session, alone=True),
    Case("terms renewed", questions.terms_renewed, alone=True),
    Case("trust this browser", questions.trusted_device, alone=True),
    Case("password ran out", questions.password_ran_out,
         person={**TYPED, "new1": ("a new horse 22",), "new2": ("a new horse 22",)},
         helped={"new1": ("a new horse 22",), "new2": ("a new horse 22",)}),
    Case("known visitor", questions.known_visitor, person={"password": (PASSWORD,)}),
    Case("form in a frame", places.framed, DOCUMENT),
    Case("form in a frame of another site", places.foreign_frame, DOCUMENT, provider=True, attempts=0),
    Case("form in a dialog", places.dialog, DOCUMENT, from_start=True),
    Case("provider not allowed yet", choosers.sso, DOCUMENT, person=CODED, picks=("Acme", "Allow"), provider=True,
         allowed=False, sso="acme", stored_ends=ErrorCode.WRONG_ORIGIN, attempts=0),
    Case("certificate of nobody", passwords.plain, DOCUMENT, tls=True, ends=ErrorCode.SITE_UNREACHABLE,
         stored_ends=ErrorCode.SITE_UNREACHABLE, attempts=0),
)  # fmt: skip
