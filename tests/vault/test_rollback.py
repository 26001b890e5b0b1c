import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings

from tests.vault.factories import NOW, make_principal
from vault.errors import Conflict, NotFound, TamperedError
from vault.models import AuditRecord, Profile, ProfileVersion
from vault.profiles import VERSIONS_KEPT, profile_create, profile_lease, profile_rollback, profile_save, profile_state

pytestmark = pytest.mark.django_db


def make_profile(*states: bytes) -> Profile:
    profile = profile_create(make_principal(), name="p")
    for state in states:
        lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
        assert lease is not None
        profile_save(lease, state, now=NOW)
    Profile.objects.update(lease_holder="", lease_expires_at=None)
    return profile


def test_r33_a_rollback_is_a_new_version_and_can_be_rolled_back():
    profile = make_profile(b"one", b"two", b"three")
    assert profile_rollback(profile.id, number=1, actor="admin:boss", now=NOW) == 4
    assert profile_state(profile.id) == b"one"
    assert profile_rollback(profile.id, number=3, actor="admin:boss", now=NOW) == 5
    assert profile_state(profile.id) == b"three"
    record = AuditRecord.objects.filter(action="profile.rollback").earliest("seq")
    assert (record.actor, record.details["to"]) == ("admin:boss", 1)


def test_r33_only_the_last_versions_are_kept_and_reachable():
    profile = make_profile(*(str(number).encode() for number in range(VERSIONS_KEPT + 2)))
    assert ProfileVersion.objects.count() == VERSIONS_KEPT
    with pytest.raises(NotFound):
        profile_rollback(profile.id, number=2, actor="admin:boss", now=NOW)
    assert profile_rollback(profile.id, number=3, actor="admin:boss", now=NOW) == VERSIONS_KEPT + 3
    assert profile_state(profile.id) == b"2"


def test_r33_a_version_that_was_changed_is_not_rolled_back_to():
    profile = make_profile(b"one", b"two")
    ProfileVersion.objects.filter(number=1).update(sealed=b"\1\0")
    with pytest.raises(TamperedError):
        profile_rollback(profile.id, number=1, actor="admin:boss", now=NOW)
    assert profile_state(profile.id) == b"two"
    assert not AuditRecord.objects.filter(action="profile.rollback").exists()


def test_r31_nothing_is_rolled_back_under_a_writer():
    profile = make_profile(b"one", b"two")
    lease = profile_lease(profile.id, holder="flow", seconds=30, now=NOW)
    assert lease is not None
    with pytest.raises(Conflict):
        profile_rollback(profile.id, number=1, actor="admin:boss", now=NOW)
    assert profile_save(lease, b"three", now=NOW) == 3


def press(client: Client, profile: Profile) -> str:
    answer = client.post(
        "/admin/vault/profile/", {"action": "roll_back", "_selected_action": [profile.id]}, follow=True
    )
    return str(answer.content.decode())


def test_the_admin_rolls_back_and_says_what_it_did(settings: Settings):
    settings.ROOT_URLCONF = "tests.vault.urls"
    profile = make_profile(b"one", b"two")
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    assert "now version 3" in press(client, profile)
    assert profile_state(profile.id) == b"one"
    assert AuditRecord.objects.filter(action="profile.rollback", actor="admin:boss").exists()
    assert "No such version" in press(client, make_profile(b"only"))


def test_who_may_only_look_cannot_roll_back(settings: Settings):
    settings.ROOT_URLCONF = "tests.vault.urls"
    profile = make_profile(b"one", b"two")
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_profile", content_type__app_label="vault"))
    client = Client()
    client.force_login(looker)
    press(client, profile)
    assert profile_state(profile.id) == b"two"
