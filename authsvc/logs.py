"""Logging: one structured line per event, from our code (structlog) and from libraries (logging) alike.

Every line passes the redaction of `authsvc.redaction` last, tracebacks included.
"""

import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

from authsvc.redaction import CUT, is_secret_key, redact

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# Chatty at INFO, and some of them print whole requests at DEBUG.
QUIET_LOGGERS = (
    "django.template",  # its lines about a missing variable hold the whole request
    "asyncio", "httpcore", "httpx", "websockets", "kombu", "amqp", "urllib3", "celery.redirected", "tldextract",
    "filelock", "daphne", "playwright", "patchright", "hypothesis", "redis", "csp",
)  # fmt: skip
Event = MutableMapping[str, Any]


def redact_event(_logger: Any, _method: str, event: Event) -> Event:
    """A structlog processor: cut what looks like a secret. structlog's own keys (`_record` …) pass."""
    event.pop("color_message", None)  # uvicorn says everything twice
    for key, value in event.items():
        if key.startswith("_"):
            continue
        event[key] = CUT if is_secret_key(key) else redact(value)
    return event


def logging_config(*, level: str, as_json: bool) -> None:
    """Set up both worlds. Raises `ImproperlyConfigured` for a level that does not exist."""
    if level not in LEVELS:
        raise ImproperlyConfigured(f"AUTHSVC_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {level!r}")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # Plain: the default formatter of tracebacks prints the values of local variables.
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, pad_level=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    logging.config.dictConfig(_dict_config(level=level, shared=shared, renderer=renderer))


def _dict_config(
    *, level: str, shared: list[structlog.types.Processor], renderer: structlog.types.Processor
) -> dict[str, Any]:
    quiet_level = "WARNING" if level in ("DEBUG", "INFO") else level
    ours = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redact_event,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"level": quiet_level} for name in QUIET_LOGGERS},
            "django.request": {"level": "ERROR"},  # refusals are in our own request line
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # anybody can send these, a line each
            "django.server": ours,
            "celery": {"level": "INFO" if level == "DEBUG" else quiet_level},
            # uvicorn hangs handlers of its own on these; its access line would show queries.
            "uvicorn": {**ours, "level": level},
            "uvicorn.error": {**ours, "level": level},
            "uvicorn.access": {**ours, "level": "WARNING"},
        },
    }
