"""Recordings over the SDK: of a browser from start to download, and of a login that asks for one."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from kernel import APIStatusError, BadRequestError, Kernel, NotFoundError
from kernel.types.browsers import ReplayListResponse
from playwright.sync_api import sync_playwright

from flows.engine.chromium import headless_shell_path
from tests.service.driving import Account, drive
from tests.service.stack import Stack
from tests.videos import coloured, frames

pytestmark = pytest.mark.timeout(300)
ADA = Account(username="ada@demo.test", password="engine-no-1")
COVER = (85, 85, 85)
LOADED = "() => { const video = document.querySelector('video'); return video.readyState >= 2 && video.duration > 0; }"
JUMP = """() => new Promise((done) => { const video = document.querySelector("video");
  video.addEventListener("seeked", () => done(video.currentTime), { once: true });
  video.currentTime = video.duration / 2; })"""


def refused(code: str, call: Any) -> None:
    with pytest.raises(APIStatusError) as refusal:
        call()
    assert refusal.value.body["code"] == code  # type: ignore[index]  # the SDK leaves the body untyped


def test_a_browser_is_recorded_played_and_downloaded(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    made = client.browsers.create(headless=True, start_url=f"{stack.demo_url}/login", timeout_seconds=300)
    replays = client.browsers.replays
    replay = replays.start(made.session_id, framerate=10, max_duration_in_seconds=60)
    assert (replay.started_at is not None, replay.finished_at, replay.replay_view_url) == (True, None, None)
    refused("replay_running", lambda: replays.start(made.session_id))
    refused("replay_not_ready", lambda: replays.download(replay.replay_id, id_or_name=made.session_id))
    refused("audio_unavailable", lambda: replays.start(made.session_id, record_audio=True))
    with pytest.raises(BadRequestError):
        replays.start(made.session_id, framerate=60)
    replays.stop(replay.replay_id, id_or_name=made.session_id)
    replays.stop(replay.replay_id, id_or_name=made.session_id)
    client.browsers.delete_by_id(made.session_id)
    (listed,) = replays.list(made.session_id)
    assert listed.replay_id == replay.replay_id
    assert listed.finished_at is not None
    video = replays.download(replay.replay_id, id_or_name=made.session_id).read()
    assert frames(video)
    part = replays.download(replay.replay_id, id_or_name=made.session_id, extra_headers={"Range": "bytes=4-7"})
    assert (part.read(), part.http_response.status_code) == (b"ftyp", 206)
    assert part.http_response.headers["Content-Range"] == f"bytes 4-7/{len(video)}"
    assert listed.replay_view_url is not None
    plays(listed.replay_view_url)
    page, _, token = listed.replay_view_url.partition("#")
    assert token not in stack.log
    assert httpx.get(f"{page}/video", headers={"Authorization": f"Bearer {token}x"}, trust_env=False).status_code == 404
    strangers_see_nothing(client, stack, made.session_id, replay.replay_id)
    now = datetime.now(UTC)
    span: dict[str, Any] = {"start": now - timedelta(hours=1), "end": now + timedelta(minutes=1)}
    actions = {entry.route for entry in client.audit_logs.list(limit=100, **span)}
    assert {"replay.start", "replay.stop", "replay.address", "replay.download", "replay.open"} <= actions


def plays(address: str) -> None:
    """In a browser without proprietary codecs, jumps included."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=headless_shell_path(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function(LOADED, timeout=60_000)
        assert page.evaluate(JUMP) > 0
        page.goto(f"{address}x")
        page.reload()
        page.get_by_text("cannot be opened here").wait_for(timeout=60_000)
        browser.close()


def strangers_see_nothing(client: Kernel, stack: Stack, session_id: str, replay_id: str) -> None:
    project = client.projects.create(name="strangers of recordings")
    key = client.api_keys.create(name="stranger", project_id=project.id)
    stranger = Kernel(base_url=stack.url, api_key=key.key, max_retries=0)
    for call in (
        lambda: stranger.browsers.replays.list(session_id),
        lambda: stranger.browsers.replays.download(replay_id, id_or_name=session_id),
        lambda: stranger.browsers.replays.stop(replay_id, id_or_name=session_id),
        lambda: stranger.browsers.replays.start(session_id),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_login_is_recorded_where_it_asks_for_it(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    connection = client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        login_url=f"{stack.demo_url}/login",
        profile_name="recorded",
        health_checks=False,
        record_session=True,
    )
    assert drive(client, connection, ADA, mode="programmatic").status == "SUCCESS"
    (event,) = client.auth.connections.timeline(connection.id).items
    assert event.browser_session_id is not None
    assert event.replay_id is not None
    replays = client.browsers.replays
    (listed,) = finished(client, event.browser_session_id)
    assert listed.replay_id == event.replay_id
    video = replays.download(event.replay_id, id_or_name=event.browser_session_id).read()
    pictures = frames(video)
    fields, end = (coloured(picture, COVER) for picture in (pictures[0], pictures[-1]))
    assert end < fields / 3  # the page after the login has none


def finished(client: Kernel, browser_id: str) -> ReplayListResponse:
    """Once the worker has put them away, moments after the login ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        listed = client.browsers.replays.list(browser_id)
        if all(item.finished_at for item in listed):
            return listed
        time.sleep(0.1)
    raise TimeoutError("a recording was not finished")
