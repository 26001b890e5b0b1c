"""Every pair of state and event: what the table has, and that what it lacks is refused."""

import pytest

from flows.transitions import LIVE, TABLE, WAITING, FlowInput, FlowState, state_after, states_before

ENDS = {
    FlowInput.SUCCEED: FlowState.SUCCESS,
    FlowInput.FAIL: FlowState.FAILED,
    FlowInput.EXPIRE: FlowState.EXPIRED,
    FlowInput.CANCEL: FlowState.CANCELED,
}


@pytest.mark.parametrize("event", FlowInput)
@pytest.mark.parametrize("state", [state for state in FlowState if state not in LIVE])
def test_an_ended_flow_takes_no_event(state: FlowState, event: FlowInput) -> None:
    assert (state, event) not in TABLE


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("state", LIVE)
def test_a_live_flow_can_end_in_every_way(state: FlowState, event: FlowInput) -> None:
    assert TABLE[state, event] is ENDS[event]


@pytest.mark.parametrize("state", LIVE)
def test_only_a_waiting_flow_takes_a_submission(state: FlowState) -> None:
    assert ((state, FlowInput.SUBMIT) in TABLE) is (state in WAITING)


@pytest.mark.parametrize("state", WAITING)
def test_a_waiting_flow_is_not_sent_back_to_discovery_by_progress(state: FlowState) -> None:
    assert (state, FlowInput.DISCOVER) not in TABLE
    assert TABLE[state, FlowInput.RESTART] is FlowState.DISCOVERING


@pytest.mark.parametrize("event", FlowInput)
def test_each_event_leads_to_one_state(event: FlowInput) -> None:
    assert {TABLE[state, event] for state in states_before(event)} == {state_after(event)}
