"""What a hosted link asks of its page besides the code: where to go afterwards, how it is embedded, in which language.

Whoever holds a link can write these, so nothing here is trusted: an address or a parent counts only if its origin is
on the project's allow-list at the moment of use (R20, R21). Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from vault.projects import SCHEMES_NEVER

URL_LENGTH = 1000
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,8})?")
# What every parser reads in the same way: no user, no backslash, no blank, nothing before the scheme.
_WEB = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?(?=[/?#]|$)", re.I
)
_CUSTOM = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*:)", re.I)
_NEVER_INSIDE = re.compile(r"[\x00-\x20\x7f-\xa0\\<>\"^`{|}\u2028\u2029\ud800-\udfff]")
_PORTS = {"http": 80, "https": 443}


class Display(StrEnum):
    """How the page is shown."""

    PAGE = "page"
    POPUP = "popup"
    FRAME = "frame"


@dataclass(frozen=True, slots=True)
class PageOptions:
    display: Display = Display.PAGE
    parent: str = ""  # origin of the page that embeds or opened this one
    success_url: str = ""
    error_url: str = ""
    language: str = ""

    def to_dict(self) -> dict[str, str]:
        """What differs from the defaults."""
        return {name: str(value) for name, value in asdict(self).items() if value and value != Display.PAGE}

    def to_text(self) -> str:
        return urlencode(self.to_dict())


_DISPLAYS = frozenset(member.value for member in Display)
NAMES = frozenset(field.name for field in fields(PageOptions))


def options_read(given: Mapping[str, str]) -> PageOptions:
    """From a link's query or from storage; what cannot be is left out."""
    display = given.get("display", "")
    language = given.get("language", "")
    return PageOptions(
        display=Display(display) if display in _DISPLAYS else Display.PAGE,
        parent=given.get("parent", "") if len(given.get("parent", "")) <= URL_LENGTH else "",
        success_url=_short(given.get("success_url", "")),
        error_url=_short(given.get("error_url", "")),
        language=language if LANGUAGE.fullmatch(language) else "",
    )


def options_parse(text: str) -> PageOptions:
    """From `to_text`."""
    return options_read(dict(parse_qsl(text)))


def _short(url: str) -> str:
    return url if len(url) <= URL_LENGTH else ""


def origin_of(url: str) -> str | None:
    """The origin of a web address as allow-lists write it, or the scheme with its colon of an application's own; None
    for what browsers may read in more than one way."""
    if _NEVER_INSIDE.search(url):
        return None
    web = _WEB.match(url)
    if web is not None:
        scheme, host, port = web["scheme"].lower(), web["host"].lower(), int(web["port"] or 0)
        return f"{scheme}://{host}" + (f":{port}" if port and port != _PORTS[scheme] else "")
    custom = _CUSTOM.match(url)
    if custom is None or custom["scheme"].lower() in SCHEMES_NEVER:
        return None
    return custom["scheme"].lower()


def is_listed(origin: str | None, allowed: Sequence[str]) -> bool:
    return origin is not None and origin in {_listed(entry) for entry in allowed}


def _listed(entry: str) -> str:
    """An entry without the port that its scheme has anyway."""
    return origin_of(entry) or ""


def parent_allowed(options: PageOptions, allowed: Sequence[str]) -> str:
    """The origin that may embed this page and hear of its status; empty for none."""
    if options.display is Display.PAGE or origin_of(options.parent) != options.parent:
        return ""
    return options.parent if options.parent.startswith("http") and is_listed(options.parent, allowed) else ""


@dataclass(frozen=True, slots=True)
class Onward:
    """Where the result page leads. With `refused` it stays, and says so."""

    url: str = ""
    refused: str = ""  # the host or scheme that is not on the list


def onward_of(url: str, added: Mapping[str, str], allowed: Sequence[str]) -> Onward:
    """`url` with `added` in its query, if its origin is listed."""
    if not url:
        return Onward()
    origin = origin_of(url)
    if not is_listed(origin, allowed):
        return Onward(refused=(origin or "?").removeprefix("https://"))
    rest, hash_mark, fragment = quote(url, safe=_AS_IT_IS).partition("#")
    joint = "" if not added else "&" if "?" in rest else "?"
    return Onward(url=f"{rest}{joint}{urlencode(added)}{hash_mark}{fragment}")


_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F))


def host_shown(url: str) -> str:
    """What a person is told about an address: its host, else its scheme."""
    return urlsplit(url).hostname or url.partition(":")[0]
