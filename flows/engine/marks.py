"""What tells a signed-in visit from a signed-out one. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flows.engine.reading.model import PageKind, Reading

CheckResult = Literal["ok", "logged_out", "indeterminate"]

FORM_KINDS = frozenset({PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.ACCOUNT_PICKER})
UNCLEAR_KINDS = frozenset({PageKind.CAPTCHA, PageKind.BOT_WALL, PageKind.ERROR})
# Parameters that are good once: a visit with them says nothing, and they are nobody's business.
ONCE = re.compile(r"(^|_|-)(code|state|token|ticket|nonce|session(_?id)?|sid|sig|signature|otp|saml\w*|jwt|key)$", re.I)
STATUS_REFUSED = frozenset({401, 403})
CERTAIN = 0.5


@dataclass(frozen=True, slots=True)
class Marks:
    """One visit. `place` is where it ended, without query and fragment."""

    place: str
    status: int
    login_form: bool
    sign_out: bool
    login_links: bool
    unclear: bool
    score: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Marks":
        """Raises KeyError for data of another shape."""
        return cls(**{item.name: data[item.name] for item in fields(cls)})


def place_of(url: str) -> str:
    """Scheme, host and path."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") or "/", "", ""))


def lasting_url(url: str) -> str:
    """The address without what is good once and without a user; a fragment only where it is a route."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not ONCE.search(name)]
    fragment = parts.fragment if parts.fragment.startswith(("/", "!")) and "=" not in parts.fragment else ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path or "/", urlencode(query), fragment))


def marks_of(reading: Reading, *, url: str, status: int | None) -> Marks:
    return Marks(
        place=place_of(url),
        status=status or 0,
        login_form=reading.kind in FORM_KINDS and bool(reading.fields or reading.choices or reading.openers),
        sign_out=reading.sign_out is not None,
        login_links=bool(reading.login_links),
        unclear=reading.kind in UNCLEAR_KINDS or (status or 0) >= 500,
        score=round(reading.signed_in_score, 3),
    )


def differences(signed_in: Marks, signed_out: Marks) -> frozenset[str]:
    """In what the signed-in visit proves itself; empty when the two cannot be told apart."""
    found = {
        "login_form": signed_out.login_form and not signed_in.login_form,
        "sign_out": signed_in.sign_out and not signed_out.sign_out,
        "status": signed_out.status in STATUS_REFUSED and 0 < signed_in.status < 400,
        "place": signed_in.place != signed_out.place,
        "login_links": signed_out.login_links and not signed_in.login_links and signed_in.score > signed_out.score,
    }
    told = frozenset(name for name, differs in found.items() if differs)
    if signed_in.login_form or signed_in.unclear or signed_in.status in STATUS_REFUSED:
        return frozenset()
    return told


def is_positive(marks: Marks) -> bool:
    """The page itself says that somebody is signed in."""
    return not marks.login_form and not marks.unclear and (marks.sign_out or marks.score >= CERTAIN)


def compare(seen: Marks, *, signed_in: Marks, signed_out: Marks) -> CheckResult:
    """What a later visit says. Whatever looks like neither is indeterminate."""
    if seen.unclear:
        return "indeterminate"
    if seen.login_form and not signed_in.login_form:
        return "logged_out"
    told = differences(signed_in, signed_out)
    if not told:
        return "indeterminate"
    for_in = sum(_same(name, seen, signed_in) for name in told)
    for_out = sum(_same(name, seen, signed_out) for name in told)
    if for_in == len(told) or (is_positive(seen) and for_in > for_out):
        return "ok"
    return "logged_out" if for_out == len(told) else "indeterminate"


def _same(name: str, left: Marks, right: Marks) -> bool:
    if name == "status":
        return (left.status in STATUS_REFUSED) == (right.status in STATUS_REFUSED)
    return bool(getattr(left, name) == getattr(right, name))
