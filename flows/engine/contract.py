"""What a login needs from whoever runs it, and what it gives back.

The engine drives a browser; a `Host` does everything else: it tells the world about progress, waits for people,
releases secrets one at a time and keeps the attempt budget. The service's host talks to the database; a script's
host may talk to a terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from flows.engine.live import LiveView
from flows.engine.passkeys import Passkey
from flows.engine.plan import Plan
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType


class ErrorCode(StrEnum):
    """Why a flow failed. Part of the public contract."""

    CREDENTIALS_INVALID = "credentials_invalid"
    BOT_DETECTED = "bot_detected"
    CAPTCHA_BLOCKED = "captcha_blocked"
    UNSUPPORTED_AUTH_METHOD = "unsupported_auth_method"
    LOGIN_PAGE_NOT_FOUND = "login_page_not_found"
    SITE_UNREACHABLE = "site_unreachable"
    WRONG_ORIGIN = "wrong_origin"
    ACCOUNT_LOCKED = "account_locked"
    FLOW_EXPIRED = "flow_expired"
    CANCELED = "canceled"
    VERIFICATION_FAILED = "verification_failed"
    WORKER_LOST = "worker_lost"
    TOO_MANY_STEPS = "too_many_steps"
    INTERNAL_ERROR = "internal_error"


class Progress(StrEnum):
    """Where the login is while nobody is asked anything."""

    DISCOVERING = "DISCOVERING"
    SUBMITTING = "SUBMITTING"


class Secret(Protocol):
    """A value that shows itself only when asked; `vault.secret.Secret` is the real one."""

    def reveal(self) -> str: ...


class FieldReason(StrEnum):
    MISSING = "missing"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class AskedField:
    """One value the login needs from a person. `id` is stable while the page asks for the same thing; `ref` is the
    name under which the value is kept (`"password"`, `"username"`, `"totp_code"`, or the site's own field name)."""

    id: str
    ref: str
    role: FieldRole
    name: str
    label: str
    reason: FieldReason = FieldReason.MISSING
    required: bool = True
    placeholder: str = ""
    hint: str = ""
    input_mode: str = ""
    html_type: str = "text"
    selector: str = ""


@dataclass(frozen=True, slots=True)
class AskedChoice:
    """One way to go on."""

    id: str
    kind: ChoiceKind
    label: str
    selector: str = ""
    mfa_type: MfaType | None = None
    provider: str | None = None
    masked_destination: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Everything shown to the person. With `instruction` the login waits for something outside the browser, and
    fields and choices are fallbacks; without, at least one of them is there. `website_error` is the site's words,
    `picture` a JPEG of what is in the way with every field covered."""

    url: str
    title: str
    fields: tuple[AskedField, ...] = ()
    choices: tuple[AskedChoice, ...] = ()
    instruction: str | None = None
    website_error: str | None = None
    picture: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """The person gave values for these field ids; each is read through `Host.reveal_given` when it is typed."""

    field_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picked:
    choice_id: str


Answer = Filled | Picked


class Host(Protocol):
    """Whoever runs the login. Every method may raise `FlowStopped`; the engine lets it through. `live` is shown the
    pages; whoever may look at it can take over while the login waits."""

    live: LiveView

    async def attended(self) -> bool:
        """Whether a person is there who could take over in the live view."""

    async def progress(self, progress: Progress) -> None:
        """Say where the login is. Withdraws an open pause."""

    async def pause(self, pause: Pause) -> None:
        """Ask the person. Replaces an open pause; the same pause again changes nothing."""

    async def answer(self) -> Answer:
        """Wait for the answer to the open pause. May be cancelled when the page moves on by itself."""

    async def reveal_stored(self, name: str, *, origin: str) -> Secret:
        """Release one stored value, or one given earlier in this login under the ref `name`, to be typed at `origin`
        now. Its use is on record before this returns.
        `totp_code` gives a fresh one-time code with enough time left. Raises ValueUnavailable."""

    async def match(self, names: frozenset[str], texts: Sequence[Sequence[str]], *, origin: str) -> int | None:
        """Which one of `texts` (the words of one entry of a list shown at `origin`) names the same as one of these
        stored values, by `matching.entry_named`. Opening them for it is on record like any use."""

    async def reveal_given(self, field_id: str, *, origin: str) -> Secret:
        """Release one value of the last `Filled` answer, likewise recorded."""

    async def rejected(self, names: frozenset[str]) -> None:
        """The site refused what was filled under these refs: they are not to be sent again."""

    async def allow_origin(self, origin: str) -> None:
        """The person consented to `origin`: remember it for this connection."""


class ValueUnavailable(Exception):
    """A stored value cannot be had now, whatever was said before: the person is asked for it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class FlowStopped(Exception):
    """The host ends the login from outside: canceled, expired, or another worker holds it now."""

    def __init__(self, code: ErrorCode, message: str = "") -> None:
        super().__init__(message or code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class BrowserSettings:
    """How the browser looks to the site and leaves the machine. Equal settings may share one browser process."""

    tenant: str  # the organization; processes are never shared across it
    stealth: bool = True
    proxy_server: str | None = None  # "http://host:port"
    proxy_username: str | None = None
    proxy_password: Secret | None = field(default=None, repr=False)
    proxy_bypass: tuple[str, ...] = ()
    proxy_authorities: str = field(default="", repr=False)  # PEM certificates that sites behind it are signed with
    timezone: str | None = None
    locale: str = "en-US"


@dataclass(frozen=True, slots=True)
class ProfileState:
    """What a profile keeps: Playwright's storageState (cookies, origins with localStorage and IndexedDB),
    session storage as `{origin: {key: value}}`, and passkeys. Secret as a whole."""

    storage: Mapping[str, Any] = field(repr=False)
    session_storage: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    passkeys: tuple[Passkey, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AuthCheck:
    """How a signed-in visit is told from a signed-out one: visit `url`, then compare with these marks.

    `login_page` is where the form was. `more` are other addresses of the same kind, next best first, found by the
    first check (None before); `request` is what a plain request is to see (`flows.engine.fetching`), once known."""

    url: str
    signed_in: Mapping[str, Any]
    signed_out: Mapping[str, Any]
    login_page: str | None = None
    more: tuple[Mapping[str, Any], ...] | None = None
    request: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AuthCheck":
        """Raises TypeError for data of another shape."""
        more = data.get("more")
        return cls(**{**data, "more": tuple(more) if more is not None else None})


def auth_check_carry(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
    """`new`, from a login, with what checks have learned since an earlier one: all of it where the page is the same,
    else only that the site turns plain requests away."""
    if old is None:
        return dict(new)
    request = old.get("request") or {}
    if _page(old) == _page(new) and not (request.get("never") and not request.get("lasting")):
        return {name: old[name] for name in ("more", "request") if name in old} | dict(new)
    return ({"request": request} if request.get("lasting") else {}) | dict(new)


def _page(check: Mapping[str, Any]) -> tuple[Any, Any]:
    return check.get("url"), (check.get("signed_in") or {}).get("place")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """One login to do. `known` are the names of stored values that may be used without asking (`totp_code` among
    them if there is a seed); `rejected` those the site already refused. `state` is the profile as it is now. `plan`
    and `check` come from the last login and are followed as far as they still fit."""

    domain: str
    login_url: str | None
    settings: BrowserSettings
    allowed_domains: Sequence[str] = ()
    consented_origins: Sequence[str] = ()
    known: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    sso_provider: str | None = None
    state: ProfileState | None = None
    verify: bool = True
    deadline: datetime | None = None
    plan: Plan | None = None
    check: AuthCheck | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Proven signed in. `stored` and `given` name the refs whose values were accepted on the way, `passkey` says that
    one was used; `plan` is that way, None where there was nothing to do."""

    state: ProfileState
    post_login_url: str
    check: AuthCheck | None
    stored: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    plan: Plan | None = None
    passkey: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """`picture` is a JPEG of the page where it ended, with every field covered."""

    code: ErrorCode
    message: str
    website_error: str | None = None
    picture: bytes | None = field(default=None, repr=False, compare=False)


Outcome = LoggedIn | Failed
