"""Logging: structured lines with a redaction filter (the owner of this file replaces this stub)."""

import logging


def logging_config(*, level: str, as_json: bool) -> None:
    logging.basicConfig(level=level)
