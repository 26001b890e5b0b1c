"""The life of a flow: one table of (state, event). What is absent cannot happen."""

from enum import StrEnum


class FlowState(StrEnum):
    DISCOVERING = "DISCOVERING"
    AWAITING_INPUT = "AWAITING_INPUT"
    AWAITING_EXTERNAL_ACTION = "AWAITING_EXTERNAL_ACTION"
    SUBMITTING = "SUBMITTING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class FlowInput(StrEnum):
    DISCOVER = "discover"  # the engine looks at the site
    ACT = "act"  # the engine fills, presses or waits for the site
    ASK = "ask"  # the person is asked
    ASK_EXTERNAL = "ask_external"  # the person must act outside the browser
    SUBMIT = "submit"  # an answer arrived
    SUCCEED = "succeed"
    FAIL = "fail"
    EXPIRE = "expire"
    CANCEL = "cancel"
    RESTART = "restart"  # another worker begins again


LIVE = (
    FlowState.DISCOVERING,
    FlowState.AWAITING_INPUT,
    FlowState.AWAITING_EXTERNAL_ACTION,
    FlowState.SUBMITTING,
)
WAITING = (FlowState.AWAITING_INPUT, FlowState.AWAITING_EXTERNAL_ACTION)

_ANYWHERE = {
    FlowInput.ACT: FlowState.SUBMITTING,
    FlowInput.ASK: FlowState.AWAITING_INPUT,
    FlowInput.ASK_EXTERNAL: FlowState.AWAITING_EXTERNAL_ACTION,
    FlowInput.SUCCEED: FlowState.SUCCESS,
    FlowInput.FAIL: FlowState.FAILED,
    FlowInput.EXPIRE: FlowState.EXPIRED,
    FlowInput.CANCEL: FlowState.CANCELED,
    FlowInput.RESTART: FlowState.DISCOVERING,
}

TABLE: dict[tuple[FlowState, FlowInput], FlowState] = {
    **{(state, event): after for state in LIVE for event, after in _ANYWHERE.items()},
    (FlowState.DISCOVERING, FlowInput.DISCOVER): FlowState.DISCOVERING,
    (FlowState.SUBMITTING, FlowInput.DISCOVER): FlowState.DISCOVERING,
    (FlowState.AWAITING_INPUT, FlowInput.SUBMIT): FlowState.SUBMITTING,
    (FlowState.AWAITING_EXTERNAL_ACTION, FlowInput.SUBMIT): FlowState.SUBMITTING,
}


def states_before(event: FlowInput) -> tuple[FlowState, ...]:
    """The states in which `event` may happen."""
    return tuple(state for state, known in TABLE if known is event)


def state_after(event: FlowInput) -> FlowState:
    """Where `event` leads; every event of this table leads to one state whatever the state before."""
    (after,) = {after for (_, known), after in TABLE.items() if known is event}
    return after
