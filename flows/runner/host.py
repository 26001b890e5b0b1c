"""The engine's host inside the service: progress, questions and secrets of one flow, through the database."""

import asyncio
import logging
from collections.abc import Sequence

from django.utils import timezone

from flows.engine.contract import (
    Answer,
    ErrorCode,
    Filled,
    FlowStopped,
    Pause,
    Picked,
    Progress,
    Secret,
    ValueUnavailable,
)
from flows.engine.live import LiveView
from flows.models import Flow, Interaction
from flows.pauses import field_from_json
from flows.services.flows import Claim, flow_pause, flow_progress, origin_allow
from flows.services.values import (
    value_accepted_again,
    value_given,
    value_match,
    value_stored,
    values_rejected,
)
from flows.transitions import LIVE, FlowInput, FlowState
from flows.wake import Listener, wake
from vault.aio import run_db
from vault.credentials import TotpWait
from vault.errors import NotFound
from vault.sources.base import SourceError

log = logging.getLogger(__name__)

_PROGRESS = {Progress.DISCOVERING: FlowInput.DISCOVER, Progress.SUBMITTING: FlowInput.ACT}
_STOPPED = {
    FlowState.CANCELED: ErrorCode.CANCELED,
    FlowState.EXPIRED: ErrorCode.FLOW_EXPIRED,
}


class FlowHost:
    """Implements `flows.engine.contract.Host` for one claimed flow."""

    def __init__(self, claim: Claim, *, listener: Listener, live: LiveView | None = None) -> None:
        self.claim = claim
        self.live = live or LiveView()
        self._listener = listener
        self._open: str | None = None  # the interaction that waits
        self._answered: str | None = None  # the last one answered

    async def attended(self) -> bool:
        if self.live.attended:
            return True
        flow = await run_db(_flow, self.claim.flow_id)
        return flow is not None and bool(flow.address and flow.page_session_hash)

    async def progress(self, progress: Progress) -> None:
        event = _PROGRESS[progress]
        if not await run_db(flow_progress, self.claim, event, now=timezone.now()):
            raise await self._stopped()
        self._open = None
        await wake(self.claim.flow_id)

    async def pause(self, pause: Pause) -> None:
        interaction = await run_db(flow_pause, self.claim, pause, now=timezone.now())
        if interaction is None:
            raise await self._stopped()
        if interaction.id != self._open:
            self._open = interaction.id
            await wake(self.claim.flow_id)

    async def answer(self) -> Answer:
        if self._open is None:
            raise RuntimeError("answer() without an open pause")
        while True:
            interaction = await run_db(_interaction, self._open)
            if interaction is None:
                raise await self._stopped()
            if interaction.state == Interaction.State.ANSWERED:
                self._answered, self._open = interaction.id, None
                return await self._taken(interaction)
            now = timezone.now()
            if interaction.state == Interaction.State.WITHDRAWN:
                raise await self._stopped()
            if now >= interaction.expires_at:
                raise FlowStopped(ErrorCode.FLOW_EXPIRED, "Nobody answered in time.")
            left = (interaction.expires_at - now).total_seconds()
            await self._listener.wait(min(1.0, left))

    async def _taken(self, interaction: Interaction) -> Answer:
        if interaction.picked:
            return Picked(interaction.picked)
        given = frozenset(interaction.given)
        refs = {field.id: field.ref for field in map(field_from_json, interaction.fields)}
        await run_db(value_accepted_again, self.claim.flow_id, frozenset(refs[field_id] for field_id in given))
        return Filled(given)

    async def reveal_stored(self, name: str, *, origin: str) -> Secret:
        try:
            return await self._stored(name, origin=origin)
        except (SourceError, NotFound, KeyError) as error:
            log.warning(
                "a stored value is not to be had: %s", type(error).__name__, extra={"flow_id": self.claim.flow_id}
            )
            raise ValueUnavailable(name) from None

    async def _stored(self, name: str, *, origin: str) -> Secret:
        while True:
            value = await run_db(value_stored, self.claim.flow_id, name, origin=origin, now=timezone.now())
            if not isinstance(value, TotpWait):
                return value
            await asyncio.sleep(value.seconds)  # until the next time step begins

    async def match(self, names: frozenset[str], texts: Sequence[Sequence[str]], *, origin: str) -> int | None:
        try:
            return await run_db(value_match, self.claim.flow_id, names, texts, origin=origin, now=timezone.now())
        except (SourceError, NotFound):
            return None

    async def reveal_given(self, field_id: str, *, origin: str) -> Secret:
        if self._answered is None:
            raise RuntimeError("reveal_given() without an answered pause")
        return await run_db(value_given, self._answered, field_id, origin=origin)

    async def rejected(self, names: frozenset[str]) -> None:
        await run_db(values_rejected, self.claim.flow_id, names, now=timezone.now())

    async def allow_origin(self, origin: str) -> None:
        await run_db(origin_allow, self.claim.flow_id, origin)

    async def _stopped(self) -> FlowStopped:
        """Why the flow is no longer ours."""
        flow = await run_db(_flow, self.claim.flow_id)
        if flow is None:
            return FlowStopped(ErrorCode.CANCELED, "The connection was deleted.")
        if flow.state in LIVE and flow.attempt == self.claim.attempt and timezone.now() < flow.expires_at:
            return FlowStopped(ErrorCode.INTERNAL_ERROR, f"unexpected state {flow.state}")
        return FlowStopped(_STOPPED.get(FlowState(flow.state), ErrorCode.WORKER_LOST))


def _interaction(interaction_id: str) -> Interaction | None:
    return Interaction.objects.filter(pk=interaction_id).first()


def _flow(flow_id: str) -> Flow | None:
    return Flow.objects.filter(pk=flow_id).first()
