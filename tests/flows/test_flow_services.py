"""The life of a flow in the database: one live flow, fenced workers, races with one winner."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from flows.engine.contract import ErrorCode
from flows.errors import InteractionStale, NotAwaitingInput, SubmissionRefused
from flows.models import Connection, Flow, FlowEvent, Interaction
from flows.selectors import connection_state, connection_states, flow_interaction, flow_state
from flows.services.flows import (
    DISPATCH_GRACE,
    MAX_ATTEMPTS,
    Claim,
    connection_authenticated,
    flow_cancel,
    flow_claim,
    flow_end,
    flow_expire_overdue,
    flow_move,
    flow_pause,
    flow_progress,
    flow_renew,
    flow_start,
    flows_abandoned,
)
from flows.services.submissions import submission_accept, values_open
from flows.submissions import Submission
from flows.transitions import FlowInput, FlowState
from tests.flows.factories import CODE, NOW, make_connection, make_flow, make_pause, make_principal

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = timedelta(seconds=settings.FLOW_LEASE_SECONDS)
CANARY = "canary-pass-1"


def claimed() -> tuple[Flow, Claim]:
    flow = make_flow(make_connection(make_principal()))
    claim = flow_claim(flow.id, holder="w1", now=NOW)
    assert claim is not None
    return flow, claim


def fresh(flow: Flow) -> Flow:
    return Flow.objects.get(pk=flow.pk)


def kinds(flow: Flow) -> list[str]:
    return list(FlowEvent.objects.filter(flow=flow).values_list("kind", flat=True))


def submit(flow: Flow, **body: object) -> Flow:
    return submission_accept(flow.connection, Submission(**body), now=NOW)  # type: ignore[arg-type]  # as callers send


def test_a_second_login_joins_and_makes_the_old_link_stale() -> None:
    connection = make_connection(make_principal())
    first, new = flow_start(connection, now=NOW)
    second, again = flow_start(connection, now=NOW)
    assert (new, again) == (True, False)
    assert second.id == first.id
    assert second.generation == first.generation + 1


def test_a_login_that_succeeds_between_two_looks_is_told_whole() -> None:
    flow, claim = claimed()
    early = Connection.objects.select_related("profile").get(pk=flow.connection_id)
    assert flow_move(flow.id, FlowInput.SUCCEED, now=timezone.now(), attempt=claim.attempt)
    connection_authenticated(fresh(flow), now=timezone.now(), post_login_url="", auth_check=None)
    state = connection_state(early, fresh(flow), now=timezone.now())
    assert (state["flow_status"], state["status"]) == ("SUCCESS", "AUTHENTICATED")
    (state,) = connection_states([Connection.objects.get(pk=flow.connection_id)], now=timezone.now())
    assert (state["flow_status"], state["status"]) == ("SUCCESS", "AUTHENTICATED")


def test_a_flow_past_its_time_is_superseded() -> None:
    connection = make_connection(make_principal())
    first = make_flow(connection)
    later = NOW + timedelta(seconds=settings.FLOW_SECONDS)
    assert fresh(first).status_at(later) == "EXPIRED"
    second, new = flow_start(connection, now=later)
    assert new
    assert second.id != first.id
    assert fresh(first).state == FlowState.EXPIRED
    assert fresh(first).error_code == "flow_expired"


def test_one_worker_takes_a_flow_until_its_lease_lapses() -> None:
    flow, claim = claimed()
    assert flow_claim(flow.id, holder="w2", now=NOW) is None
    assert flow_renew(claim, now=NOW + LEASE / 2)
    assert flow_claim(flow.id, holder="w2", now=NOW + LEASE) is None
    second = flow_claim(flow.id, holder="w2", now=NOW + LEASE * 2)
    assert second is not None
    assert not flow_renew(claim, now=NOW + LEASE * 2)
    assert not flow_progress(claim, FlowInput.ACT, now=NOW + LEASE * 2)
    assert flow_pause(claim, make_pause(), now=NOW + LEASE * 2) is None
    assert not flow_move(flow.id, FlowInput.SUCCEED, now=NOW, attempt=claim.attempt)
    assert kinds(flow) == ["started", "claimed", "restarted"]


def test_a_flow_whose_workers_keep_dying_ends_with_worker_lost() -> None:
    flow = make_flow(make_connection(make_principal()))
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        assert flow_claim(flow.id, holder="w", now=now) is not None
        now += LEASE * 2
    assert flow_claim(flow.id, holder="w", now=now) is None
    assert fresh(flow).state == FlowState.FAILED
    assert fresh(flow).error_code == "worker_lost"


def test_abandoned_flows_are_handed_out_once() -> None:
    flow, _ = claimed()
    assert flows_abandoned(now=NOW + DISPATCH_GRACE) == []  # the lease still holds
    late = NOW + LEASE + DISPATCH_GRACE
    assert flows_abandoned(now=late) == [flow.id]
    assert flows_abandoned(now=late) == []
    assert flows_abandoned(now=late + DISPATCH_GRACE) == [flow.id]


def test_a_never_taken_task_is_sent_again() -> None:
    flow = make_flow(make_connection(make_principal()))
    assert flows_abandoned(now=NOW + DISPATCH_GRACE / 2) == []
    assert flows_abandoned(now=NOW + DISPATCH_GRACE) == [flow.id]


def test_overdue_flows_expire_and_take_their_values_with_them() -> None:
    flow, claim = claimed()
    flow_pause(claim, make_pause(), now=NOW)
    submit(flow, fields={"login": "ada", "pw": CANARY})
    assert flow_expire_overdue(now=NOW + timedelta(seconds=settings.FLOW_SECONDS - 1)) == []
    assert flow_expire_overdue(now=NOW + timedelta(seconds=settings.FLOW_SECONDS)) == [flow.id]
    assert fresh(flow).state == FlowState.EXPIRED
    assert Interaction.objects.get(flow=flow).sealed_values is None


def test_the_same_pause_twice_is_one_interaction() -> None:
    _, claim = claimed()
    first = flow_pause(claim, make_pause(), now=NOW)
    again = flow_pause(claim, make_pause(), now=NOW)
    other = flow_pause(claim, make_pause(CODE), now=NOW)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id
    assert Interaction.objects.get(pk=first.id).state == Interaction.State.WITHDRAWN


def test_an_accepted_submission_is_sealed_and_opens() -> None:
    flow, claim = claimed()
    interaction = flow_pause(claim, make_pause(), now=NOW)
    assert interaction is not None
    submit(flow, interaction_id=interaction.id, field_values={"f1": "ada", "f2": CANARY})
    assert fresh(flow).state == FlowState.SUBMITTING
    row = Interaction.objects.get(pk=interaction.id)
    assert row.sealed_values is not None
    assert CANARY.encode() not in bytes(row.sealed_values)
    assert values_open(row)["f2"].reveal() == CANARY
    assert CANARY not in str(list(FlowEvent.objects.values_list("state", flat=True)))


def test_of_two_submissions_one_is_accepted() -> None:
    flow, claim = claimed()
    interaction = flow_pause(claim, make_pause(), now=NOW)
    assert interaction is not None
    body = {"interaction_id": interaction.id, "field_values": {"f1": "ada", "f2": "one"}}
    submit(flow, **body)
    with pytest.raises(InteractionStale):
        submit(flow, **body)
    with pytest.raises(NotAwaitingInput):
        submit(flow, fields={"login": "ada", "pw": "two"})
    assert values_open(Interaction.objects.get(pk=interaction.id))["f2"].reveal() == "one"


def test_refusals_change_nothing() -> None:
    flow, claim = claimed()
    with pytest.raises(NotAwaitingInput):
        submit(flow, fields={"login": "ada"})
    interaction = flow_pause(claim, make_pause(), now=NOW)
    assert interaction is not None
    refused: list[dict[str, object]] = [{"fields": {"nope": "x"}}, {"fields": {}}, {"mfa_option_id": "sms"}]
    for body in refused:
        with pytest.raises(SubmissionRefused):
            submit(flow, **body)
    after = Interaction.objects.get(pk=interaction.id)
    assert after.state == Interaction.State.OPEN
    assert after.sealed_values is None
    assert fresh(flow).state == FlowState.AWAITING_INPUT


def test_nobody_answers_an_interaction_past_its_time() -> None:
    flow, claim = claimed()
    flow_pause(claim, make_pause(), now=NOW - timedelta(seconds=settings.INTERACTION_SECONDS))
    with pytest.raises(NotAwaitingInput):
        submit(flow, fields={"login": "ada", "pw": "x"})


def test_canceling_withdraws_the_question_and_stops_the_worker() -> None:
    flow, claim = claimed()
    flow_pause(claim, make_pause(), now=NOW)
    assert flow_cancel(flow.id, now=NOW)
    assert not flow_cancel(flow.id, now=NOW)
    assert not flow_renew(claim, now=NOW)
    assert fresh(flow).error_code == "canceled"
    assert Interaction.objects.get(flow=flow).state == Interaction.State.WITHDRAWN
    with pytest.raises(NotAwaitingInput):
        submit(flow, fields={"login": "ada", "pw": "x"})


def test_an_external_action_waits_with_fallbacks() -> None:
    flow, claim = claimed()
    flow_pause(claim, make_pause(CODE, instruction="Tap 42 on your phone"), now=NOW)
    state = FlowEvent.objects.filter(flow=flow).last()
    assert state is not None
    assert state.state["flow_step"] == "AWAITING_EXTERNAL_ACTION"
    assert state.state["external_action_message"] == "Tap 42 on your phone"
    assert state.state["discovered_fields"][0]["name"] == "otp"
    submit(flow, fields={"otp": "123456"})


def test_a_flow_ends_once() -> None:
    flow, claim = claimed()
    ended = flow_end(flow.id, FlowInput.FAIL, now=NOW, attempt=claim.attempt, code=ErrorCode.SITE_UNREACHABLE)
    assert ended
    assert not flow_end(flow.id, FlowInput.EXPIRE, now=NOW, code=ErrorCode.FLOW_EXPIRED)
    assert fresh(flow).error_code == "site_unreachable"
    assert fresh(flow).lease_holder == ""


def test_nobody_is_told_that_a_flow_waits_for_nothing() -> None:
    """It moves on between the look at the flow and the look at its question."""
    flow, claim = claimed()
    flow_pause(claim, make_pause(), now=NOW)
    read = fresh(flow)
    assert flow_interaction(read) is not None
    flow_cancel(flow.id, now=NOW + timedelta(seconds=1))
    assert read.waiting
    assert flow_interaction(read) is None
    assert flow_state(read, now=NOW)["flow_status"] == "CANCELED"
