import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from tests.vault.factories import NOW, SEED, make_principal
from vault.credentials import credential_create
from vault.models import AuditRecord, DataKey, Organization, Project
from vault.profiles import profile_create, profile_lease, profile_save

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(settings: Settings) -> Client:
    settings.ROOT_URLCONF = "tests.vault.urls"
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def test_r09_the_admin_shows_names_and_sizes_and_nothing_sealed(staff: Client):
    principal = make_principal()
    values = {"password": "canary", "pin": "canary"}
    credential = credential_create(principal, name="c", domain="example.com", values=values, totp_secret=SEED)
    profile = profile_create(principal, name="p")
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    profile_save(lease, b"canary" * 7, now=NOW)
    record = AuditRecord.objects.latest("seq")
    pages = {
        "credential/": "example.com",
        f"credential/{quote(credential.id)}/change/": "password, pin, totp_code",
        "profile/": "42",
        f"profile/{quote(profile.id)}/change/": "#1: 42 bytes",
        "auditrecord/": "profile.save",
        f"auditrecord/{quote(record.id)}/change/": record.hash,
        "organization/": "acme",
        f"project/{quote(principal.project_id)}/change/": "default",
    }
    for page, words in pages.items():
        shown = staff.get(f"/admin/vault/{page}")
        assert shown.status_code == 200, page
        assert words in shown.content.decode(), page
        assert "canary" not in shown.content.decode()
        assert SEED not in shown.content.decode()


@pytest.mark.parametrize("model", ["credential", "profile", "auditrecord"])
def test_r36_the_admin_changes_nothing_sealed_or_recorded(staff: Client, model: str):
    assert staff.get(f"/admin/vault/{model}/add/").status_code == 403
    principal = make_principal()
    profile_create(principal, name="p")
    record = AuditRecord.objects.get()
    assert staff.post(f"/admin/vault/auditrecord/{quote(record.id)}/change/", {"actor": "x"}).status_code == 403
    assert staff.post(f"/admin/vault/auditrecord/{quote(record.id)}/delete/", {"post": "yes"}).status_code == 403


def test_an_organization_from_the_admin_is_complete(staff: Client):
    staff.post("/admin/vault/organization/add/", {"name": "new"})
    organization = Organization.objects.get()
    assert DataKey.objects.get().organization == organization
    assert Project.objects.get(organization=organization).is_default
