"""What the login knows and has done, and what it can do next: plain values for `decide`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.engine.contract import ErrorCode, Pause
from flows.engine.plan import Plan
from flows.engine.reading.model import Choice, Control, Field, Submit


@dataclass(frozen=True, slots=True)
class Sent:
    """The last form sent: the page it was on and, by ref, the stored value's name (None: the person's)."""

    page: str
    sources: Mapping[str, str | None]
    seen: frozenset[str] = frozenset()  # every ref that form asked for
    again: int = 0  # times the same form was sent before because the site called it too old
    for_code: bool = False  # it only had a code sent
    url: str = ""
    form: str = ""  # where the form stood and what it asked for, whatever the page around it

    @property
    def refs(self) -> frozenset[str]:
        return frozenset(self.sources)

    @property
    def stored(self) -> frozenset[str]:
        return frozenset(name for name in self.sources.values() if name is not None)

    def names(self, refs: frozenset[str]) -> frozenset[str]:
        """What these refs were taken from: names of stored values, else the refs themselves."""
        return frozenset(self.sources.get(ref) or ref for ref in refs)


@dataclass(frozen=True, slots=True)
class Memory:
    """`known` and `rejected` are names of values, `given` and `picked` ids of the person's last answer. `typed` are
    names the person gave earlier in this login, all of them known as well. `sent` is set while the answer to a sent
    form is awaited. `page` is the signature of the page read now. `pressed` counts presses by page and label. `tried`
    holds the places visited in search of the login page. `plan` is the way of the last login.
    """

    known: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    typed: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    picked: str | None = None
    sso_provider: str | None = None
    sent: Sent | None = None
    page: str = ""
    status: int = 0  # of the document, 0 where unknown
    refusals: int = 0  # passwords that the site refused in this login
    code_refusals: int = 0
    blames: int = 0  # refusals of a form with a password that blamed something else in it
    started: bool = False  # something of a login was done: a form sent, a provider picked
    totp_tries: int = 0
    waits: int = 0
    links: int = 0
    returns: int = 0  # from a page that refused a form and had none
    had_state: bool = False  # the profile came with state: somebody may be signed in already
    searching: bool = True  # no login page was given, so one may be looked for
    tried: frozenset[str] = frozenset()
    pressed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    plan: Plan | None = None
    passkey: bool = False  # the profile holds one that this page may use
    passkey_tries: int = 0
    doubted: frozenset[str] = frozenset()  # digests of pages that were taken for the other side and proved not to be
    requested: str = ""  # the page on which a code was requested, for the identifier given there

    def pressed_here(self, control: Control) -> int:
        return self.pressed.get((self.page, control.label), 0)


@dataclass(frozen=True, slots=True)
class Fill:
    """One field and its source: the name of a stored value, or the id under which the person gave one."""

    field: Field
    ref: str
    stored: str | None = None
    given: str | None = None


@dataclass(frozen=True, slots=True)
class FillAndSubmit:
    """`for_code`: what is pressed has a code sent, to be typed into the same form."""

    fills: tuple[Fill, ...]
    ticks: tuple[Field, ...]
    submit: Submit | None
    for_code: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the person. `rejected` are the refs just refused by the site; `on_timeout` is how the flow ends when
    nobody does anything (None: it expires)."""

    pause: Pause
    rejected: frozenset[str] = frozenset()
    on_timeout: ErrorCode | None = None


class Why:
    """Reasons of a press, for the login's own book-keeping."""

    DISMISS = "dismiss"
    OPENER = "opener"
    LINK = "link"
    INTERSTITIAL = "interstitial"
    RESEND = "resend"
    PASSKEY = "passkey"

    PASSING = frozenset({DISMISS, RESEND})  # no steps of the way


@dataclass(frozen=True, slots=True)
class Press:
    control: Control
    why: str


@dataclass(frozen=True, slots=True)
class Pick:
    choice: Choice
    submit: Submit | None


@dataclass(frozen=True, slots=True)
class Visit:
    """Go to this path of the site, or to its start page ("/")."""

    path: str


@dataclass(frozen=True, slots=True)
class Return:
    """Go back to where the form was: this page refuses what was sent (in the words `said`) and has no form of its own.
    `codes` are the codes among it, which the form there does not ask for."""

    said: str
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The page looks like the other side of a login."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    code: ErrorCode
    message: str
    website_error: str | None = None
    rejected: frozenset[str] = frozenset()  # refs just refused


Step = FillAndSubmit | Ask | Press | Pick | Visit | Return | Wait
Action = Step | Finish | GiveUp
