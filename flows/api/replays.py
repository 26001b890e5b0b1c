"""`/browsers/{id}/replays`: recordings of a browser, and of logins by their `browser_session_id`."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from flows.errors import SessionConflict, SessionInvalid, SessionNotFound
from flows.models import BrowserSession, Flow, Replay
from flows.ranges import replay_response
from flows.relay import relay_control
from flows.replay_links import replay_url
from flows.services.replays import (
    FRAMERATE,
    FRAMERATE_MOST,
    SECONDS_MOST,
    State,
    replay_fail,
    replay_get,
    replay_record,
    replay_start,
    replays_of,
    replays_record_addresses,
)
from flows.services.sessions import KIND, USE, session_get
from vault.aio import run_db
from vault.api.paging import LIMIT_MOST, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, Refusal
from vault.principal import Principal
from vault.text import lookup_clean

router = Router(tags=["browsers"])
_SHOWN: Any = {"exclude_none": True}


class ReplayStart(Schema):
    framerate: Annotated[int, Field(ge=1, le=FRAMERATE_MOST)] | None = Field(
        None, description=f"The most pictures a second; {FRAMERATE} where it is not given"
    )
    max_duration_in_seconds: Annotated[int, Field(ge=1)] | None = Field(
        None, description=f"At most {SECONDS_MOST}, which is meant by more and by none"
    )
    record_audio: bool = Field(False, description="Not on this installation: true is refused")


class ReplayOut(Schema):
    replay_id: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    replay_view_url: str | None = Field(None, description="A page that plays it, for some minutes; once it is finished")


@router.post("/{id_or_name}/replays", response={201: ReplayOut, REFUSED: Refusal}, summary="Record a browser", **_SHOWN)
async def start(request: HttpRequest, id_or_name: str, body: ReplayStart | None = None) -> Status[dict[str, Any]]:
    """What can hold typed text is covered in every picture. Logins are recorded by `record_session` alone."""
    principal = caller(request)
    wanted = body or ReplayStart.model_validate({})
    if wanted.record_audio:
        raise SessionInvalid("record_audio: recordings have no sound here", code="audio_unavailable")
    session = await run_db(_running, principal, id_or_name)
    now = timezone.now()
    replay = await run_db(
        replay_start,
        principal,
        session,
        framerate=wanted.framerate,
        seconds=wanted.max_duration_in_seconds,
        now=now,
    )
    try:
        await relay_control(session, {"record": replay.id})
    except SessionConflict:
        await run_db(replay_fail, replay.id, "the browser does not answer", now=timezone.now())
        raise
    return Status(201, replay_wire(replay, now=now))


@router.get(
    "/{id_or_name}/replays", response={200: list[ReplayOut], REFUSED: Refusal}, summary="List recordings", **_SHOWN
)
def list_replays(
    request: HttpRequest, response: HttpResponse, id_or_name: str, limit: int = LIMIT_MOST, offset: int = 0
) -> list[dict[str, Any]]:
    """Oldest first, those of browsers that are over too, as long as they are kept. The SDK asks for no page, so one is
    as long as it may be."""
    principal = caller(request)
    now = timezone.now()
    browser_id = _browser_id(principal, id_or_name)
    rows = replays_of(principal, browser_id).exclude(state=State.FAILED)
    shown = page(request, response, rows, limit, offset, lambda row: row)
    if ready := [replay for replay in shown if replay.state == State.READY]:
        replays_record_addresses(ready, browser_id, actor=principal.actor)
    return [replay_wire(replay, now=now) for replay in shown]


@router.get("/{id_or_name}/replays/{replay_id}", response={200: None, REFUSED: Refusal}, summary="Download a recording")
def download(request: HttpRequest, id_or_name: str, replay_id: str) -> HttpResponse:
    """An MP4 file; stretches of it by `Range`. 409 `replay_not_ready` while it is being made, 404 when it failed."""
    principal = caller(request)
    replay = replay_get(principal, _browser_id(principal, id_or_name), replay_id)
    if replay.state == State.RECORDING:
        raise SessionConflict("The recording is not finished; stop it first", code="replay_not_ready")
    if replay.state == State.FAILED:
        raise SessionNotFound(f"The recording failed: {replay.problem}")
    replay_record(replay, actor=principal.actor, action="replay.download")
    return replay_response(request, replay)


@router.post("/{id_or_name}/replays/{replay_id}/stop", response={204: None, REFUSED: Refusal}, summary="Stop recording")
async def stop(request: HttpRequest, id_or_name: str, replay_id: str) -> Status[None]:
    """Answers when the recording is kept. Stopping one that is over changes nothing."""
    principal = caller(request)
    replay = await run_db(_find, principal, id_or_name, replay_id)
    if replay.state == State.RECORDING and replay.session is not None:
        await run_db(replay_record, replay, actor=principal.actor, action="replay.stop")
        await relay_control(replay.session, {"record_stop": replay.id})
    return Status(204, None)


def replay_wire(replay: Replay, *, now: datetime) -> dict[str, Any]:
    """The wire's replay; absent members are left out."""
    shown = {
        "replay_id": replay.id,
        "started_at": replay.started_at,
        "finished_at": replay.finished_at,
        "replay_view_url": replay_url(replay, now=now),
    }
    return {name: value for name, value in shown.items() if value}


def _running(principal: Principal, id_or_name: str) -> BrowserSession:
    session = session_get(principal, id_or_name)
    principal.require(USE, kind=KIND, record_id=session.id)
    if session.state != BrowserSession.State.RUNNING:
        raise SessionConflict("The browser is not running yet", code="browser_gone")
    return session


def _browser_id(principal: Principal, id_or_name: str) -> str:
    flow = Flow.objects.for_principal(principal).filter(pk=lookup_clean(id_or_name)).first()
    found: str = (flow or session_get(principal, id_or_name, include_deleted=True)).id
    principal.require(USE, kind=KIND, record_id=found)
    return found


def _find(principal: Principal, id_or_name: str, replay_id: str) -> Replay:
    replay = replay_get(principal, _browser_id(principal, id_or_name), replay_id)
    return Replay.objects.select_related("session").get(pk=replay.pk)
