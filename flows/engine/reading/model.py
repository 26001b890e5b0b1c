"""What the page reader says about a page: plain values, no browser, no values typed by anybody.

A `ref` names an element of the snapshot the reading was made from (`"<frame>:<element>"`); the observation
that took the snapshot turns it back into a live element. Scores are 0..1; `reasons` are short and readable,
for people who ask why.
"""

from dataclasses import dataclass
from enum import StrEnum


class PageKind(StrEnum):
    LOGIN = "login"
    CODE = "code"
    METHOD_CHOICE = "method_choice"
    ACCOUNT_PICKER = "account_picker"
    EXTERNAL_ACTION = "external_action"
    INTERSTITIAL = "interstitial"
    ERROR = "error"
    CAPTCHA = "captcha"
    BOT_WALL = "bot_wall"
    SIGNED_IN = "signed_in"
    SIGN_UP = "sign_up"
    RESET = "reset"
    OTHER = "other"


class FieldRole(StrEnum):
    IDENTIFIER = "identifier"  # user name, or "user name or e-mail"
    EMAIL = "email"
    PHONE = "phone"
    PASSWORD = "password"  # noqa: S105 - the role's name
    NEW_PASSWORD = "new_password"  # noqa: S105 - the role's name
    CODE = "code"  # a one-time code sent to the person, or of unknown origin
    TOTP = "totp"  # a code from an authenticator application
    RECOVERY_CODE = "recovery_code"
    TEXT = "text"  # anything else a login needs: tenant, customer number, security answer
    CHECKBOX = "checkbox"  # "remember me", terms


class CheckboxMeaning(StrEnum):
    REMEMBER = "remember"
    TERMS = "terms"
    OTHER = "other"


class ChoiceKind(StrEnum):
    """The wire contract's choice types."""

    MFA_METHOD = "mfa_method"
    SSO_PROVIDER = "sso_provider"
    SIGN_IN_METHOD = "sign_in_method"
    AUTH_METHOD = "auth_method"
    IDENTIFIER_METHOD = "identifier_method"
    ACCOUNT = "account"
    OTHER = "other"


class MfaType(StrEnum):
    """The wire contract's method types."""

    SMS = "sms"
    CALL = "call"
    EMAIL = "email"
    TOTP = "totp"
    PUSH = "push"
    PASSWORD = "password"  # noqa: S105 - the method's name
    PASSKEY = "passkey"
    SWITCH = "switch"
    OTHER = "other"


class SubmitBy(StrEnum):
    CLICK = "click"
    ENTER = "enter"
    ITSELF = "itself"  # the page submits when the last character is typed


@dataclass(frozen=True, slots=True)
class Control:
    """Something to press."""

    ref: str
    label: str
    selector: str
    score: float = 1.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill. `boxes` lists every box, in order, of a code split over several; else it is `(ref,)`."""

    ref: str
    boxes: tuple[str, ...]
    role: FieldRole
    name: str  # the name attribute, else id, else one made from the label; unique within the reading
    label: str
    selector: str
    placeholder: str = ""
    hint: str = ""
    input_mode: str = ""  # "", "text", "email", "tel" or "numeric"
    html_type: str = "text"
    required: bool = True
    max_length: int | None = None
    checkbox: CheckboxMeaning | None = None
    score: float = 1.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submit:
    """How the fields are sent: press `control`, press Enter in the last field, or nothing at all."""

    by: SubmitBy
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on, offered to the person. `select_in` is the drop-down that holds an `<option>`."""

    ref: str
    kind: ChoiceKind
    label: str
    selector: str
    mfa_type: MfaType | None = None
    provider: str | None = None  # identity provider, lower case: "google"
    masked_destination: str | None = None
    description: str | None = None
    select_in: str | None = None
    needs_submit: bool = False  # a radio or an option: picked first, then the submit control is pressed
    score: float = 1.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """The site's own words. `field_ref` is the field they stand at, where that can be told."""

    text: str
    is_error: bool
    field_ref: str | None = None
    locked_out: bool = False
    reasons: tuple[str, ...] = ()
    expired: bool = False  # the form was too old: nothing was judged


@dataclass(frozen=True, slots=True)
class Reading:
    """`read(snapshot)`: what kind of page this is and everything a login can do on it.

    `submit` belongs to `fields` (the one form chosen to work on). `choices` are method, provider, account
    pickers wherever they are. `openers` must be pressed before a form appears, or a code is sent. On an interstitial
    `accept` goes on with the login and `decline` refuses the offer ("Not now"); either may be missing.
    `dismiss` closes what covers the page (cookie banners). `login_links` lead from here to a login page.
    """

    kind: PageKind
    score: float
    url: str
    title: str
    reasons: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    submit: Submit | None = None
    choices: tuple[Choice, ...] = ()
    message: Message | None = None
    instruction: str | None = None  # external action: what the person must do, number to match included
    openers: tuple[Control, ...] = ()
    accept: Control | None = None
    decline: Control | None = None
    dismiss: tuple[Control, ...] = ()
    resend: Control | None = None
    login_links: tuple[Control, ...] = ()
    account_openers: tuple[Control, ...] = ()  # may open a login; only where nothing says so outright
    sign_out: Control | None = None
    captcha: str | None = None  # vendor, e.g. "recaptcha"
    signed_in_score: float = 0.0
    pressable: int = 0  # how much there is to press on the page
    loading: bool = False  # a spinner or an empty page: look again soon
    lang: str = ""

    def field_by_role(self, *roles: FieldRole) -> Field | None:
        """The first field that has one of `roles`."""
        return next((field for field in self.fields if field.role in roles), None)
