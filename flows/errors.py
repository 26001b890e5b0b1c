"""What flows refuses, and why.

    FlowError
    ├── ConnectionNotFound        not_found
    ├── ConnectionExists          conflict
    ├── ConnectionInvalid         invalid_request
    ├── ProxyNotFound             not_found
    ├── ProxyInvalid              invalid_request, address_refused, ambiguous_proxy_name, proxy_type_unavailable
    ├── ProxyInUse                conflict
    ├── IdempotencyReused         idempotency_key_reused
    ├── SessionNotFound           not_found
    ├── SessionInvalid            invalid_request, gpu_unavailable, chrome_policy_unavailable, network_unavailable,
    │                             network_fixed, start_url_not_allowed, location_fixed, profile_loaded, replays_off,
    │                             audio_unavailable
    ├── SessionConflict           conflict, profile_in_use, browser_not_started, browser_gone, changes_not_saved,
    │                             stale_network, replay_running, replay_not_ready
    ├── ReplayNotFound            not_found
    ├── CodeRefused               code_invalid, code_used, flow_over
    └── SubmissionRefused         not_awaiting_input, interaction_stale, unknown_field, field_required,
                                  unknown_choice, invalid_submission, already_refused, too_many_refusals

Each carries a stable `code`; the HTTP status is chosen where errors meet HTTP. Messages name fields and
identifiers, never values.
"""


class FlowError(Exception):
    code = "flow_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code


class ConnectionNotFound(FlowError):
    code = "not_found"


class ConnectionExists(FlowError):
    code = "conflict"


class ConnectionInvalid(FlowError):
    code = "invalid_request"


class ProxyNotFound(FlowError):
    code = "not_found"


class ProxyInvalid(FlowError):
    code = "invalid_request"


class ProxyInUse(FlowError):
    code = "conflict"


class IdempotencyReused(FlowError):
    code = "idempotency_key_reused"


class SessionNotFound(FlowError):
    code = "not_found"


class SessionInvalid(FlowError):
    """A browser session cannot be as the caller wants it."""

    code = "invalid_request"


class SessionConflict(FlowError):
    """Something else is in the way, or the browser is."""

    code = "conflict"


class ReplayNotFound(FlowError):
    code = "not_found"


class CodeRefused(FlowError):
    """A login's one-time code opens nothing."""

    code = "code_invalid"


class SubmissionRefused(FlowError):
    """Nothing was changed by the submission."""

    code = "invalid_submission"


class NotAwaitingInput(SubmissionRefused):
    code = "not_awaiting_input"


class InteractionStale(SubmissionRefused):
    code = "interaction_stale"
