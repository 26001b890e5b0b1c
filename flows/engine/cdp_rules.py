"""What a debugger from outside may ask of a browser that runs on our machine. Pure.

The caller owns the browser, not the machine: nothing may read or write its files, open ports, go around the way out,
or reach the parts of Chromium that could.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Beyond these there is only Chromium's own inside: an address bar's popup would open a file.
TARGETS = frozenset(
    {"browser", "page", "iframe", "worker", "shared_worker", "service_worker", "tab", "webview", "other"}
)
SCHEMES = frozenset({"http", "https", "data", "blob", "ws", "wss", "javascript"})
REFUSED = frozenset(
    {
        "Target.exposeDevToolsProtocol",  # would hand a page an unwatched debugger
        "Target.openDevTools",
        "Target.sendMessageToTarget",
        "Target.setRemoteLocations",
        "DOM.setFileInputFiles",
        "Browser.executeBrowserCommand",
        "Browser.addPrivacySandboxCoordinatorKeyConfig",
        "Page.setDownloadBehavior",
    }
)
REFUSED_DOMAINS = frozenset({"Extensions", "PWA", "Tethering", "DeviceOrientationInternal"})
FLATTENED = frozenset({"Target.attachToTarget", "Target.setAutoAttach", "Target.autoAttachRelated"})
NO_FILES = "files of the machine that runs the browser are out of reach"


@dataclass(frozen=True, slots=True)
class Pass:
    """The command goes to the browser with these parameters."""

    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Answered here with success; the browser never sees it."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The client asked to close the browser: it is let go instead. Ending it is the API's business, which saves."""


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: str


def command_judge(method: str, params: Mapping[str, Any]) -> Pass | Answer | Leave | Refuse:
    """What becomes of one command of a client."""
    domain = method.partition(".")[0]
    if method == "Browser.close":
        return Leave()
    if method == "Browser.setDownloadBehavior":  # drivers set a folder of their own machine when they connect
        return Pass({"behavior": "deny", **_only(params, "browserContextId")})
    if method == "Page.setDownloadBehavior":
        return Answer()
    if method in REFUSED or domain in REFUSED_DOMAINS:
        return Refuse(NO_FILES if method == "DOM.setFileInputFiles" else f"{method} is not allowed here")
    if method == "Target.createBrowserContext" and (params.get("proxyServer") or params.get("proxyBypassList")):
        return Refuse("a context cannot have a proxy of its own: give the browser one")
    if method == "Input.dispatchDragEvent" and (params.get("data") or {}).get("files"):
        return Refuse(NO_FILES)
    if not address_allowed(params.get("url")):
        return Refuse("addresses of this kind are not allowed here")
    if method in FLATTENED:
        return Pass({**params, "flatten": True})
    return Pass(params)


def address_allowed(url: object) -> bool:
    """Web addresses and blank pages; anything that names the machine or the browser's inside is not."""
    if not isinstance(url, str) or not url.strip():
        return True
    # Chromium cuts control characters and spaces out of an address before it reads the scheme.
    scheme, colon, rest = "".join(character for character in url if character > " ").lower().partition(":")
    if not colon:
        return True  # relative, or refused by Chromium itself
    if scheme == "about":
        return rest.partition("#")[0].partition("?")[0] in ("blank", "srcdoc")
    return scheme in SCHEMES


def target_allowed(info: Mapping[str, Any]) -> bool:
    """Whether a client may be attached to this target."""
    kind, url = info.get("type"), str(info.get("url", "")).lower()
    return kind in TARGETS and not url.startswith(("chrome:", "chrome-untrusted:", "devtools:", "file:"))


def _only(params: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: params[name] for name in names if name in params}
