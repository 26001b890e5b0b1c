import io
import json
import tarfile
from datetime import timedelta

import pytest
import zstandard

from tests.vault.factories import NOW, audit_break, make_principal, make_use
from vault.errors import AuditUnavailable, Conflict, Invalid, LeaseLost, NotFound, TamperedError
from vault.models import AuditRecord, Profile, ProfileVersion
from vault.principal import Principal
from vault.profile_archive import archive_tar, archive_tar_zst
from vault.profiles import (
    VERSIONS_KEPT,
    Lease,
    profile_create,
    profile_delete,
    profile_export,
    profile_get,
    profile_get_or_create,
    profile_lease,
    profile_lease_renew,
    profile_leased,
    profile_list,
    profile_release,
    profile_rename,
    profile_save,
    profile_state,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def principal() -> Principal:
    return make_principal()


@pytest.fixture
def profile(principal: Principal) -> Profile:
    return profile_create(principal, name="work")


def lease_take(profile: Profile, holder: str = "one", seconds: int = 30, after: int = 0) -> Lease:
    lease = profile_lease(profile.id, holder=holder, seconds=seconds, now=NOW + timedelta(seconds=after))
    assert lease is not None
    return lease


def test_what_was_saved_last_is_opened(profile: Profile):
    assert profile_state(profile.id) is None
    lease = lease_take(profile)
    assert [profile_save(lease, state, now=NOW) for state in (b"first", b"second")] == [1, 2]
    assert profile_state(profile.id) == b"second"


def test_nothing_readable_is_stored(profile: Profile):
    profile_save(lease_take(profile), b"canary" * 100, now=NOW)
    version = ProfileVersion.objects.get()
    assert b"canary" not in bytes(version.sealed)
    assert version.size == 600


def test_r02_every_version_has_a_key_of_its_own(profile: Profile):
    lease = lease_take(profile)
    for _ in range(2):
        profile_save(lease, b"same", now=NOW)
    first, second = ProfileVersion.objects.all()
    assert bytes(first.wrapped_key) != bytes(second.wrapped_key)


def test_r33_the_last_few_versions_are_kept(profile: Profile):
    lease = lease_take(profile)
    for number in range(VERSIONS_KEPT + 3):
        profile_save(lease, str(number).encode(), now=NOW)
    kept = list(ProfileVersion.objects.order_by("number").values_list("number", flat=True))
    assert kept == list(range(4, VERSIONS_KEPT + 4))
    assert profile_state(profile.id) == str(VERSIONS_KEPT + 2).encode()


@pytest.mark.parametrize("column", ["sealed", "wrapped_key"])
def test_r33_a_changed_version_does_not_open(profile: Profile, column: str):
    profile_save(lease_take(profile), b"state", now=NOW)
    changed = bytearray(getattr(ProfileVersion.objects.get(), column))
    changed[-1] ^= 1
    ProfileVersion.objects.update(**{column: bytes(changed)})
    with pytest.raises(TamperedError):
        profile_state(profile.id)


def test_r33_an_old_version_does_not_pass_for_the_newest(profile: Profile):
    lease = lease_take(profile)
    for state in (b"old", b"new"):
        profile_save(lease, state, now=NOW)
    ProfileVersion.objects.filter(number=2).delete()
    with pytest.raises(TamperedError):
        profile_state(profile.id)
    ProfileVersion.objects.filter(number=1).update(number=2)
    with pytest.raises(TamperedError):
        profile_state(profile.id)


def test_r03_versions_of_two_profiles_cannot_be_swapped(principal: Principal, profile: Profile):
    other = profile_create(principal, name="other")
    for item in (profile, other):
        profile_save(lease_take(item), item.id.encode(), now=NOW)
    ProfileVersion.objects.filter(profile=profile).delete()
    ProfileVersion.objects.filter(profile=other).update(profile=profile)
    with pytest.raises(TamperedError):
        profile_state(profile.id)


def test_r31_one_writer_at_a_time(profile: Profile):
    lease = lease_take(profile)
    assert profile_lease(profile.id, holder="two", seconds=30, now=NOW + timedelta(seconds=29)) is None
    assert profile_leased(profile.id, now=NOW + timedelta(seconds=29))
    assert profile_release(lease)
    assert not profile_leased(profile.id, now=NOW)
    assert lease_take(profile, "two").fence > lease.fence


def test_r31_a_stale_writer_cannot_overwrite(profile: Profile):
    stale = lease_take(profile, "one")
    fresh = lease_take(profile, "two", after=30)
    profile_save(fresh, b"good", now=NOW)
    with pytest.raises(LeaseLost):
        profile_save(stale, b"stale", now=NOW)
    assert not profile_lease_renew(stale, seconds=30, now=NOW)
    assert not profile_release(stale)
    assert profile_leased(profile.id, now=NOW + timedelta(seconds=31))
    assert profile_state(profile.id) == b"good"
    assert ProfileVersion.objects.count() == 1


def test_r31_a_restarted_holder_outdates_its_former_self(profile: Profile):
    before, after = lease_take(profile, "flow"), lease_take(profile, "flow")
    with pytest.raises(LeaseLost):
        profile_save(before, b"stale", now=NOW)
    assert profile_save(after, b"good", now=NOW) == 1


def test_r31_a_renewed_lease_lasts(profile: Profile):
    lease = lease_take(profile)
    assert profile_lease_renew(lease, seconds=60, now=NOW + timedelta(seconds=20))
    assert profile_lease(profile.id, holder="two", seconds=30, now=NOW + timedelta(seconds=79)) is None


def test_r31_a_released_lease_writes_nothing(profile: Profile):
    lease = lease_take(profile)
    profile_release(lease)
    with pytest.raises(LeaseLost):
        profile_save(lease, b"late", now=NOW)


def test_r34_deleting_destroys_every_version_and_no_writer_brings_it_back(principal: Principal, profile: Profile):
    lease = lease_take(profile)
    profile_save(lease, b"canary", now=NOW)
    profile_delete(principal, "work")
    assert not ProfileVersion.objects.exists()
    with pytest.raises(LeaseLost):
        profile_save(lease, b"back", now=NOW)
    with pytest.raises(NotFound):
        profile_lease(profile.id, holder="two", seconds=1, now=NOW)
    with pytest.raises(NotFound):
        profile_state(profile.id)
    assert not ProfileVersion.objects.exists()
    assert AuditRecord.objects.latest("seq").action == "profile.delete"


def test_r26_an_outsider_finds_nothing(profile: Profile):
    outsider = make_principal("other")
    for wanted in (profile.id, "work"):
        with pytest.raises(NotFound):
            profile_get(outsider, wanted)
        with pytest.raises(NotFound):
            profile_rename(outsider, wanted, name="mine")
        with pytest.raises(NotFound):
            profile_delete(outsider, wanted)
        with pytest.raises(NotFound):
            profile_export(outsider, wanted, now=NOW)
    with pytest.raises(NotFound):
        profile_state(profile.id, use=make_use(outsider))
    assert not profile_list(outsider).exists()
    assert profile_get_or_create(outsider, "work").id != profile.id


def test_r35_an_export_and_a_use_are_on_record_first(principal: Principal, profile: Profile):
    profile_save(lease_take(profile), b"state", now=NOW)
    assert profile_export(principal, "work", now=NOW)[1] == b"state"
    assert AuditRecord.objects.latest("seq").action == "profile.export"
    assert profile_state(profile.id, use=make_use(principal)) == b"state"
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.actor) == ("profile.use", "flow:flow_1")


def test_r35_without_a_record_a_profile_stays_closed(
    principal: Principal, profile: Profile, monkeypatch: pytest.MonkeyPatch
):
    profile_save(lease_take(profile), b"state", now=NOW)
    opened: list[object] = []
    monkeypatch.setattr("vault.profiles._latest_open", opened.append)
    audit_break(monkeypatch)
    with pytest.raises(AuditUnavailable):
        profile_export(principal, "work", now=NOW)
    with pytest.raises(AuditUnavailable):
        profile_state(profile.id, use=make_use(principal))
    assert opened == []


def test_names_are_unique_and_may_be_missing(principal: Principal, profile: Profile):
    with pytest.raises(Conflict):
        profile_create(principal, name="work")
    with pytest.raises(Invalid):
        profile_create(principal, name=" ")
    unnamed = [profile_create(principal), profile_create(principal)]
    with pytest.raises(Conflict):
        profile_rename(principal, unnamed[0].id, name="work")
    assert profile_rename(principal, unnamed[0].id, name="home").name == "home"
    assert profile_get_or_create(principal, "home").id == unnamed[0].id


def test_lists_filter(principal: Principal, profile: Profile):
    home = profile_create(principal, name="Home 1")
    assert [item.name for item in profile_list(principal)] == ["Home 1", "work"]
    assert list(profile_list(principal, name="home 1")) == [home]
    assert list(profile_list(principal, query="E 1")) == [home]
    assert list(profile_list(principal, query=home.id[5:15])) == [home]
    assert not profile_list(principal, query="\0").exists()


def test_archives_hold_the_state():
    state = json.dumps({"cookies": []}).encode()
    plain = archive_tar(state, changed_at=NOW)
    assert zstandard.ZstdDecompressor().decompress(archive_tar_zst(state, changed_at=NOW)) == plain
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        member = archive.extractfile("storage_state.json")
        assert member is not None
        assert member.read() == state
