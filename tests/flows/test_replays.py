"""Recordings at rest: sealed in parts, opened by stretches, for whoever may and for some time."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from flows.errors import FlowError
from flows.live_links import LiveRight, live_token
from flows.models import BrowserSession, Replay, ReplayPart
from flows.ranges import stretch_wanted
from flows.replay_links import replay_opens, replay_url
from flows.services import replays
from flows.services.replays import (
    PART_BYTES,
    Stretch,
    replay_fail,
    replay_keep,
    replay_open,
    replay_read,
    replay_start,
    replay_start_of_login,
    replays_forget,
    replays_of,
)
from flows.services.sessions import NewSession, session_create
from tests.flows.factories import make_connection, make_flow, make_principal
from vault import sealing
from vault.errors import RateLimited, VaultError
from vault.models import AuditRecord, DataKey
from vault.principal import Principal

VIDEO = bytes(range(256)) * 2500  # more than two parts


def make_replay(principal: Principal | None = None, video: bytes = VIDEO) -> Replay:
    principal = principal or make_principal()
    now = timezone.now()
    session = session_create(principal, NewSession(), now=now)
    replay = replay_start(principal, session, framerate=None, seconds=None, now=now)
    replay_keep(replay.id, video, now=now)
    replay.refresh_from_db()
    return replay


@pytest.mark.django_db
@pytest.mark.parametrize("stretch", [(0, 640_000), (0, 1), (PART_BYTES - 1, PART_BYTES + 1), (639_999, 640_000)])
def test_a_stretch_is_what_it_was(stretch: tuple[int, int]) -> None:
    replay = make_replay()
    assert (replay.state, replay.size, replay.parts.count()) == ("ready", len(VIDEO), 3)
    assert replay_read(replay, Stretch(*stretch)) == VIDEO[slice(*stretch)]


@pytest.mark.django_db
def test_the_data_key_is_unwrapped_once_for_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_replay()  # makes the key
    unwrap, unwrapped = sealing._unwrap, []

    def counted(data_key: DataKey) -> bytes:
        unwrapped.append(data_key.id)
        return unwrap(data_key)

    monkeypatch.setattr(sealing, "_unwrap", counted)
    replay = make_replay()
    assert len(unwrapped) == 1
    assert replay_read(replay, Stretch(0, len(VIDEO))) == VIDEO
    assert len(unwrapped) == 2


@pytest.mark.django_db
def test_at_rest_nothing_can_be_read_or_swapped() -> None:
    replay = make_replay()
    first, second, _ = replay.parts.order_by("number")
    assert VIDEO[:64] not in bytes(first.sealed)
    ReplayPart.objects.filter(pk=first.pk).update(sealed=second.sealed)
    with pytest.raises(VaultError):
        replay_read(replay, Stretch(0, 10))


@pytest.mark.django_db(transaction=True)
def test_r25_an_address_opens_its_recording_and_no_other() -> None:
    now = timezone.now()
    replay = make_replay()
    page, _, token = replay_url(replay, now=now).partition("#")
    address = f"/replays/{replay.id}/video"
    assert page.endswith(f"/replays/{replay.id}")
    client = Client()
    assert client.get(f"/replays/{replay.id}").status_code == 200
    assert client.get("/replays/replay_none").status_code == 404
    whole = client.get(address, headers={"authorization": f"Bearer {token}"})
    assert (whole.status_code, whole.content) == (200, VIDEO)
    part = client.get(address, headers={"authorization": f"Bearer {token}", "range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, VIDEO[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(VIDEO)}"
    beyond = client.get(address, headers={"authorization": f"Bearer {token}", "range": "bytes=640000-"})
    assert beyond.status_code == 416
    of_browser = live_token(str(replay.session_id), LiveRight.TYPE, now=now)
    late = live_token(replay.id, LiveRight.LOOK, now=now - timedelta(minutes=11))
    for wrong in ("", "x", of_browser, late):
        assert client.get(address, headers={"authorization": f"Bearer {wrong}"}).status_code == 404
        assert not replay_opens(replay.id, wrong)
    assert client.get(address).status_code == 404
    opened = AuditRecord.objects.filter(action="replay.open", resource_id=replay.id).order_by("seq")
    assert [record.outcome for record in opened] == ["ok"] * 3 + ["denied"] * 3


@pytest.mark.django_db
def test_r28_a_recording_gets_so_many_tries(settings: Any) -> None:
    settings.LINK_TRIES = 2
    replay, now = make_replay(), timezone.now()
    for _ in range(2):
        assert replay_open(replay.id, token="x", source="", now=now) is None
    with pytest.raises(RateLimited):
        replay_open(replay.id, token="x", source="", now=now)


@pytest.mark.django_db
def test_r28_a_try_too_many_is_a_429(monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(*_: object, **__: object) -> None:
        raise RateLimited(retry_after=7)

    monkeypatch.setattr(replays, "rate_take", spent)
    video = f"/replays/{make_replay().id}/video"
    answer = Client().get(video, headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "7")


@pytest.mark.django_db
def test_one_at_a_time_and_none_where_they_are_turned_off(settings: object) -> None:
    principal = make_principal()
    session = session_create(principal, NewSession(), now=timezone.now())
    running = replay_start(principal, session, framerate=3, seconds=10**9, now=timezone.now())
    assert (running.framerate, running.max_seconds) == (3, 3600)
    assert replay_url(running, now=timezone.now()) == ""
    with pytest.raises(FlowError) as refusal:
        replay_start(principal, session, framerate=None, seconds=None, now=timezone.now())
    assert refusal.value.code == "replay_running"
    replay_fail(running.id, "x", now=timezone.now())
    settings.REPLAY_HOURS = 0  # type: ignore[attr-defined]
    with pytest.raises(FlowError) as refusal:
        replay_start(principal, session, framerate=None, seconds=None, now=timezone.now())
    assert refusal.value.code == "replays_off"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("connection", "login", "wanted"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_a_login_is_recorded_where_it_or_its_connection_asks(
    connection: bool, login: bool | None, wanted: bool
) -> None:
    flow = make_flow(make_connection(make_principal(), record_session=connection))
    if login is not None:
        flow.overrides = {"record_session": login}
        flow.save()
    assert (replay_start_of_login(flow.id, now=timezone.now()) is not None) is wanted


@pytest.mark.django_db
def test_what_is_too_old_goes_and_what_nobody_makes_any_more_has_failed(settings: object) -> None:
    settings.REPLAY_HOURS = 2  # type: ignore[attr-defined]
    principal = make_principal()
    old, now = make_replay(principal), timezone.now()
    session = session_create(principal, NewSession(), now=now)
    lost = replay_start(principal, session, framerate=None, seconds=None, now=now)
    replays_forget(now=now + timedelta(minutes=1))
    lost.refresh_from_db()
    assert lost.state == "recording"
    BrowserSession.objects.filter(pk=session.pk).update(ended_at=now)
    replays_forget(now=now + timedelta(minutes=3))
    lost.refresh_from_db()
    assert (lost.state, lost.problem) == ("failed", "its worker was lost")
    replays_forget(now=now + timedelta(hours=3))
    assert not Replay.objects.filter(pk=old.pk).exists()
    assert not ReplayPart.objects.exists()


@pytest.mark.django_db
def test_r26_another_project_sees_none() -> None:
    replay = make_replay()
    assert not replays_of(make_principal("other"), str(replay.session_id)).exists()


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", (0, 100)),
        ("bytes=0-", (0, 100)),
        ("bytes=5-9", (5, 10)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=9-5", (0, 100)),
        ("bytes=-", (0, 100)),
        ("bytes=0-1,5-6", (0, 100)),
        ("lines=1-2", (0, 100)),
        ("bytes=100-", None),
        ("bytes=-0", None),
    ],
)
def test_what_a_range_asks_for(header: str, wanted: tuple[int, int] | None) -> None:
    assert stretch_wanted(header, 100) == (Stretch(*wanted) if wanted else None)
