"""What Prometheus reads, and that nobody else does."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import ConnectionError as RedisConnectionError

from flows.engine.contract import ErrorCode
from flows.models import Connection, Flow, HealthCheck, Tally
from flows.services import history
from flows.services.checks import check_begin, check_end
from flows.services.connections import connection_delete
from flows.services.flows import flow_claim, flow_end, flow_start
from flows.services.history import history_forget, history_turn
from flows.services.sessions import NewSession, session_create
from flows.transitions import FlowInput
from tests.flows.factories import make_connection, make_principal
from tests.vault.test_contention import at_once

pytestmark = pytest.mark.django_db
TOKEN = "metrics-" + "t" * 32


def read(**headers: str) -> Any:
    return Client(headers=headers).get("/metrics")


def samples() -> dict[tuple[str, ...], float]:
    """Values by name and labels, those in the order of their names."""
    answer = read(authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(item.name, *item.labels.values()): item.value for family in families for item in family.samples}


def test_logins_checks_and_queues_are_counted(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    connection, now = make_connection(make_principal()), timezone.now()
    flow, _ = flow_start(connection, now=now)
    assert samples()["authsvc_queue_flows",] == 1
    flow_claim(flow.id, holder="w", now=now)
    held = samples()
    assert (held["authsvc_queue_flows",], held["authsvc_flow_leases",], held["authsvc_workers_busy",]) == (0, 1, 1)
    flow_end(flow.id, FlowInput.FAIL, now=now, code=ErrorCode.CREDENTIALS_INVALID)
    check, _ = check_begin(Connection.objects.get(), now=now)
    check_end(check.id, check.Result.OK, now=now, way="request")
    after = samples()
    assert after["authsvc_flows_total", "credentials_invalid", "failed", "login"] == 1
    assert after["authsvc_flow_seconds_count", "failed", "login", "false"] == 1
    assert after["authsvc_health_check_seconds_count", "ok", "request"] == 1
    assert after["authsvc_connections", "authenticated"] == 1
    assert after["authsvc_flow_leases",] == 0
    running = session_create(make_principal(), NewSession(), now=now)
    assert samples()["authsvc_browsers", running.state] == 1


def test_counters_outlive_the_rows_they_count(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.HISTORY_DAYS = 30
    connection, now = make_connection(make_principal()), timezone.now()
    for days in (60, 50, 40, 0):
        begun = now - timedelta(days=days)
        flow, _ = flow_start(connection, now=begun)
        flow_end(flow.id, FlowInput.FAIL, now=begun + timedelta(seconds=3), code=ErrorCode.CREDENTIALS_INVALID)
        check, _ = check_begin(connection, now=begun)
        check_end(check.id, check.Result.OK, now=begun + timedelta(seconds=2), way="browser")
    before = samples()
    assert before["authsvc_flow_seconds_sum", "failed", "login", "false"] == 12
    assert history_forget(now=now) > 0
    assert (Flow.objects.count(), HealthCheck.objects.count()) == (1, 1)
    assert samples() == before
    connection_delete(make_principal(), connection, now=now)
    after = samples()
    assert not Flow.objects.exists()
    counters = {key: value for key, value in before.items() if key[0].endswith(("_total", "_sum", "_count"))}
    assert {key: after[key] for key in counters} == counters


class Remembering:
    """A cache of this test's own: that of several runs may be one."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def add(self, key: str, value: object, timeout: int) -> bool:
        fresh = key not in self.keys
        self.keys.add(key)
        return fresh


class Down:
    def add(self, *_: object, **__: object) -> bool:
        raise RedisConnectionError


def test_history_is_forgotten_now_and_then_however_often_it_is_asked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HISTORY_DAYS = 30
    monkeypatch.setattr(history, "BATCH", 1)
    connection, now = make_connection(make_principal()), timezone.now()

    def checked() -> None:
        check, _ = check_begin(connection, now=now - timedelta(days=40))
        check_end(check.id, check.Result.OK, now=now - timedelta(days=40), way="browser")

    checked()
    checked()
    monkeypatch.setattr(history, "cache", Down())
    history_turn(now=now)
    assert HealthCheck.objects.count() == 2
    monkeypatch.setattr(history, "cache", Remembering())
    history_turn(now=now)
    assert not HealthCheck.objects.exists()
    checked()
    history_turn(now=now)
    assert HealthCheck.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_several_forget_at_once_is_counted_once(settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    connection, now = make_connection(make_principal()), timezone.now()
    begun = now - timedelta(days=40)
    for _ in range(5):
        check, _ = check_begin(connection, now=begun)
        check_end(check.id, check.Result.OK, now=begun, way="browser")
    at_once(lambda _: history_forget(now=now))
    assert not HealthCheck.objects.exists()
    assert sum(number for _, (number, _) in history.counted(Tally.Counted.CHECKS)) == 5


def test_the_latest_login_of_a_connection_is_kept(settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    connection, now = make_connection(make_principal()), timezone.now()
    begun = now - timedelta(days=60)
    flow, _ = flow_start(connection, now=begun)
    flow_end(flow.id, FlowInput.FAIL, now=begun, code=ErrorCode.CREDENTIALS_INVALID)
    assert history_forget(now=now) == 0
    settings.HISTORY_DAYS = 0
    flow_start(connection, now=begun)
    assert history_forget(now=now) == 0
    assert Flow.objects.count() == 2


def test_only_the_token_of_the_operator_opens_it(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert read(authorization="Bearer ").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for given in ("", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x"):
        assert read(authorization=given).status_code == 401
    assert Client(headers={"authorization": f"Bearer {TOKEN}"}).post("/metrics").status_code == 405
