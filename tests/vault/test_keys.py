from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from authsvc.keys.bootstrap import bootstrap
from authsvc.keys.models import ApiKey
from authsvc.keys.services import key_authenticate, key_create, key_delete, key_find
from tests.vault.factories import NOW
from vault.errors import Conflict, Invalid, NotFound
from vault.models import AuditRecord, Organization, Project
from vault.principal import Policy, Principal
from vault.secret import Secret
from vault.tenancy import organization_create, project_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return organization_create("acme")[0]


def make_key(organization: Organization, **options: Any) -> tuple[ApiKey, Secret]:
    options = {"name": "a key"} | options
    return key_create(organization_id=organization.id, **options)


def test_r07_a_key_has_enough_random_bits_and_only_its_hash_is_kept(organization: Organization):
    key, token = make_key(organization)
    text = token.reveal()
    assert text.startswith("sk_")
    assert len(text) >= 3 + 43  # 256 bits
    stored = ApiKey.objects.filter(id=key.id).values().get()
    assert not any(text in str(value) or text[7:-4] in str(value) for value in stored.values())
    assert make_key(organization)[1] != token


def test_a_key_opens_its_default_project(organization: Organization):
    key, token = make_key(organization)
    principal = key_authenticate(token.reveal(), now=NOW)
    assert principal is not None
    assert principal.organization_id == organization.id
    assert principal.project_id == Project.objects.get().id
    assert (principal.key_id, principal.key_project_id) == (key.id, None)


@pytest.mark.parametrize("token", ["", "sk_", "sk_" + "x" * 43, "\ud800", "x" * 10_000])
def test_r07_an_unknown_token_opens_nothing(organization: Organization, token: str):
    make_key(organization)
    assert key_find(token, now=NOW) is None


def test_r07_an_expired_or_deleted_key_opens_nothing(organization: Organization):
    key, token = make_key(organization, expires_at=NOW)
    assert key_find(token.reveal(), now=NOW - timedelta(seconds=1)) == key
    assert key_find(token.reveal(), now=NOW) is None
    key, token = make_key(organization)
    key_delete(key=key, actor="admin:me", now=NOW)
    assert key_find(token.reveal(), now=NOW) is None
    assert AuditRecord.objects.latest("seq").action == "api_key.delete"


def test_r07_the_hash_is_not_a_token(organization: Organization):
    key, _ = make_key(organization)
    assert key_find(key.token_hash, now=NOW) is None


def test_use_is_noted_now_and_then(organization: Organization):
    key, token = make_key(organization)
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        key_find(token.reveal(), now=NOW + timedelta(seconds=seconds))
        key.refresh_from_db()
        assert key.last_used_at == NOW + timedelta(seconds=noted)


def test_r26_a_key_reaches_projects_of_its_organization_only(organization: Organization):
    mine = project_create(organization_id=organization.id, name="mine")
    theirs = organization_create("other")[1]
    token = make_key(organization)[1].reveal()
    assert _project(token, project_id=mine.id) == _project(token, project_name="mine") == mine.id
    for wrong in ({"project_id": theirs.id}, {"project_name": "nothing"}, {"project_id": "\0"}):
        with pytest.raises(NotFound):
            key_authenticate(token, now=NOW, **wrong)


def test_r26_a_projects_key_stays_in_its_project(organization: Organization):
    mine = project_create(organization_id=organization.id, name="mine")
    default = Project.objects.get(is_default=True)
    token = make_key(organization, project_id=mine.id)[1].reveal()
    assert _project(token) == _project(token, project_id=mine.id) == mine.id
    with pytest.raises(NotFound):
        key_authenticate(token, now=NOW, project_id=default.id)


def _project(token: str, **options: str) -> str:
    principal = key_authenticate(token, now=NOW, **options)
    assert principal is not None
    return principal.project_id


@pytest.mark.parametrize("policy", [{}, {"statements": 1}, {"statements": [{"action": "a"}]}, {"statements": ["a"]}])
def test_r27_a_policy_that_cannot_be_is_refused(organization: Organization, policy: Any):
    with pytest.raises(Invalid):
        make_key(organization, policy=policy)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"action": "credentials:read", "resource": "projects/p/credentials/*"}, True),
        ({"action": "credentials:*", "resource": "projects/*"}, True),
        ({"action": "*", "resource": "projects/p/credentials/cred_1"}, True),
        ({"action": "credentials:write", "resource": "*"}, False),
        ({"action": "credentials:read", "resource": "projects/q/*"}, False),
        ({"action": "credentials:read", "resource": "projects/p/credentials/cred_2"}, False),
    ],
)
def test_r27_a_policy_allows_what_it_names(statement: dict[str, str], allowed: bool):
    policy = Policy.parse({"statements": [statement]})
    assert policy.allows(action="credentials:read", resource="projects/p/credentials/cred_1") is allowed
    assert not Policy.parse({"statements": []}).allows(action="credentials:read", resource="projects/p")


def test_bootstrap_makes_what_is_missing_once():
    first, again = bootstrap(api_key=None), bootstrap(api_key=None)
    assert first.token is not None
    assert again.token is None
    assert (first.organization, first.project) == (again.organization, again.project)
    assert _project(first.token.reveal()) == first.project.id
    assert ApiKey.objects.count() == Organization.objects.count() == 1


def test_bootstrap_makes_a_chosen_key_work():
    for expected in ("sk_chosen", None):
        token = bootstrap(api_key="sk_chosen").token
        assert (token.reveal() if token else None) == expected
    key = key_find("sk_chosen", now=NOW)
    assert key is not None
    assert "chosen" not in key.masked
    key_delete(key=key, actor="admin:me", now=NOW)
    assert bootstrap(api_key="sk_chosen").token is None
    assert key_find("sk_chosen", now=NOW) is None


def test_a_token_belongs_to_one_key(organization: Organization):
    make_key(organization, token=Secret("sk_chosen"))
    with pytest.raises(Conflict):
        make_key(organization, token=Secret("sk_chosen"))


@pytest.fixture
def staff(settings: Any) -> Client:
    settings.ROOT_URLCONF = "tests.vault.urls"
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def test_r07_the_admin_shows_a_new_token_once_and_never_again(staff: Client, organization: Organization):
    form = {"organization": organization.id, "name": "from the admin", "policy": "null"}
    made = staff.post("/admin/keys/apikey/add/", form)
    assert made.status_code == 200
    token = made.context["token"]
    assert token in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    key = key_find(token, now=NOW)
    assert key is not None
    assert key.created_by == "admin:boss"
    assert token not in str(staff.session.items())
    for page in ("", f"{quote(key.id)}/change/", f"{quote(key.id)}/history/"):
        shown = staff.get(f"/admin/keys/apikey/{page}")
        assert shown.status_code == 200
        assert token not in shown.content.decode()
        assert key.token_hash not in shown.content.decode()


def test_the_admin_refuses_what_cannot_be(staff: Client, organization: Organization):
    theirs = organization_create("other")[1]
    good = {"organization": organization.id, "name": "k", "policy": "null"}
    for bad in ({"project": theirs.id}, {"policy": '{"statements": 1}'}, {"policy": "[]"}, {"name": "a\tb"}):
        refused = staff.post("/admin/keys/apikey/add/", good | bad)
        assert refused.context["errors"], bad
    assert not ApiKey.objects.exists()


def test_the_admin_withdraws_keys(staff: Client, organization: Organization):
    key, token = make_key(organization)
    staff.post("/admin/keys/apikey/", {"action": "withdraw", "_selected_action": [key.id]})
    assert key_find(token.reveal(), now=NOW) is None


@pytest.mark.django_db(transaction=True)
async def test_an_async_operation_knows_its_caller(settings: Any):
    from vault.aio import run_db

    settings.ROOT_URLCONF = "tests.vault.urls"
    made = await run_db(bootstrap, api_key=None)
    assert made.token is not None
    client = AsyncClient()
    good = await client.get("/probe/async", headers={"Authorization": f"Bearer {made.token.reveal()}"})
    assert (good.status_code, good.json()) == (200, {"project_id": made.project.id})
    for header in ({}, {"Authorization": "Bearer sk_wrong"}, {"Authorization": made.token.reveal()}):
        refused = await client.get("/probe/async", headers=header)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    lost = await client.get(
        "/probe/async", headers={"Authorization": f"Bearer {made.token.reveal()}", "X-Kernel-Project": "none"}
    )
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")


def test_a_principal_names_itself_for_the_record():
    assert Principal("org", "proj", "key_1", "name").actor == "key:key_1"
