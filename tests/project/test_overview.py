"""The operator's overview: right numbers, no script or style of its own in the page."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from flows.engine.contract import ErrorCode
from flows.models import Connection, Flow, HealthCheck
from flows.overview import checks_by_hour, connections_by_state, logins_by_day, slow_sites
from flows.services.checks import check_begin, check_end
from flows.services.flows import connection_authenticated, flow_end, flow_move, flow_start
from flows.transitions import FlowInput
from tests.flows.factories import make_connection, make_principal

pytestmark = pytest.mark.django_db


def busy() -> Connection:
    """One login of 8 s that was proven, one that failed, and two checks."""
    principal, now = make_principal(), timezone.now()
    make_connection(principal, domain="new.example")
    connection = make_connection(principal, domain="slow.example")
    flow, _ = flow_start(connection, now=now - timedelta(seconds=8))
    flow_move(flow.id, FlowInput.SUCCEED, now=now)
    connection_authenticated(flow, now=now, post_login_url="", auth_check=None)
    failed, _ = flow_start(connection, now=now)
    flow_end(failed.id, FlowInput.FAIL, now=now, code=ErrorCode.CREDENTIALS_INVALID)
    for result in (HealthCheck.Result.OK, HealthCheck.Result.INDETERMINATE):
        check, _ = check_begin(connection, now=now)
        check_end(check.id, result, now=now, reason="the site answered 503")
    return connection


def test_numbers() -> None:
    busy()
    now = timezone.now()
    assert connections_by_state() == {"signed in": 1, "never signed in": 1, "needs a person": 0}
    assert [column.counts for column in logins_by_day(now=now) if column.total] == [{"succeeded": 1, "failed": 1}]
    assert sum(column.total for column in checks_by_hour(now=now)) == 2
    (site,) = slow_sites(now=now)
    assert (site.domain, site.seconds, site.logins, site.success) == ("slow.example", 8.0, 2, 50)


def test_the_page_draws_without_script_or_style() -> None:
    client = Client()
    assert client.get("/admin/overview/").status_code == 302  # to the login
    client.force_login(User.objects.create_superuser("operator"))
    assert "Nothing yet." in client.get("/admin/overview/").content.decode()
    busy()
    page = client.get("/admin/overview/").content.decode()
    assert "slow.example" in page
    assert re.search(r"<rect class=\"kind-2\"[^>]*><title>[^<]*1 failed</title>", page)
    content = page.partition('<div class="overview">')[2].partition("<footer")[0]
    assert "<script" not in content
    assert "style=" not in content
    assert "/admin/overview/" in client.get("/admin/").content.decode()


def test_a_connection_shows_its_checks_and_why() -> None:
    connection = busy()
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    page = client.get(f"/admin/flows/connection/{connection.id.replace('_', '_5F')}/change/").content.decode()
    assert "the site answered 503" in page
    assert Flow.objects.count() == 2
