"""Cookies as a browser keeps them, for requests without one (RFC 6265). Pure.

A cookie is a mapping as in Playwright's storageState: name, value, domain (with a leading dot where subdomains get
it), path, expires (-1 for the session), httpOnly, secure, sameSite.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from flows.engine.origins import is_address, is_loopback_literal, registrable_domain

Cookie = Mapping[str, Any]
SESSION = -1
MOST_BYTES = 4096  # of one cookie; browsers drop longer ones
SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}


def cookie_header(cookies: Iterable[Cookie], url: str, *, now: float) -> str:
    """What a browser that opens `url` would send; the longest paths first. Cookies of other top-level sites stay."""
    sent = [cookie for cookie in cookies if _is_sent(cookie, url, now=now)]
    sent.sort(key=lambda cookie: -len(str(cookie.get("path", "/"))))
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in sent)


def _is_sent(cookie: Cookie, url: str, *, now: float) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    expires = float(cookie.get("expires", SESSION))
    return (
        not cookie.get("partitionKey")
        and _domain_matches(str(cookie.get("domain", "")), host)
        and _path_matches(str(cookie.get("path", "/")), parts.path or "/")
        and (not cookie.get("secure") or parts.scheme == "https" or is_loopback_literal(host))
        and (expires == SESSION or expires > now)
    )


def _domain_matches(domain: str, host: str) -> bool:
    bare = domain.lstrip(".").lower()
    return host == bare or (domain.startswith(".") and host.endswith("." + bare) and not is_address(host))


def _path_matches(path: str, asked: str) -> bool:
    return asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))


def cookies_after(cookies: Iterable[Cookie], set_cookies: Iterable[str], url: str, *, now: float) -> list[Cookie]:
    """`cookies` as the `Set-Cookie` headers of an answer from `url` leave them."""
    kept = {_key(cookie): cookie for cookie in cookies}
    for header in set_cookies:
        cookie = cookie_parse(header, url, now=now)
        if cookie is None:
            continue
        key = _key(cookie)
        if cookie["expires"] != SESSION and cookie["expires"] <= now:
            kept.pop(key, None)
        else:
            kept[key] = {**kept.get(key, {}), **cookie}
    return list(kept.values())


def _key(cookie: Cookie) -> tuple[str, ...]:
    return tuple(str(cookie.get(part, "")) for part in ("name", "domain", "path", "partitionKey"))


def cookie_parse(header: str, url: str, *, now: float) -> dict[str, Any] | None:
    """One `Set-Cookie` header; None for one that a browser would not take."""
    pair, _, rest = header.partition(";")
    name, equals, value = pair.partition("=")
    if not equals or not name.strip() or len(pair) > MOST_BYTES:
        return None
    named = [item.partition("=") for item in rest.split(";")]
    given = {key.strip().lower(): text.strip() for key, _, text in named}
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    domain = _domain_of(given.get("domain", ""), host)
    secure = "secure" in given
    trusted = parts.scheme == "https" or is_loopback_literal(host)
    if domain is None or "partitioned" in given or (secure and not trusted):
        return None
    path = given.get("path", "")
    return {
        "name": name.strip(),
        "value": value.strip(),
        "domain": domain,
        "path": path if path.startswith("/") else _default_path(parts.path),
        "expires": _expires(given, now=now),
        "httpOnly": "httponly" in given,
        "secure": secure,
        "sameSite": SAME_SITE.get(given.get("samesite", "").lower(), "Lax"),
    }


def _domain_of(text: str, host: str) -> str | None:
    """The domain as it is kept; None where the host may not set it."""
    asked = text.lstrip(".").lower()
    if not asked or asked == host:
        return f".{asked}" if asked and not is_address(host) else host
    if not host.endswith("." + asked) or is_address(host):
        return None
    site = registrable_domain(host)
    return f".{asked}" if asked == site or asked.endswith("." + site) else None


def _default_path(path: str) -> str:
    folder = path.rpartition("/")[0]
    return folder if folder.startswith("/") else "/"


def _expires(given: Mapping[str, str], *, now: float) -> float:
    age = given.get("max-age", "")
    if age.lstrip("-").isdigit():
        return now + int(age) if int(age) > 0 else 0.0
    try:
        when = parsedate_to_datetime(given["expires"]) if "expires" in given else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return SESSION
    if when is None:
        return SESSION
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
