"""What tells a signed-in visit from a signed-out one. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2s
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flows.engine.reading.model import PageKind, Reading
from flows.engine.snapshot import Element, Snapshot, Text

CheckResult = Literal["ok", "logged_out", "indeterminate"]
Verdict = Literal["in", "out", "like_out", "unsure", "unclear"]

FORM_KINDS = frozenset({PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.ACCOUNT_PICKER})
UNCLEAR_KINDS = frozenset({PageKind.CAPTCHA, PageKind.BOT_WALL, PageKind.ERROR})
# Parameters that are good once: a visit with them says nothing, and they are nobody's business.
ONCE = re.compile(r"(^|_|-)(code|state|token|ticket|nonce|session(_?id)?|sid|sig|signature|otp|saml\w*|jwt|key)$", re.I)
STATUS_REFUSED = frozenset({401, 403})
STATUS_UNCLEAR = frozenset({408, 425, 429, 451})  # too busy, too early, too often, not here: no word about a session
CERTAIN = 0.5
LANDMARKS = 60  # of a page, the first ones: menus come before what changes daily
FAMILIAR = 0.3  # of the landmarks only signed-in visitors see: with so many the page is still that page
BARE = 6  # landmarks: a heading, a way back, a line of links
PRESENT = frozenset({"", "covered", "offscreen"})
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Marks:
    """One visit. `place` is where it ended, without query and fragment. `landmarks` are digests of what can be pressed
    there and of the headings: enough to know the page again, no words of it."""

    place: str
    status: int
    login_form: bool
    sign_out: bool
    login_links: bool
    unclear: bool
    score: float
    landmarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Marks":
        """Raises KeyError, TypeError for data of another shape."""
        names = ("place", "status", "login_form", "sign_out", "login_links", "unclear", "score")
        return cls(**{name: data[name] for name in names}, landmarks=tuple(data.get("landmarks", ())))


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


def digest(*parts: str) -> str:
    """Words as eight characters that do not give them back; numbers in them count as equal."""
    text = "\0".join(DIGITS.sub("0", " ".join(part.lower().split()))[:60] for part in parts)
    return blake2s(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def landmarks_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What can be pressed in the page and its headings, in the order of the page."""
    found: dict[str, None] = {}
    for node in snapshot.top.nodes:
        if isinstance(node, Element) and node.hidden in PRESENT:
            label = node.aria_label or node.text or node.label or urlsplit(node.href).path or _wordless(node)
            if label:
                found[digest(node.tag, label)] = None
        elif isinstance(node, Text) and node.heading:
            found[digest("h", node.text)] = None
    return tuple(found)[:LANDMARKS]


def _wordless(node: Element) -> str:
    """What tells a picture to press from others: often the account's own button is nothing more."""
    return node.title or node.name or node.id or node.data or node.icon


def marks_of(reading: Reading, *, url: str, status: int | None, landmarks: Iterable[str] = ()) -> Marks:
    return Marks(
        place=place_of(url),
        status=status or 0,
        login_form=reading.kind in FORM_KINDS and bool(reading.fields or reading.choices or reading.openers),
        sign_out=reading.sign_out is not None,
        login_links=bool(reading.login_links or reading.openers or reading.account_openers),
        unclear=reading.kind in UNCLEAR_KINDS or (status or 0) >= 500 or status in STATUS_UNCLEAR,
        score=round(reading.signed_in_score, 3),
        landmarks=tuple(landmarks),
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


def is_everybodys(seen: Marks, stranger: Marks | None) -> bool:
    """A page with next to nothing on it, the same to the last word for somebody who never logged in: an error, in
    whatever language, is such a page, and nobody's other side."""
    return seen == stranger and not is_positive(seen) and len(seen.landmarks) <= BARE


def judge(seen: Marks, *, url: str, signed_in: Marks, signed_out: Marks) -> Verdict:
    """What a later visit to `url` says on its own.

    `in` and `out` stand on something that is there: the application's own menus, a form that asks to log in. A page
    that shows neither may be a notice, a block or a new design: `like_out` where it is like a stranger's visit in
    everything that told the two apart, `unsure` else, `unclear` where the page says itself that something is wrong.
    """
    # What a stranger gets, too, may read like an error.
    refused = seen.status in STATUS_REFUSED and seen.status == signed_out.status
    if seen.unclear and not (refused and signed_out.unclear):
        return "unclear"
    if seen.login_form and not signed_in.login_form:
        return "out"
    told = differences(signed_in, signed_out)
    for_in = sum(_same(name, seen, signed_in) for name in told)
    for_out = sum(_same(name, seen, signed_out) for name in told)
    like_in = for_in == len(told) or (is_positive(seen) and for_in > for_out)
    if told and like_in and _is_familiar(seen, url=url, signed_in=signed_in, signed_out=signed_out):
        return "in"
    if told and for_out == len(told):
        asks = seen.status == 401 or (seen.login_links and "login_links" in told)
        return "out" if asks else "like_out"
    return "unsure"


def _is_familiar(seen: Marks, *, url: str, signed_in: Marks, signed_out: Marks) -> bool:
    """Something on the page, or the way it was reached, is as only a signed-in visitor has it."""
    if is_positive(seen):
        return True
    if seen.place == signed_in.place != signed_out.place and signed_in.place != place_of(url):
        return True  # sent on to where only signed-in visitors are sent
    own = set(signed_in.landmarks) - set(signed_out.landmarks)
    return bool(own) and len(own.intersection(seen.landmarks)) >= FAMILIAR * len(own)


def _same(name: str, left: Marks, right: Marks) -> bool:
    if name == "status":
        return (left.status in STATUS_REFUSED) == (right.status in STATUS_REFUSED)
    return bool(getattr(left, name) == getattr(right, name))
