"""Settings come from the environment; a bad value stops the start and names itself."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from authsvc.env import env_bool, env_int, env_list, env_str


def test_text_and_words(monkeypatch):
    monkeypatch.setenv("SAMPLE", "")
    assert env_str("SAMPLE", "default") == "default"
    monkeypatch.setenv("SAMPLE", " a, b ,,c")
    assert env_list("SAMPLE") == ["a", "b", "c"]


@pytest.mark.parametrize("value", ["true", "1", "yes", "FALSE", " True"])
def test_a_switch_is_exactly_true_or_false(monkeypatch, value):
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(ImproperlyConfigured, match="SAMPLE must be True or False"):
        env_bool("SAMPLE", False)


@pytest.mark.parametrize("value", ["x", "1.5", "0", "11", "١x"])
def test_a_number_is_whole_and_within_its_limits(monkeypatch, value):
    monkeypatch.setenv("SAMPLE", value)
    with pytest.raises(ImproperlyConfigured, match="SAMPLE must be"):
        env_int("SAMPLE", 5, high=10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHSVC_DEBUG", "yes"),
        ("AUTHSVC_BASE_URL", "localhost:8000"),
        ("DATABASE_URL", "mysql://u@h/db"),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "localhost:6379"),
        ("AUTHSVC_WORKER_FLOWS", "many"),
        ("AUTHSVC_FLOW_SECONDS", "0"),
        ("AUTHSVC_LOG_LEVEL", "LOUD"),
        ("AUTHSVC_LOG_JSON", "1"),
        ("AUTHSVC_BROWSER_SANDBOX", "off"),
        ("AUTHSVC_MAX_BODY_BYTES", "12"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_itself(name, value, tmp_path):
    environment = os.environ | {"AUTHSVC_DATA_DIR": str(tmp_path), name: value}
    done = subprocess.run(
        [sys.executable, "-c", "import authsvc.settings"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("missing", ["AUTHSVC_SECRET_KEY", "AUTHSVC_KEK"])
@pytest.mark.parametrize("start", ["import authsvc.asgi", "from authsvc.celery import refuse_unready as r; r()"])
def test_r05_no_process_starts_without_its_keys(missing, start, tmp_path):
    environment = os.environ | {"AUTHSVC_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "authsvc.settings"}
    del environment[missing]
    code = f"import django; django.setup(); {start}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr.splitlines()[-1]
    assert missing in done.stderr.splitlines()[-1]
