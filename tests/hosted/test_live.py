"""A person takes over a waiting login on the hosted page; looking and typing are two rights, strangers see nothing.

Everything is real but the queue: the web application behind a socket, the runner, Chromium at both ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from flows.engine.browsers import Browsers
from flows.live_links import LiveRight, browser_live_url, live_token, live_token_read, live_url
from flows.models import Connection, Flow
from flows.runner.live import LiveViews
from flows.runner.run import flow_run
from flows.selectors import connection_state
from flows.services.flows import flow_cancel
from flows.services.sessions import NewSession, session_create
from tests.flows.factories import make_connection, make_flow, make_principal
from tests.hosted.conftest import OPEN, Visit, tell
from tests.sites.server import SiteServer
from tests.sites.zoo import puzzles
from tests.sites.zoo.site import PASSWORD, USER, Zoo
from vault.aio import run_db
from vault.credentials import credential_create
from vault.models import AuditRecord, Project

pytestmark = pytest.mark.django_db(transaction=True)

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}
REACHED = 60
REFUSED: tuple[list[Any], int] = ([], 4404)


@dataclass(slots=True)
class Carried:
    """A login that a worker carries."""

    flow: Flow
    running: "asyncio.Task[None]"
    views: LiveViews

    @property
    def website(self) -> Any:
        """The page that the login works in, as only a test may have it."""
        view = self.views.of(self.flow.id)
        assert view is not None
        return view.page

    async def ended(self) -> str:
        await asyncio.wait_for(self.running, REACHED)
        await run_db(self.flow.refresh_from_db)
        return self.flow.state

    async def reached(self, state: str) -> None:
        async with asyncio.timeout(REACHED):
            while True:
                await run_db(self.flow.refresh_from_db)
                if self.flow.state == state:
                    return
                assert self.flow.live, self.flow.error_message
                await asyncio.sleep(0.05)  # the database offers nothing to wait on


@asynccontextmanager
async def carried(browsers: Browsers, zoo: Zoo) -> AsyncIterator[Carried]:
    """A login with a stored password at `zoo`, looked at by whoever may."""

    def begin() -> Flow:
        principal = make_principal(f"acme {zoo.server.domain}")
        values = {"username": USER, "password": PASSWORD}
        credential_create(principal, name="c", domain=zoo.server.domain, values=values)
        connection = make_connection(
            principal,
            domain=zoo.server.domain,
            login_url=f"{zoo.url}/login",
            credential={"name": "c"},
            browser={"stealth": False},
        )
        return make_flow(connection, now=timezone.now())

    flow = await run_db(begin)
    views = LiveViews()
    await views.start("127.0.0.1", "127.0.0.1")
    running = asyncio.create_task(flow_run(flow.id, browsers=browsers, holder="test", views=views))
    try:
        yield Carried(flow, running, views)
    finally:
        await tell(flow, flow_cancel, flow.id, now=timezone.now())
        await asyncio.gather(running, return_exceptions=True)
        await views.close()


async def test_an_unreadable_login_is_done_by_keyboard_in_the_page(
    browsers: Browsers, site: SiteServer, visit: Visit
) -> None:
    zoo = Zoo(site)
    puzzles.drawn(zoo)
    visitor = await visit(**DESKTOP)
    page = visitor.page
    async with carried(browsers, zoo) as login:
        await visitor.enter(login.flow)
        await page.locator(".live[data-acts][data-frames]").wait_for(timeout=3 * OPEN)
        await visitor.shot("live-desktop-dark")
        await page.locator(".live-keys").focus()
        await page.keyboard.press("Tab")  # inside the website: to the canvas that takes the keys
        for words in (USER, PASSWORD):
            await page.keyboard.type(words)
            await page.keyboard.press("Enter")
        assert await login.ended() == "SUCCESS"
        await visitor.heading("You are signed in")


async def audited(flow: Flow) -> list[tuple[str, str]]:
    def read() -> list[tuple[str, str]]:
        rows = AuditRecord.objects.filter(action="live.open", resource_id=flow.id).order_by("seq")
        return [(row.outcome, row.details["right"]) for row in rows]

    return await run_db(read)


async def test_r25_looking_and_typing_are_two_rights_and_strangers_see_nothing(
    browsers: Browsers, site: SiteServer, service: str
) -> None:
    zoo = Zoo(site)
    puzzles.checkbox(zoo)
    async with carried(browsers, zoo) as login:
        await login.reached("AWAITING_EXTERNAL_ACTION")
        flow, now = login.flow, timezone.now()
        typing, looking = (live_token(flow.id, right, now=now) for right in (LiveRight.TYPE, LiveRight.LOOK))
        key = {"t": "text", "s": "x"}
        for hello in ({"token": looking}, {"token": typing, "readOnly": True}):
            heard, _ = await speak(service, flow, hello, says=[key])
            assert isinstance(heard[-1], bytes)
            assert not any(notice["acts"] for notice in heard if isinstance(notice, dict))
        heard, _ = await speak(service, flow, {"token": typing})
        assert any(notice["acts"] for notice in heard if isinstance(notice, dict))
        late = live_token(flow.id, LiveRight.TYPE, now=now - timedelta(minutes=11))
        stranger = await run_db(make_principal, "another organization")
        theirs = await run_db(session_create, stranger, NewSession(), now=now)
        foreign = live_token(theirs.id, LiveRight.TYPE, now=now)
        for wrong in ("", "x", typing[:-3] + "xyz", late, foreign):
            assert await speak(service, flow, {"token": wrong}) == REFUSED, wrong
        with pytest.raises(InvalidStatus):
            await speak(service, flow, {"token": typing}, origin="https://evil.example")
    assert (await audited(flow))[-1] == ("denied", "")


async def speak(
    service: str, flow: Flow, hello: dict[str, Any], *, origin: str = "", says: list[Any] | None = None
) -> tuple[list[Any], int]:
    """What a program hears up to the first frame or the end, and how that came."""
    heard: list[Any] = []
    address = f"{service.replace('http', 'ws', 1)}/live/{flow.id}/socket"
    async with connect(address, origin=origin or service, proxy=None) as socket:  # type: ignore[arg-type]
        try:
            for message in [hello, *(says or ())]:
                await socket.send(json.dumps(message))
            async with asyncio.timeout(REACHED):
                while not heard or not isinstance(heard[-1], bytes):
                    said = await socket.recv()
                    heard.append(json.loads(said) if isinstance(said, str) else said)
        except ConnectionClosed:
            return heard, socket.close_code or 0
    return heard, 0


async def test_r21_only_listed_parents_may_embed_the_live_view(service: str) -> None:
    def begin() -> Flow:
        flow = make_flow(make_connection(make_principal()), now=timezone.now())
        Project.objects.filter(pk=flow.project_id).update(allowed_origins=["https://app.example"])
        return flow

    flow = await run_db(begin)
    async with httpx.AsyncClient(trust_env=False) as client:
        listed = await client.get(f"{service}/live/{flow.id}")
        unknown = await client.get(f"{service}/live/flow_none")
    assert "frame-ancestors https://app.example;" in listed.headers["content-security-policy"] + ";"
    assert "x-frame-options" not in listed.headers
    assert unknown.status_code == 404


def test_r25_an_address_is_shown_while_there_is_a_browser_and_names_no_right_but_its_own() -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    flow = make_flow(make_connection(make_principal()), now=now)
    connection = Connection.objects.get(pk=flow.connection_id)
    assert live_url(flow, LiveRight.TYPE, now=now) == ""
    flow.address = "127.0.0.1:1"
    assert "live_view_url" not in connection_state(connection, flow, now=now)
    said = connection_state(connection, flow, now=now, live=LiveRight.LOOK)["live_view_url"]
    assert (
        said == connection_state(connection, flow, now=now + timedelta(minutes=1), live=LiveRight.LOOK)["live_view_url"]
    )
    path, _, token = said.partition("#")
    assert path.endswith(f"/live/{flow.id}")
    assert live_token_read(token) is None  # it is long past
    fresh = live_token_read(live_token(flow.id, LiveRight.LOOK, now=timezone.now()))
    assert fresh is not None
    assert fresh.right is LiveRight.LOOK


def test_r25_a_browser_with_a_window_has_an_address_while_it_runs() -> None:
    now = timezone.now()
    session = session_create(make_principal(), NewSession(), now=now)
    assert browser_live_url(session, LiveRight.TYPE, now=now) == ""
    session.state, session.live_address = session.State.RUNNING, "127.0.0.1:1"
    path, _, token = browser_live_url(session, LiveRight.LOOK, now=now).partition("#")
    assert path.endswith(f"/live/{session.id}")
    said = live_token_read(token)
    assert said is not None
    assert (said.shown_id, said.right) == (session.id, LiveRight.LOOK)
    session.options = {"headless": True}
    assert browser_live_url(session, LiveRight.TYPE, now=now) == ""
