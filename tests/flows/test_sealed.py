"""While the vault is sealed nothing is begun, nothing is handed out, and checks say nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flows import tasks
from flows.models import Connection, Flow
from flows.services.checks import check_begin, check_blocked
from flows.services.flows import flow_start
from tests.flows.factories import make_connection, make_principal
from vault.errors import Sealed
from vault.seal import vault_seal, vault_unseal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(tasks, "flow_dispatch", found.append)
    return found


def test_r06_a_login_is_not_begun_and_one_without_a_worker_waits(handed_out: list[str]):
    principal = make_principal()
    now = timezone.now()
    flow, _ = flow_start(make_connection(principal), now=now)
    Flow.objects.update(dispatched_at=now - timedelta(minutes=1))
    vault_seal(by="operator:test", now=now)
    tasks.tick()
    with pytest.raises(Sealed):
        flow_start(make_connection(principal, profile_name="other"), now=now)
    assert handed_out == []
    assert Flow.objects.get().live

    vault_unseal(by="operator:test", now=now)
    tasks.tick()
    assert handed_out == [flow.id]


def test_r06_a_check_is_put_off_and_changes_no_status():
    connection = make_connection(make_principal())
    Connection.objects.update(auth_check={"url": "https://example.com/", "signed_in": {}, "signed_out": {}})
    check, _ = check_begin(Connection.objects.get(), now=timezone.now())
    assert check_blocked(check) == ""
    vault_seal(by="operator:test", now=timezone.now())
    assert check_blocked(check) == "the vault is sealed"
    assert Connection.objects.get(pk=connection.pk).status == check.status
