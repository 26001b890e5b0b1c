from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.signals import connection_created

from tests.vault.factories import NOW, SEED, audit_break, make_principal, make_use
from vault.credential_values import VALUES_MOST
from vault.credentials import (
    TotpCode,
    TotpWait,
    credential_create,
    credential_delete,
    credential_get,
    credential_list,
    credential_names,
    credential_rejected,
    credential_rejected_names,
    credential_save,
    credential_totp_reveal,
    credential_totp_show,
    credential_update,
    credential_value_keys,
    credential_value_reveal,
)
from vault.errors import AuditUnavailable, Conflict, Invalid, NotFound, TamperedError
from vault.models import AuditHead, AuditRecord, Credential, CredentialValue
from vault.principal import Principal
from vault.secret import Secret

pytestmark = pytest.mark.django_db
VALUES = {"username": "me", "password": "canary"}


@pytest.fixture
def principal() -> Principal:
    return make_principal()


def make_credential(principal: Principal, **options: Any) -> Credential:
    options = {"name": "work", "domain": "example.com", "values": VALUES} | options
    return credential_create(principal, **options)


def reveal(principal: Principal, credential: Credential, name: str) -> str:
    return credential_value_reveal(credential_id=credential.id, name=name, use=make_use(principal)).reveal()


def test_what_was_stored_is_used(principal: Principal):
    credential = make_credential(principal, domain="Example.COM:8443", totp_secret=SEED, sso_provider="Google")
    assert reveal(principal, credential, "password") == "canary"
    assert credential_names(credential) == {"username", "password", "totp_code"}
    assert (credential.domain, credential.sso_provider) == ("example.com:8443", "google")


def test_nothing_readable_is_in_the_rows(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)
    stored = [bytes(row.sealed) for row in CredentialValue.objects.all()] + [bytes(credential.sealed_totp or b"")]
    assert not any(b"canary" in value or SEED.encode() in value for value in stored)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"domain": "https://example.com/login"}, "domain"),
        ({"domain": "exa mple.com"}, "domain"),
        ({"domain": "example.com:99999"}, "domain"),
        ({"values": {"password": ""}}, "password"),
        ({"values": {"password": "canary" * 9999}}, "password"),
        ({"values": {"password": "canary\ud800"}}, "password"),
        ({"values": {"": "canary"}}, "name of a value"),
        ({"values": {"totp_code": "123456"}}, "totp_secret"),
        ({"values": {f"v{n}": "canary" for n in range(VALUES_MOST + 1)}}, "at most"),
        ({"totp_secret": "canary"}, "totp_secret"),
        ({"totp_secret": SEED, "totp_digits": 9}, "totp_digits"),
        ({"totp_secret": SEED, "totp_period": 0}, "totp_period"),
        ({"sso_provider": "x" * 65}, "sso_provider"),
    ],
)
def test_bad_input_is_named_and_nothing_is_kept(principal: Principal, change: dict[str, Any], words: str):
    with pytest.raises(Invalid, match=words) as caught:
        make_credential(principal, **change)
    assert "canary" not in str(caught.value)
    assert not Credential.objects.exists()


def test_a_name_is_taken_once_per_project(principal: Principal):
    make_credential(principal)
    with pytest.raises(Conflict):
        make_credential(principal)
    make_credential(make_principal("other"))
    other = make_credential(principal, name="second")
    with pytest.raises(Conflict):
        credential_update(principal, other.id, name="work")


def test_an_update_removes_first_and_then_merges(principal: Principal):
    make_credential(principal)
    credential_update(
        principal, "work", values={"password": "new", "tenant": "t"}, remove_value_keys=["username", "password", "none"]
    )
    credential = credential_get(principal, "work")
    assert credential_value_keys(credential) == ["password", "tenant"]
    assert reveal(principal, credential, "password") == "new"


def test_an_update_that_is_refused_changes_nothing(principal: Principal):
    credential = make_credential(principal)
    with pytest.raises(Invalid):
        credential_update(
            principal,
            "work",
            name="renamed",
            remove_value_keys=["username"],
            values={f"v{n}": "x" for n in range(VALUES_MOST)},
        )
    assert credential_get(principal, "work").id == credential.id
    assert len(credential_value_keys(credential)) == 2


def test_seed_parameters_follow_the_contract(principal: Principal):
    make_credential(principal, totp_secret=SEED, totp_algorithm="SHA256", totp_digits=8, totp_period=60)
    kept = credential_update(principal, "work", totp_secret=SEED, totp_digits=7)
    assert (kept.totp_algorithm, kept.totp_digits, kept.totp_period) == ("SHA256", 7, 60)
    fresh = credential_update(principal, "work", totp_secret=f"otpauth://totp/x?secret={SEED}")
    assert (fresh.totp_algorithm, fresh.totp_digits, fresh.totp_period) == ("SHA1", 6, 30)
    with pytest.raises(Invalid, match="need totp_secret"):
        credential_update(principal, "work", totp_digits=8)
    gone = credential_update(principal, "work", totp_secret="")
    assert not gone.has_totp_secret
    assert "totp_code" not in credential_names(gone)


def test_values_accepted_in_a_login_are_merged_in(principal: Principal):
    where = {"organization_id": principal.organization_id, "project_id": principal.project_id, "domain": "example.com"}
    first = credential_save(**where, name="saved", values={"username": Secret("me")})
    again = credential_save(**where, name="saved", values={"password": Secret("canary")})
    assert first.id == again.id
    assert reveal(principal, again, "username") == "me"
    assert reveal(principal, again, "password") == "canary"


def test_a_login_does_not_fail_for_a_field_that_cannot_be_stored(principal: Principal):
    values = {"username": "me", "totp_code": "1", "x" * 999: "1", "a\0": "1", "empty": ""}
    saved = credential_save(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        domain="example.com",
        name="n" * 300,
        values={name: Secret(value) for name, value in values.items()},
    )
    assert credential_value_keys(saved) == ["username"]


def test_removing_what_cannot_be_there_is_harmless(principal: Principal):
    make_credential(principal)
    changed = credential_update(principal, "work", remove_value_keys=["a\0", "\ud800", *map(str, range(99_999))])
    assert len(credential_value_keys(changed)) == 2


def test_r16_a_rejected_value_stays_rejected_until_it_is_another_one(principal: Principal):
    credential = make_credential(principal)
    credential_rejected(credential.id, {"password"})
    credential_update(principal, "work", values=VALUES | {"username": "other"})
    assert credential_rejected_names(credential) == {"password"}
    credential_update(principal, "work", values={"password": "new"})
    assert credential_rejected_names(credential) == frozenset()


def test_r16_removing_and_giving_the_value_again_is_a_decision(principal: Principal):
    credential = make_credential(principal)
    credential_rejected(credential.id, {"password"})
    credential_update(principal, "work", remove_value_keys=["password"], values={"password": "canary"})
    assert credential_rejected_names(credential) == frozenset()


def test_r26_an_outsider_finds_nothing(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)
    outsider = make_principal("other")
    sibling = Principal(principal.organization_id, outsider.project_id, "key_x", "x")
    impostor = Principal(outsider.organization_id, principal.project_id, "key_x", "x")
    for stranger in (outsider, sibling, impostor):
        for wanted in (credential.id, credential.name):
            with pytest.raises(NotFound):
                credential_get(stranger, wanted)
            with pytest.raises(NotFound):
                credential_update(stranger, wanted, name="mine")
            with pytest.raises(NotFound):
                credential_delete(stranger, wanted)
            with pytest.raises(NotFound):
                credential_totp_show(stranger, wanted, now=NOW)
        assert not credential_list(stranger).exists()
        with pytest.raises(NotFound):
            credential_totp_reveal(credential_id=credential.id, use=make_use(outsider), now=NOW)
    with pytest.raises(NotFound):
        reveal(outsider, credential, "password")
    assert Credential.objects.get().name == "work"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["b", "a"]),
        ({"domain": "EXAMPLE.org"}, ["b"]),
        ({"query": "EXAMPLE.o"}, ["b"]),
        ({"query": "A"}, ["b", "a"]),
        ({"query": "cred_"}, []),
        ({"query": "\0"}, []),
        ({"domain": "x" * 5000}, []),
    ],
)
def test_lists_filter(principal: Principal, filters: dict[str, str], found: list[str]):
    make_credential(principal, name="a", values={})
    make_credential(principal, name="b", domain="example.org")
    rows = credential_list(principal, **filters)
    assert [row.name for row in rows] == found
    by_id = credential_list(principal, query=credential_get(principal, "a").id)
    assert [(row.name, getattr(row, "has_values")) for row in by_id] == [("a", False)]  # noqa: B009 - annotated


def test_r03_values_do_not_open_in_each_others_place(principal: Principal):
    credential = make_credential(principal)
    rows = {row.name: bytes(row.sealed) for row in CredentialValue.objects.all()}
    CredentialValue.objects.filter(name="username").update(sealed=rows["password"])
    with pytest.raises(TamperedError):
        reveal(principal, credential, "username")


def test_r03_a_value_moved_to_another_credential_or_renamed_does_not_open(principal: Principal):
    credential, other = make_credential(principal), make_credential(principal, name="other", values={})
    CredentialValue.objects.filter(name="password").update(name="username2")
    with pytest.raises(TamperedError):
        reveal(principal, credential, "username2")
    CredentialValue.objects.filter(name="username").update(credential=other)
    with pytest.raises(TamperedError):
        reveal(principal, other, "username")


def test_r15_a_code_is_not_given_twice_in_a_time_step(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)

    def use(now: Any) -> TotpCode | TotpWait:
        return credential_totp_reveal(credential_id=credential.id, use=make_use(principal), now=now)

    first = use(NOW)
    assert isinstance(first, TotpCode)
    assert (first.expires_at - NOW).total_seconds() == 25
    assert use(NOW + timedelta(seconds=10)) == TotpWait(seconds=15)
    assert use(NOW - timedelta(seconds=31)) == TotpWait(seconds=26)  # a clock that went back
    later = use(NOW + timedelta(seconds=25))
    assert isinstance(later, TotpCode)
    assert later.code != first.code


@pytest.mark.parametrize(("second", "given"), [(26.9, True), (27.1, False), (29.9, False)])
def test_r15_a_code_that_is_about_to_end_is_not_given(principal: Principal, second: float, given: bool):
    credential = make_credential(principal, totp_secret=SEED)
    now = NOW.replace(second=0) + timedelta(seconds=second)
    result = credential_totp_reveal(credential_id=credential.id, use=make_use(principal), now=now)
    assert isinstance(result, TotpCode) == given
    if isinstance(result, TotpWait):
        assert result.seconds == pytest.approx(30 - second)


def test_r15_a_code_shown_to_a_caller_is_not_given_to_a_login(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)
    shown = credential_totp_show(principal, "work", now=NOW)
    assert credential_totp_show(principal, "work", now=NOW).code == shown.code
    result = credential_totp_reveal(credential_id=credential.id, use=make_use(principal), now=NOW)
    assert isinstance(result, TotpWait)


def test_r15_a_new_seed_starts_anew(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)
    credential_totp_show(principal, "work", now=NOW)
    credential_update(principal, "work", totp_secret=SEED[::-1].replace("X", "A"))
    result = credential_totp_reveal(credential_id=credential.id, use=make_use(principal), now=NOW)
    assert isinstance(result, TotpCode)


def test_r34_deleting_destroys_values_and_seed(principal: Principal):
    make_credential(principal, totp_secret=SEED)
    credential_delete(principal, "work")
    assert not Credential.objects.exists()
    assert not CredentialValue.objects.exists()
    assert AuditRecord.objects.latest("seq").action == "credential.delete"


def test_r34_deleted_rows_are_overwritten():
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = OFF")
            connection_created.send(sender=type(connection), connection=connection)
            assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_r35_a_use_is_on_record_before_the_value_is_opened(principal: Principal, monkeypatch: pytest.MonkeyPatch):
    credential = make_credential(principal)
    seen: list[Any] = []

    def opened(row: CredentialValue) -> bytes:
        record = AuditRecord.objects.latest("seq")
        seen.append((record.action, record.actor, record.details, record.outcome))
        return b"opened"

    monkeypatch.setattr("vault.credentials.value_open", opened)
    assert reveal(principal, credential, "password") == "opened"
    details = {"connection_id": "ma_1", "flow_id": "flow_1", "origin": "https://example.com", "names": ["password"]}
    assert seen == [("credential.use", "flow:flow_1", details, "ok")]


def test_r35_without_a_record_a_value_stays_closed(principal: Principal, monkeypatch: pytest.MonkeyPatch):
    credential = make_credential(principal, totp_secret=SEED)
    audit_break(monkeypatch)
    opened: list[object] = []
    monkeypatch.setattr("vault.credentials.value_open", opened.append)
    monkeypatch.setattr("vault.credentials.seed_open", opened.append)
    with pytest.raises(AuditUnavailable):
        reveal(principal, credential, "password")
    with pytest.raises(AuditUnavailable):
        credential_totp_reveal(credential_id=credential.id, use=make_use(principal), now=NOW)
    with pytest.raises(AuditUnavailable):
        credential_totp_show(principal, "work", now=NOW)
    assert opened == []
    assert Credential.objects.get().last_totp_step is None


@pytest.mark.django_db(transaction=True)
def test_r35_a_record_that_could_be_taken_back_does_not_count():
    principal = make_principal()
    credential = make_credential(principal)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        reveal(principal, credential, "password")


def test_r36_a_refused_use_is_on_record(principal: Principal):
    credential = make_credential(principal)
    with pytest.raises(NotFound):
        reveal(principal, credential, "pin")
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.outcome, record.details["names"]) == ("credential.use", "not_found", ["pin"])


def test_r09_the_audit_log_holds_names_only(principal: Principal):
    credential = make_credential(principal, totp_secret=SEED)
    credential_update(principal, "work", values={"password": "canary2"})
    reveal(principal, credential, "password")
    records = AuditRecord.objects.order_by("seq")
    assert not any("canary" in str(record.__dict__) or SEED in str(record.__dict__) for record in records)
    assert all(first.hash == second.prev_hash for first, second in pairwise(records))
    assert AuditHead.objects.get().seq == len(records) == 3
