"""The site's icon: found through the guard, written anew, and never in anybody's way."""

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from PIL import Image

from flows.models import Connection, SiteIcon
from flows.services.icons import FRESH, icon_links, icon_of, icon_refresh, icon_wanted
from tests.flows.factories import make_connection, make_principal
from tests.hosted.factories import make_live_flow, opened
from vault.errors import VaultError
from vault.sources.outbound import guarded_read

NOW = timezone.now()


def png(colour: str) -> bytes:
    written = BytesIO()
    Image.new("RGB", (128, 128), colour).save(written, format="PNG")
    return written.getvalue()


class Site:
    """Pages by path; what was asked for is kept."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    settings.SSRF_ALLOW = ["127.0.0.0/8"]
    cache.clear()
    running = Site()
    yield running
    running.server.shutdown()
    running.server.server_close()


def connection_to(site: Site) -> Connection:
    return make_connection(make_principal(), domain=site.host, login_url=f"{site.url}/login")


@pytest.mark.django_db
def test_the_page_names_it_and_we_serve_our_own_copy(site: Site) -> None:
    site.pages["/login"] = (200, {}, b'<link rel="shortcut icon" href="img/i.png" sizes="128x128">')
    site.pages["/img/i.png"] = (200, {}, png("#ff0000"))
    connection = connection_to(site)
    icon_refresh(connection, now=NOW)
    icon = icon_of(site.host)
    assert icon is not None
    with Image.open(BytesIO(icon)) as image:
        assert image.size == (64, 64)
    text = opened(make_live_flow(connection)).text()
    assert '<img src="data:image/png;base64,' in text
    assert site.url not in text


@pytest.mark.django_db
def test_without_a_named_one_the_usual_place_is_tried(site: Site) -> None:
    site.pages["/login"] = (302, {"Location": "/sign-in"}, b"")
    site.pages["/sign-in"] = (200, {}, b"<title>Sign in</title>")
    site.pages["/favicon.ico"] = (200, {}, png("#00ff00"))
    icon_refresh(connection_to(site), now=NOW)
    assert icon_of(site.host) is not None
    assert site.asked == ["/login", "/sign-in", "/favicon.ico"]


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"<svg onload='alert(1)'/>", b"<html>not found</html>"])
def test_none_is_kept_as_none_and_the_first_letter_stands_for_it(site: Site, body: bytes) -> None:
    site.pages["/favicon.ico"] = (200, {}, body)
    connection = connection_to(site)
    icon_refresh(connection, now=NOW)
    assert SiteIcon.objects.get().image is None
    assert not icon_wanted(connection, now=NOW)
    assert ">1</span>" in opened(make_live_flow(connection)).text()


@pytest.mark.django_db
def test_it_is_fetched_now_and_then_and_by_one(site: Site) -> None:
    connection = connection_to(site)
    assert icon_wanted(connection, now=NOW)
    assert not icon_wanted(connection, now=NOW)  # somebody is on the way
    icon_refresh(connection, now=NOW)
    cache.clear()
    assert not icon_wanted(connection, now=NOW + FRESH - timedelta(seconds=1))
    assert icon_wanted(connection, now=NOW + FRESH + timedelta(seconds=1))
    cache.clear()
    connection.browser = {"proxy": {"id": "proxy_x"}}
    assert not icon_wanted(connection, now=NOW + FRESH * 2)  # never past the customer's proxy


@pytest.mark.django_db
def test_r30_nothing_is_fetched_from_a_place_the_guard_refuses(site: Site, settings: Any) -> None:
    connection = connection_to(site)
    settings.SSRF_ALLOW = []
    icon_refresh(connection, now=NOW)
    assert site.asked == []
    assert icon_of(site.host) is None


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "gopher://x/"]
)
def test_r30_a_redirect_leads_nowhere_it_may_not(site: Site, target: str) -> None:
    site.pages["/"] = (302, {"Location": target}, b"")
    with pytest.raises(VaultError):
        guarded_read(f"{site.url}/", most=100, seconds=2)
    assert site.asked == ["/"]


def test_reading_ends_at_its_limits(site: Site) -> None:
    site.pages["/big"] = (200, {}, b"x" * 500_000)
    assert guarded_read(f"{site.url}/big", most=1000, seconds=2).body == b"x" * 1000
    site.pages["/loop"] = (302, {"Location": "/loop"}, b"")
    with pytest.raises(VaultError):
        guarded_read(f"{site.url}/loop", most=1000, seconds=2)
    assert len(site.asked) < 10


def test_links_are_read_best_first() -> None:
    html = """
      <link rel=stylesheet href=/a.css><link rel=icon href=/vector.svg type=image/svg+xml>
      <link rel=icon href=/16.png sizes=16x16><link rel="ICON" href="https://cdn.example/64.png" sizes="64x64">
      <link rel="apple-touch-icon" href="touch.png"><link rel=icon href="javascript:alert(1)">
      <link rel=icon href="data:image/png;base64,AAAA" sizes=32x32><link rel=icon href="data:text/html,x">
      <link rel=icon>
    """
    assert icon_links(html, "https://example.com/login/") == [
        "https://cdn.example/64.png",
        "https://example.com/login/touch.png",
        "data:image/png;base64,AAAA",
        "https://example.com/16.png",
    ]
