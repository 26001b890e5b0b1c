"""What flows refuses, and why.

    FlowError
    ├── ConnectionNotFound        not_found
    ├── ConnectionExists          conflict
    ├── ConnectionInvalid         invalid_request
    ├── ProxyNotFound             not_found
    ├── ProxyInvalid              invalid_request, address_refused, ambiguous_proxy_name, proxy_type_unavailable
    ├── ProxyInUse                conflict
    ├── IdempotencyReused         idempotency_key_reused
    ├── CodeRefused               code_invalid, code_used, flow_over
    └── SubmissionRefused         not_awaiting_input, interaction_stale, unknown_field, field_required,
                                  unknown_choice, invalid_submission

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
