"""Recordings are played where they are shown: in the admin site, and on the page at their address."""

import io

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image
from playwright.async_api import Page

from flows.engine.cover import Covered
from flows.engine.video import Video
from flows.models import Replay
from flows.replay_links import replay_url
from flows.services.replays import replay_keep, replay_start, replay_start_of_login
from flows.services.sessions import NewSession, session_create
from tests.flows.factories import make_connection, make_flow, make_principal
from tests.hosted.conftest import Visit
from vault.aio import run_db
from vault.models import AuditRecord

PLAYS = "() => { const video = document.querySelector('video'); return video.readyState >= 2 && video.duration > 3; }"
JUMP = """() => new Promise((done) => { const video = document.querySelector("video");
  video.addEventListener("seeked", () => done(video.currentTime), { once: true }); video.currentTime = 2; })"""
WINDOWS = {
    "desktop-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


def video_make() -> bytes:
    video = Video()
    for second, colour in enumerate(("#204060", "#206040", "#604020")):
        picture = io.BytesIO()
        Image.new("RGB", (1280, 720), colour).save(picture, "JPEG")
        video.add(Covered(picture.getvalue(), (1280, 720), ((100, 100, 300, 40),)), second * 1.5)
    return video.finish(4.5)


def make_replay() -> Replay:
    session = session_create(make_principal(), NewSession(name="of an agent"), now=timezone.now())
    replay = replay_start(make_principal("x"), session, framerate=None, seconds=None, now=timezone.now())
    replay_keep(replay.id, video_make(), now=timezone.now())
    replay.refresh_from_db()
    return replay


async def plays(page: Page) -> None:
    await page.wait_for_function(PLAYS, timeout=60_000)
    assert await page.evaluate(JUMP) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("window", WINDOWS)
async def test_a_recording_plays_and_jumps(service: str, visit: Visit, window: str) -> None:
    replay = await run_db(make_replay)
    visitor = await visit(**WINDOWS[window])
    await visitor.page.goto(replay_url(replay, now=timezone.now()))
    await plays(visitor.page)
    assert "#" not in visitor.page.url
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await visitor.shot(f"replay-{window}")
    operator = Client()
    await run_db(lambda: operator.force_login(User.objects.create_superuser("operator")))
    cookie = {"name": "sessionid", "value": operator.cookies["sessionid"].value, "url": service}
    await visitor.page.context.add_cookies([cookie])  # type: ignore[list-item]
    await visitor.page.goto(f"{service}/admin/flows/replay/{replay.id}/change/")
    await plays(visitor.page)
    await visitor.shot(f"replay-admin-{window}")


@pytest.mark.django_db(transaction=True)
def test_operators_open_a_stretch_and_that_is_on_record() -> None:
    replay = make_replay()
    address = f"/admin/flows/replay/{replay.id}/video"
    assert Client().get(address).status_code == 302
    operator = Client()
    operator.force_login(User.objects.create_user("without rights", is_staff=True))
    assert operator.get(address).status_code == 403
    operator.force_login(User.objects.create_superuser("operator"))
    part = operator.get(address, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert AuditRecord.objects.get(action="replay.open").actor == "admin:operator"
    assert "of an agent" in operator.get("/admin/flows/replay/").content.decode()


@pytest.mark.django_db
def test_a_login_in_the_admin_names_its_recordings() -> None:
    flow = make_flow(make_connection(make_principal(), record_session=True))
    replay = replay_start_of_login(flow.id, now=timezone.now())
    assert replay is not None
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    assert replay.id in operator.get(f"/admin/flows/flow/{flow.id.replace('_', '_5F')}/change/").content.decode()
    page = operator.get(f"/admin/flows/replay/{replay.id.replace('_', '_5F')}/change/").content.decode()
    assert "<video" not in page
    assert operator.get(f"/admin/flows/replay/{replay.id.replace('_', '_5F')}/video").status_code == 404
