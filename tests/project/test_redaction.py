"""R37: what looks like a secret leaves a log line before it is written."""

import json
import logging
import subprocess
import sys

import pytest

from authsvc.redaction import CUT, is_secret_key, redact, redact_text

CANARY = "c4nary-Hunter2"


class Secretive:
    def reveal(self) -> str:
        return CANARY

    def __str__(self) -> str:
        return CANARY


@pytest.mark.parametrize(
    "key",
    [
        "password", "newPassword", "user_password", "client_secret", "secret", "access_token", "token", "code",
        "Authorization", "cookie", "set-cookie", "api_key", "apiKey", "totp", "field_values", "values", "KEK",
        "private_key", "jwt", "state", "handoff_signature",
    ],
)  # fmt: skip
def test_r37_keys_of_secrets_are_cut(key):
    assert redact({key: CANARY}) == {key: CUT}


@pytest.mark.parametrize(
    "key", ["credential_id", "error_code", "status", "flow_id", "token_id", "secret_names", "path", "domain", "event"]
)
def test_harmless_keys_stay(key):
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: bearer {CANARY}",
        f"sk_{CANARY}",
        f"GET /login/flow_1?code={CANARY} 303",
        f"WebSocket /live/x?t={CANARY}&y=1 [accepted]",
        f"https://a.test/cb?x={CANARY}#frag",
        f"password={CANARY}",
        f'{{"password": "{CANARY} and more"}}',
        f"'client_secret': '{CANARY}'",
        f"api_key={CANARY}, next",
        f"postgres://user:{CANARY}@db/authsvc",
        f"redis://:{CANARY}@redis:6379/0",
        f"Cookie: sessionid={CANARY}; other={CANARY}",
        f"otpauth://totp/x?secret={CANARY}",
        f"eyJhbGciOi.{CANARY.replace('-', '')}.sig",
    ],
)
def test_r37_shapes_of_secrets_are_cut_from_text(text):
    cleaned = redact_text(text)
    assert CANARY not in cleaned
    assert CANARY.replace("-", "") not in cleaned
    assert CUT in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "flow flow_1 ended with error_code credentials_invalid",
        "GET /auth/connections/ma_1 200",
        "connection to redis://127.0.0.1:6379/0 lost",
        "worker ready, 64 flows",
    ],
)
def test_ordinary_text_stays(text):
    assert redact_text(text) == text


def test_r37_codes_in_text_are_cut():
    assert redact_text("sent code: 123456 now") == f"sent code: {CUT} now"


def test_r37_values_that_reveal_and_objects_never_print_themselves():
    assert redact(Secretive()) == CUT
    assert redact([b"bytes", {"nested": {"password": CANARY}}]) == [CUT, {"nested": {"password": CUT}}]
    assert redact(object()) == "<object>"
    assert CANARY not in str(redact(ValueError(f"password={CANARY}")))


SCRIPT = """
import logging, sys
from authsvc.logs import logging_config
logging_config(level="INFO", as_json=sys.argv[1] == "json")
import structlog
CANARY = sys.argv[2]
class Secretive:
    def reveal(self): return CANARY
    def __repr__(self): return CANARY
log = structlog.get_logger("ours")
log.info("login", password=CANARY, flow_id="flow_1", nested={"token": CANARY}, value_of=Secretive())
log.info("went to https://x.test/login?code=%s", CANARY)
logging.getLogger("library").warning("Bearer %s", CANARY)
logging.getLogger("library").warning("extra", extra={"cookie": CANARY, "flow_id": "flow_2"})
logging.getLogger("uvicorn.error").info('"WebSocket /live?token=%s" [accepted]', CANARY)
logging.getLogger("uvicorn.access").info("GET /login?code=%s", CANARY)
try:
    raise ValueError(f"password={CANARY}")
except ValueError:
    log.exception("broke")
    logging.getLogger("library").exception("broke too")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_r37_no_line_of_any_logger_holds_a_secret(form):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, form, CANARY], capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stderr.splitlines()
    assert CANARY not in done.stderr
    assert "flow_1" in done.stderr
    assert "flow_2" in done.stderr
    assert "ValueError" in done.stderr
    if form == "json":
        events = [json.loads(line) for line in lines]
        assert [event["event"] for event in events][:1] == ["login"]
        assert all({"timestamp", "level", "logger"} <= event.keys() for event in events)
        assert not any(event["logger"] == "uvicorn.access" for event in events)


def test_request_line_has_no_query(client, caplog):
    with caplog.at_level(logging.INFO, logger="authsvc.request"):
        client.get(f"/nowhere/x?code={CANARY}", headers={"x-request-id": "req-1"})
    (record,) = [record for record in caplog.records if record.name == "authsvc.request"]
    event = record.msg
    assert isinstance(event, dict)
    assert (event["path"], event["status"], event["request_id"]) == ("/nowhere/x", 404, "req-1")
    assert CANARY not in str(event)
