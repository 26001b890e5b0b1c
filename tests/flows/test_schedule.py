"""Which connections are checked when, by whom, and what follows."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from flows.engine.contract import ErrorCode
from flows.models import Connection, ConnectionStatus, Flow, HealthCheck
from flows.services.breaker import reauth_failed, reauth_pause
from flows.services.checks import (
    AGAIN_AFTER,
    RUNNING_AT_MOST,
    check_begin,
    check_end,
    check_learned,
    checks_lost,
)
from flows.services.claims import checks_claim, pace
from flows.services.flows import connection_authenticated, flow_claim, flow_end, flow_pause, flow_start
from flows.services.reauth import FAILURES_MOST
from flows.services.schedule import check_after
from flows.signals import connection_changed
from flows.transitions import FlowInput
from tests.flows.factories import NOW, make_connection, make_pause, make_principal
from vault.credentials import credential_create
from vault.principal import Principal
from vault.profiles import profile_lease

pytestmark = pytest.mark.django_db
CHECK = {"url": "https://example.com/", "signed_in": {}, "signed_out": {}}
HOUR = timedelta(hours=1)
Result = HealthCheck.Result


@pytest.fixture(autouse=True)
def no_shares(settings: Any) -> None:
    """All tests live in the same minute, which the cache of several runs may remember."""
    settings.DOMAIN_CHECKS = 0


@pytest.fixture
def busy() -> str:
    """A domain that no test used before."""
    return f"{uuid.uuid4().hex}.example"


def signed_in(principal: Principal, number: int = 0, *, domain: str = "example.com", **options: object) -> Connection:
    """A connection with a finished login, due a little later than the one before."""
    connection = make_connection(principal, domain=domain, profile_name=f"p{number}", **options)
    flow, _ = flow_start(connection, now=NOW)
    needed = {"refs": ["username", "password"]}
    connection_authenticated(flow, now=NOW, post_login_url="", auth_check=CHECK, requirements=needed)
    Flow.objects.filter(pk=flow.pk).update(state="SUCCESS")
    Connection.objects.filter(pk=connection.pk).update(check_due_at=NOW + timedelta(seconds=number))
    return Connection.objects.get(pk=connection.pk)


def with_credential(principal: Principal) -> str:
    values = {"username": "ada", "password": "engine-no-1"}
    return credential_create(principal, name="c", domain="example.com", values=values).name


def claimed_ids(**options: object) -> list[str]:
    return [check.connection_id for check in checks_claim(now=NOW + HOUR, **options)]  # type: ignore[arg-type]


def test_a_login_sets_the_next_check_about_an_interval_later() -> None:
    connection = make_connection(make_principal())
    flow, _ = flow_start(connection, now=NOW)
    connection_authenticated(flow, now=NOW, post_login_url="", auth_check=CHECK)
    due = Connection.objects.get().check_due_at
    assert due is not None
    assert NOW + 0.9 * HOUR <= due <= NOW + 1.1 * HOUR
    assert check_after(3600, now=NOW, share=0) == NOW + 0.9 * HOUR


def test_what_is_due_is_claimed_once_the_longest_due_first() -> None:
    principal = make_principal()
    later, sooner = signed_in(principal, 2), signed_in(principal, 1)
    assert claimed_ids() == [sooner.id, later.id]
    assert claimed_ids() == []
    assert HealthCheck.objects.filter(scheduled=True).count() == 2


def test_a_due_time_that_moved_meanwhile_is_somebody_else_s(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.services import claims

    connection = signed_in(make_principal())
    stale = Connection.objects.get(pk=connection.pk)
    Connection.objects.filter(pk=connection.pk).update(check_due_at=NOW + timedelta(days=1))
    monkeypatch.setattr(claims, "_due", lambda **_: iter([stale]))
    assert claimed_ids() == []


@pytest.mark.parametrize("why", ["checks off", "login runs", "profile written", "no check"])
def test_r38_nothing_is_checked_that_may_not_be(why: str) -> None:
    connection = signed_in(make_principal())
    if why == "checks off":
        Connection.objects.update(health_checks=False)
    elif why == "login runs":
        flow_start(connection, now=NOW + HOUR)
    elif why == "profile written":
        profile_lease(connection.profile_id, holder="w", seconds=7200, now=NOW)
    else:
        Connection.objects.update(check_due_at=None)
    assert claimed_ids() == []


def test_a_domain_in_arrears_does_not_hold_up_the_others(settings: Any, busy: str) -> None:
    settings.DOMAIN_CHECKS = 24  # two in five seconds
    principal = make_principal()
    for number in range(6):
        signed_in(principal, number, domain=busy)
    other = signed_in(principal, 9, domain=f"other.{busy}")
    claimed = claimed_ids(limit=3)
    assert len(claimed) == 3
    assert other.id in claimed


def test_an_outage_is_made_up_for_without_a_burst_on_any_domain(settings: Any, busy: str) -> None:
    settings.DOMAIN_CHECKS = 24
    principal = make_principal()
    for number in range(60):
        signed_in(principal, number, domain=busy if number < 50 else f"other.{busy}")
    began: dict[str, list[int]] = {busy: [], f"other.{busy}": []}
    for second in range(0, 125, 5):
        now = NOW + 2 * HOUR + timedelta(seconds=second)
        for check in checks_claim(now=now):
            began[check.connection.domain].append(second)
            check_end(check.pk, HealthCheck.Result.OK, now=now)
    assert {domain: len(times) for domain, times in began.items()} == {busy: 50, f"other.{busy}": 10}
    for times in began.values():
        assert all(times.count(second) <= 2 for second in times)


@pytest.mark.parametrize(("limit", "expected"), [(0, (5, 0)), (1, (60, 1)), (6, (10, 1)), (60, (5, 5)), (100, (5, 8))])
def test_a_share_of_a_minute_is_spread_over_it(limit: int, expected: tuple[int, int]) -> None:
    assert pace(limit) == expected


def test_signed_out_begins_an_unattended_login() -> None:
    principal = make_principal()
    connection = signed_in(principal, credential={"name": with_credential(principal)})
    check, _ = check_begin(connection, now=NOW + HOUR)
    ended = check_end(check.id, Result.LOGGED_OUT, now=NOW + HOUR)
    assert ended is not None
    flow = Flow.objects.get(pk=ended.flow_id)
    assert (flow.type, flow.unattended) == ("REAUTH", True)
    assert HealthCheck.objects.get().reason == "logging in again"


@pytest.mark.parametrize("why", ["off", "no credential", "paused", "given up"])
def test_signed_out_without_a_way_back_says_so(why: str) -> None:
    principal = make_principal()
    credential = None if why == "no credential" else {"name": with_credential(principal)}
    connection = signed_in(principal, credential=credential, auto_reauth=why != "off")
    if why == "paused":
        reauth_failed(connection.id, now=NOW + HOUR)
    if why == "given up":
        Connection.objects.update(reauth_failures=FAILURES_MOST)
    told: list[str] = []
    receiver = lambda sender, connection, now, **_: told.append(connection.status)  # noqa: E731
    connection_changed.connect(receiver)
    check, _ = check_begin(Connection.objects.get(), now=NOW + HOUR)
    ended = check_end(check.id, Result.LOGGED_OUT, now=NOW + HOUR)
    connection_changed.disconnect(receiver)
    assert ended is not None
    assert ended.flow_id is None
    assert told == ["NEEDS_AUTH"]
    assert Connection.objects.get().status == ConnectionStatus.NEEDS_AUTH
    assert HealthCheck.objects.get().reason.startswith("not logged in again: ")


def test_r16_unattended_logins_that_fail_are_tried_ever_more_rarely() -> None:
    principal = make_principal()
    connection = signed_in(principal, credential={"name": with_credential(principal)})
    Connection.objects.update(status=ConnectionStatus.NEEDS_AUTH)
    flow, _ = flow_start(connection, now=NOW, unattended=True)
    flow_end(flow.id, FlowInput.FAIL, now=NOW, code=ErrorCode.SITE_UNREACHABLE)
    after = Connection.objects.get()
    assert after.reauth_failures == 1
    assert after.reauth_after is not None
    assert after.check_due_at is not None
    assert after.check_due_at >= after.reauth_after > NOW
    assert reauth_pause(4, share=0.5) == 8 * reauth_pause(1, share=0.5)
    assert reauth_pause(99) == timedelta(days=1)
    again, _ = flow_start(after, now=NOW)
    connection_authenticated(again, now=NOW, post_login_url="", auth_check=CHECK)
    assert (Connection.objects.get().reauth_failures, Connection.objects.get().reauth_after) == (0, None)


@pytest.mark.parametrize("asks", [True, False])
def test_somebody_is_told_once_and_as_soon_as_an_unattended_login_needs_them(asks: bool) -> None:
    connection = signed_in(make_principal())
    Connection.objects.update(status=ConnectionStatus.NEEDS_AUTH)
    told: list[str] = []
    receiver = lambda sender, connection, now, **_: told.append(connection.status)  # noqa: E731
    connection_changed.connect(receiver)
    flow, _ = flow_start(connection, now=NOW, unattended=True)
    claim = flow_claim(flow.id, holder="w", now=NOW)
    assert claim is not None
    if asks:
        flow_pause(claim, make_pause(), now=NOW)
        assert told == ["NEEDS_AUTH"]
    flow_end(flow.id, FlowInput.FAIL, now=NOW, code=ErrorCode.SITE_UNREACHABLE)
    connection_changed.disconnect(receiver)
    assert told == ["NEEDS_AUTH"]


def test_a_session_that_is_back_is_told_and_forgets_the_failures() -> None:
    connection = signed_in(make_principal())
    Connection.objects.update(status=ConnectionStatus.NEEDS_AUTH, reauth_failures=3, reauth_after=NOW + 9 * HOUR)
    told: list[str] = []
    receiver = lambda sender, connection, now, **_: told.append(connection.status)  # noqa: E731
    connection_changed.connect(receiver)
    check, _ = check_begin(Connection.objects.get(pk=connection.pk), now=NOW + HOUR)
    check_end(check.id, Result.OK, now=NOW + HOUR, way="browser")
    connection_changed.disconnect(receiver)
    after = Connection.objects.get()
    assert (told, after.status, after.reauth_failures, after.reauth_after) == (
        ["AUTHENTICATED"],
        ConnectionStatus.AUTHENTICATED,
        0,
        None,
    )


def test_a_check_that_no_worker_finished_ends_and_is_made_again_soon() -> None:
    connection = signed_in(make_principal())
    (check,) = checks_claim(now=NOW + HOUR)
    assert checks_lost(now=NOW + HOUR + RUNNING_AT_MOST - timedelta(seconds=1)) == []
    later = NOW + HOUR + RUNNING_AT_MOST
    assert checks_lost(now=later) == [check.id]
    assert checks_lost(now=later) == []
    after = Connection.objects.get(pk=connection.pk)
    assert (after.status, after.check_due_at) == (ConnectionStatus.AUTHENTICATED, later + AGAIN_AFTER)
    assert HealthCheck.objects.get().result == Result.INDETERMINATE


def test_no_more_is_handed_out_than_workers_finish(settings: Any) -> None:
    settings.CHECKS_WAITING = 2
    principal = make_principal()
    for number in range(4):
        signed_in(principal, number)
    first = checks_claim(now=NOW + HOUR)
    assert len(first) == 2
    assert checks_claim(now=NOW + HOUR) == []
    check_end(first[0].id, Result.OK, now=NOW + HOUR)
    assert len(checks_claim(now=NOW + HOUR)) == 1


def test_what_a_check_learned_is_dropped_after_a_login() -> None:
    connection = signed_in(make_principal())
    check, _ = check_begin(connection, now=NOW + HOUR)
    assert check_learned(check.id, CHECK | {"more": []}, since=connection.last_login_at)
    assert Connection.objects.get().auth_check == CHECK | {"more": []}
    assert not check_learned(check.id, CHECK, since=NOW - HOUR)
    assert Connection.objects.get().auth_check == CHECK | {"more": []}


def test_a_login_somebody_watched_does_not_count_for_the_breaker() -> None:
    connection = signed_in(make_principal())
    flow, _ = flow_start(connection, now=NOW)
    flow_end(flow.id, FlowInput.FAIL, now=NOW, code=ErrorCode.CREDENTIALS_INVALID)
    assert Connection.objects.get().reauth_failures == 0
