"""Where errors meet HTTP: the one place that chooses a status, and the one form every refusal has.

The body is `{"code", "message", "details"?}`. Nothing in it repeats what the caller sent: fields are named, values
are not. `x-should-retry: false` tells the SDK not to repeat what would be refused again; only a 429 is worth it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from flows.errors import FlowError
from vault.errors import RateLimited, VaultError

log = structlog.get_logger(__name__)

# A code that is not here is the caller's mistake: 400.
STATUS_BY_CODE: Mapping[str, int] = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "lease_lost": 409,
    "profile_in_use": 409,
    "browser_not_started": 409,
    "browser_gone": 409,
    "stale_network": 409,
    "changes_not_saved": 409,
    "replay_running": 409,
    "replay_not_ready": 409,
    "body_too_large": 413,
    "too_many_requests": 429,
    "sealed": 503,
    "not_ready": 503,
}
# Trouble of ours that a caller can do nothing about: on record in the log, a bare 500 outside.
OURS = frozenset({"tampered", "audit_unavailable", "internal_error"})

CODE_BY_STATUS: Mapping[int, str] = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "body_too_large",
    429: "too_many_requests",
    500: "internal_error",
    503: "not_ready",
}

# What is said about a value, by pydantic's error type: limits and alternatives of ours, never what came in.
PROBLEMS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not known",
    "string_type": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
_API_PATHS = ("/auth/", "/credential", "/profiles", "/proxies", "/browsers", "/org/", "/projects", "/api_keys")
_API_FILES = ("/openapi.json", "/healthz", "/readyz", "/audit-logs", "/audit_logs")
_NAME_LENGTH = 80


def refusal(
    code: str, message: str, *, status: int | None = None, details: Sequence[Mapping[str, str]] = ()
) -> JsonResponse:
    """The response for one refusal; without `status`, the one that belongs to `code`."""
    body: dict[str, Any] = {"code": code, "message": message}
    if details:
        body["details"] = list(details)
    chosen = status or STATUS_BY_CODE.get(code, 400)
    response = JsonResponse(body, status=chosen)
    if chosen != 429:
        response["x-should-retry"] = "false"
    return response


def failure() -> JsonResponse:
    """What the outside sees of trouble of ours."""
    return refusal("internal_error", "Something went wrong on our side", status=500)


def refusals_install(api: NinjaAPI) -> None:
    """Give every error that leaves an operation of `api` its response."""
    handlers: dict[type[Exception], Any] = {
        VaultError: family_error,
        FlowError: family_error,
        ValidationError: _validation_error,
        HttpError: _http_error,
        AuthenticationError: _authentication_error,
        Http404: _not_found,
        PermissionDenied: _permission_denied,
        SuspiciousOperation: _suspicious,
        BadRequest: _suspicious,
        Exception: _unexpected,
    }
    for error_class, handler in handlers.items():
        api.add_exception_handler(error_class, handler)


def family_error(request: HttpRequest, error: VaultError | FlowError) -> HttpResponse:
    """The response for an error of ours."""
    if error.code in OURS:
        return _unexpected(request, error)
    response = refusal(error.code, error.message)
    if isinstance(error, RateLimited):
        response["Retry-After"] = str(error.retry_after)
    return response


def _authentication_error(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = refusal("unauthorized", "A valid API key is required")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    details = [_problem(item) for item in error.errors]
    names = ", ".join(dict.fromkeys(detail["field"] for detail in details if detail["field"]))
    message = f"Invalid request: {names}" if names else "Invalid request"
    return refusal("invalid_request", message, details=details)


def _problem(item: Mapping[str, Any]) -> dict[str, str]:
    return {"field": _field_name(item.get("loc", ())), "message": _validation_message(item)}


def _field_name(location: Sequence[str | int]) -> str:
    """`("body", "payload", "values", "x")` is `values.x`: where it came in and our parameter's name are dropped."""
    parts = list(location)[2:] if location and location[0] in ("body", "form") else list(location)[1:]
    return ".".join(str(part)[:_NAME_LENGTH] for part in parts)


def _validation_message(item: Mapping[str, Any]) -> str:
    template = PROBLEMS.get(str(item.get("type")), "is not valid")
    return template.format_map(item.get("ctx") or {})


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, RequestDataTooBig):
        return too_large()
    if error.status_code >= 500:
        return _unexpected(request, error)
    code = CODE_BY_STATUS.get(error.status_code, "invalid_request")
    return refusal(code, str(error), status=error.status_code)


def too_large() -> JsonResponse:
    return refusal("body_too_large", "The request body is too large")


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return refusal("not_found", "Not found")


def _permission_denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return refusal("forbidden", "Not allowed")


def _suspicious(request: HttpRequest, error: SuspiciousOperation | BadRequest) -> HttpResponse:
    if isinstance(error, RequestDataTooBig):
        return too_large()
    return refusal("invalid_request", "Bad request")


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", exc_info=error, method=request.method, path=request.path)
    return failure()


def wants_json(request: HttpRequest) -> bool:
    """Whether this caller is a program: an address of the API, or one that does not ask for a page. The hosted page
    has readers only, whatever their browser accepts."""
    if request.path.startswith("/login/"):
        return False
    if request.path.startswith(_API_PATHS) or request.path in _API_FILES:
        return True
    return "text/html" not in request.headers.get("Accept", "")


def refusal_plain(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Django's own text or page for an error, in our form when a program reads it. Others pass unchanged."""
    if response.status_code not in (400, 403, 404, 405, 413, 500) or not wants_json(request):
        return response
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    code = CODE_BY_STATUS.get(response.status_code, "invalid_request")
    replaced = refusal(code, (response.reason_phrase or code).capitalize(), status=response.status_code)
    if "Allow" in response.headers:
        replaced["Allow"] = response.headers["Allow"]
    return replaced


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large()
    if wants_json(request):
        return refusal("invalid_request", "Bad request")
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return (
        refusal("forbidden", "Not allowed") if wants_json(request) else defaults.permission_denied(request, exception)
    )


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal("not_found", "Not found") if wants_json(request) else defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    return failure() if wants_json(request) else defaults.server_error(request)
