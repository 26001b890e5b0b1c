"""Site icons: found on the site's own pages through the guard (R30), written anew, kept for a while.

Nothing depends on one: a site that has none, or cannot be reached from here, is shown by its first letter.
"""

import base64
import binascii
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from django.core.cache import cache
from redis.exceptions import RedisError

from flows.models import Connection, SiteIcon
from vault.errors import Invalid, VaultError
from vault.images import image_png
from vault.sources.outbound import guarded_read, server_url_check

log = logging.getLogger(__name__)
SIDE = 64
FRESH = timedelta(days=7)
PAGE_BYTES = 512 * 1024
ICON_BYTES = 256 * 1024
TRIES = 4
SECONDS = 5.0
ASKED_SECONDS = 300  # nobody else is sent for the same icon meanwhile


def icon_of(domain: str) -> bytes | None:
    """The PNG, if there is one."""
    row = SiteIcon.objects.filter(pk=domain).first()
    return bytes(row.image) if row is not None and row.image is not None else None


def icon_wanted(connection: Connection, *, now: datetime) -> bool:
    """Whether it is worth sending somebody, said once. A connection with a proxy of its own is not fetched past it."""
    if connection.browser.get("proxy", {}).get("id"):
        return False
    if SiteIcon.objects.filter(pk=connection.domain, fetched_at__gt=now - FRESH).exists():
        return False
    try:
        return bool(cache.add(f"icon:{connection.domain}", "asked", timeout=ASKED_SECONDS))
    except (RedisError, OSError) as error:
        log.warning("icon not asked for: %s", type(error).__name__)
        return False


def icon_refresh(connection: Connection, *, now: datetime) -> None:
    """Fetch and keep it; that there is none is kept too."""
    image = _fetched(connection)
    SiteIcon.objects.update_or_create(pk=connection.domain, defaults={"image": image, "fetched_at": now})


def _fetched(connection: Connection) -> bytes | None:
    for url in [*_named(connection), *_usual(connection.domain)][:TRIES]:
        try:
            return image_png(_bytes(url), width=SIDE, height=SIDE)
        except VaultError:
            continue
    return None


def _bytes(url: str) -> bytes:
    if url.startswith("data:"):
        return _inline(url)
    server_url_check(_server(url))
    return guarded_read(url, most=ICON_BYTES, seconds=SECONDS).body


def _inline(url: str) -> bytes:
    head, _, data = url.partition(",")
    if len(data) > ICON_BYTES:
        raise Invalid("too large")
    try:
        return base64.b64decode(data) if head.endswith(";base64") else unquote_to_bytes(data)
    except (binascii.Error, ValueError):
        raise Invalid("not base64") from None


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _usual(domain: str) -> list[str]:
    return [f"https://{domain}/favicon.ico"]


def _named(connection: Connection) -> list[str]:
    """The addresses that the site's page names, the best first, then the usual one beside that page."""
    try:
        url = connection.login_url or f"https://{connection.domain}/"
        server_url_check(_server(url))
        page = guarded_read(url, most=PAGE_BYTES, seconds=SECONDS)
    except (VaultError, ValueError):
        return []
    links = icon_links(page.body.decode("utf-8", "replace"), page.url)
    return [*links, urljoin(page.url, "/favicon.ico")]


@dataclass(frozen=True, slots=True)
class _Link:
    url: str
    side: int


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = given.get("rel", "").lower().split()
        if tag == "link" and given.get("href") and ("icon" in names or "apple-touch-icon" in names):
            sizes = given.get("sizes", "") or ("180x180" if "apple-touch-icon" in names else "")
            self.found.append((given["href"], sizes, given.get("type", "")))


def icon_links(html: str, base: str) -> list[str]:
    """Addresses of icons that we can decode, those nearest above the shown size first. Pure."""
    parser = _Links()
    parser.feed(html)
    links = []
    for href, sizes, kind in parser.found[:20]:
        if "svg" in kind or href.lower().partition("?")[0].endswith(".svg") or "svg" in href[:30]:
            continue
        try:
            url = href if href.startswith("data:") else urljoin(base, href)
            if url.startswith(("http://", "https://", "data:image/")):
                links.append(_Link(url, _side(sizes)))
        except ValueError:
            continue
    links.sort(key=lambda link: (link.side < SIDE, abs(link.side - SIDE)))
    return [link.url for link in links]


def _side(sizes: str) -> int:
    first = sizes.lower().split("x", 1)[0].split()[-1:] or ["0"]
    return int(first[0]) if first[0].isdigit() and len(first[0]) < 5 else 16
