"""Errors of the engine.

    EngineError
    ├── BrowserUnavailable   no Chromium could be started
    ├── BrowserLost          the browser died under a running login, or answers no more
    ├── OriginRefused        a value was about to go where it must not (R10)
    ├── FieldRefused         a field cannot take a value: gone, invisible, covered, or it does not keep what is typed
    │   └── NoSuchEntry      a list has no entry of that name
    └── Unreachable          the site gave no page
        └── BasicAuth        the site asks for HTTP authentication instead of showing a form

`contract.FlowStopped` is not among them: it comes from the host and passes through. No message holds a value or the
query of an address.
"""

from urllib.parse import urlsplit


class EngineError(Exception):
    """Base of the family."""


class BrowserUnavailable(EngineError):
    """No Chromium could be started; the message says what is missing."""


class BrowserLost(EngineError):
    """The browser or the page's process died, or answers no more."""


class OriginRefused(EngineError):
    """`origin` is not among the origins that may receive values."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"values may not be sent to {origin}")
        self.origin = origin


class FieldRefused(EngineError):
    """A field could not be filled; `why` is short and names no value."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoSuchEntry(FieldRefused):
    """The list `ref` has no entry that the value names."""

    def __init__(self, ref: str) -> None:
        super().__init__("the list has no such entry")
        self.ref = ref


class Unreachable(EngineError):
    """No page came; the message is fit for people. `transient`: it may be over in a moment."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class BasicAuth(Unreachable):
    """The site answers 401 with a challenge for the browser itself."""


def address_shown(url: str) -> str:
    """An address without query, fragment or user: fit for logs and messages."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return parts.scheme + ":" if parts.scheme else ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
