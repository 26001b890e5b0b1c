from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import F

from tests.vault.factories import NOW, make_principal
from vault.audit import AuditBroken, AuditIntact, audit_append, audit_verify
from vault.models import AuditHead, AuditRecord
from vault.principal import Principal


def record(principal: Principal, action: str = "test.done", **options: Any) -> AuditRecord:
    return audit_append(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        actor=principal.actor,
        action=action,
        resource_type="test",
        resource_id="test_1",
        **options,
    )


@pytest.fixture
def chain(db: None) -> Principal:
    principal = make_principal()
    for number in range(4):
        record(principal, details={"number": number}, now=NOW)
    return principal


def test_r36_a_whole_chain_verifies(chain: Principal):
    assert audit_verify(chain.organization_id) == AuditIntact(count=4)


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "key:other"},
        {"action": "test.other"},
        {"outcome": "refused"},
        {"details": {"number": 9}},
        {"resource_id": "test_2"},
        {"project_id": "proj_other"},
        {"hash": "0" * 64},
        {"prev_hash": "0" * 64},
        {"at": NOW.replace(year=2025)},
    ],
)
def test_r36_a_changed_record_is_found(chain: Principal, change: dict[str, Any]):
    AuditRecord.objects.filter(seq=2).update(**change)
    assert isinstance(audit_verify(chain.organization_id), AuditBroken)


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_r36_a_removed_record_is_found(chain: Principal, seq: int):
    AuditRecord.objects.filter(seq=seq).delete()
    result = audit_verify(chain.organization_id)
    assert isinstance(result, AuditBroken)
    assert result.seq == seq


def test_r36_removing_all_of_it_is_found(chain: Principal):
    AuditRecord.objects.all().delete()
    assert isinstance(audit_verify(chain.organization_id), AuditBroken)


def test_r36_records_in_another_order_are_found(chain: Principal):
    AuditRecord.objects.filter(seq=2).update(seq=99)
    AuditRecord.objects.filter(seq=3).update(seq=2)
    AuditRecord.objects.filter(seq=99).update(seq=3)
    assert isinstance(audit_verify(chain.organization_id), AuditBroken)


def test_r36_chains_of_two_tenants_are_apart(chain: Principal):
    other = make_principal("other")
    record(other)
    assert audit_verify(other.organization_id) == AuditIntact(count=1)
    AuditRecord.objects.filter(organization_id=chain.organization_id).update(seq=F("seq") + 100)
    assert audit_verify(other.organization_id) == AuditIntact(count=1)


def test_r36_the_command_says_which_chain_broke(chain: Principal, capsys):
    call_command("verify_audit")
    assert "4 records, intact" in capsys.readouterr().out
    AuditRecord.objects.filter(seq=3).update(actor="somebody else")
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_audit")
    assert f"{chain.organization_id}: BROKEN at record 3" in capsys.readouterr().out


def test_r36_an_event_that_was_taken_back_leaves_no_gap(chain: Principal):
    AuditHead.objects.get(organization_id=chain.organization_id)
    record(chain, action="x" * 64)
    assert audit_verify(chain.organization_id) == AuditIntact(count=5)


def test_long_actors_are_cut_to_what_the_column_holds(chain: Principal):
    assert (
        len(
            audit_append(
                organization_id=chain.organization_id,
                project_id="",
                actor="admin:" + "x" * 200,
                action="a",
                resource_type="t",
            ).actor
        )
        == 128
    )


@pytest.mark.django_db(transaction=True)
def test_r36_many_writers_make_one_chain():
    principal = make_principal()

    def write(number: int) -> None:
        try:
            record(principal, details={"number": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(write, range(24)))
    assert audit_verify(principal.organization_id) == AuditIntact(count=24)
