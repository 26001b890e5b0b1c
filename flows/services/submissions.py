"""Taking an answer to a waiting flow. Of two that race, one is accepted; a refused one changes nothing."""

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from flows.errors import InteractionStale, NotAwaitingInput
from flows.models import Connection, Flow, Interaction
from flows.pauses import choice_from_json, field_from_json
from flows.services.flows import flow_move, interaction_open
from flows.services.refusals import submission_allow
from flows.submissions import Chosen, Given, Submission, submission_judge
from flows.transitions import LIVE, FlowInput
from vault.sealing import open_sealed, seal
from vault.secret import Secret

TABLE = "flows_interaction"
FIELD = "sealed_values"


def values_seal(*, organization_id: str, interaction_id: str, values: Mapping[str, str]) -> bytes:
    plain = json.dumps(dict(values)).encode()
    return seal(organization_id=organization_id, table=TABLE, record_id=interaction_id, field=FIELD, plaintext=plain)


def values_open(interaction: Interaction) -> dict[str, Secret]:
    """What was submitted, by field id; empty when it is already destroyed."""
    if interaction.sealed_values is None:
        return {}
    plain = open_sealed(
        organization_id=interaction.organization_id,
        table=TABLE,
        record_id=interaction.id,
        field=FIELD,
        sealed=bytes(interaction.sealed_values),
    )
    return {field_id: Secret(value) for field_id, value in json.loads(plain).items()}


def submission_accept(
    connection: Connection,
    submission: Submission,
    *,
    now: datetime,
    flow_id: str | None = None,
    interaction_required: bool = True,
) -> Flow:
    """Judge the submission against the open pause of the connection's flow (with `flow_id` of that flow only) and
    hand it to the worker.

    Raises `NotAwaitingInput`, `InteractionStale` or another `SubmissionRefused`; gives the flow to wake."""
    flow = Flow.objects.filter(connection=connection, state__in=LIVE).order_by("-created_at").first()
    if flow is None or flow_id not in (None, flow.id):
        raise NotAwaitingInput("No login is in progress: start one with login")
    interaction = interaction_open(flow)
    if not flow.waiting or interaction is None or now >= min(interaction.expires_at, flow.expires_at):
        step = flow.state if now < flow.expires_at else "EXPIRED"
        if submission.interaction_id is not None:
            _refuse_stale(flow, submission.interaction_id)
        raise NotAwaitingInput(f"The login is not waiting for input now, it is {step}")
    asked = [field_from_json(data) for data in interaction.fields]
    decision = submission_judge(
        submission,
        interaction_id=interaction.id,
        asked=asked,
        choices=[choice_from_json(data) for data in interaction.choices],
        interaction_required=interaction_required,
    )
    if isinstance(decision, Given):
        submission_allow(flow, asked, decision.values, now=now)
    with transaction.atomic():
        rows = Interaction.objects.filter(pk=interaction.pk, state=Interaction.State.OPEN)
        if not rows.update(state=Interaction.State.ANSWERED, answered_at=now, **_answer(interaction, decision)):
            raise InteractionStale("Another submission for this interaction came first")
        if not flow_move(flow.id, FlowInput.SUBMIT, now=now, kind="submitted"):
            transaction.set_rollback(True)
            raise NotAwaitingInput("The login ended meanwhile")
    return flow


def _refuse_stale(flow: Flow, interaction_id: str) -> None:
    if Interaction.objects.filter(flow=flow, pk=interaction_id).exclude(state=Interaction.State.OPEN).exists():
        raise InteractionStale("This interaction was already answered or withdrawn")


def _answer(interaction: Interaction, decision: Given | Chosen) -> dict[str, object]:
    if isinstance(decision, Chosen):
        return {"picked": decision.choice_id}
    sealed = values_seal(
        organization_id=interaction.organization_id, interaction_id=interaction.id, values=decision.values
    )
    return {"given": sorted(decision.values), "sealed_values": sealed}
