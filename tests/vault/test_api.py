"""The vault's doors, through the SDK they are made for."""

import json
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

import httpx
import kernel
import pytest
import zstandard
from django.test import Client
from kernel import Kernel
from kernel.types import Credential as WireCredential
from kernel.types import Profile as WireProfile

from tests.vault.factories import NOW, SEED, make_principal, make_token
from tests.vault.transport import django_transport
from vault.models import AuditRecord, Organization
from vault.principal import Principal
from vault.profiles import profile_get, profile_lease, profile_save
from vault.tenancy import organization_create

pytestmark = pytest.mark.django_db
ORIGIN = "http://localhost"


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.vault.urls"


@pytest.fixture
def organization() -> Organization:
    return organization_create("acme")[0]


def make_client(organization: Organization, **options: Any) -> Kernel:
    token = make_token(organization, **options).reveal()
    http_client = httpx.Client(transport=django_transport(), base_url=ORIGIN)
    return Kernel(
        api_key=token,
        base_url=ORIGIN,
        http_client=http_client,
        max_retries=0,
        _strict_response_validation=True,
    )


@pytest.fixture
def sdk(organization: Organization) -> Iterator[Kernel]:
    with make_client(organization) as client:
        yield client


@pytest.fixture
def outsider() -> Iterator[Kernel]:
    with make_client(organization_create("other")[0]) as client:
        yield client


def test_a_credentials_whole_life(sdk: Kernel):
    made = sdk.credentials.create(
        name="work / main", domain="Example.com", values={"username": "me", "password": "canary"}, totp_secret=SEED
    )
    assert (made.domain, made.has_values, made.has_totp_secret) == ("example.com", True, True)
    assert made.value_keys == ["username", "password"]
    assert (made.totp_algorithm, made.totp_digits, made.totp_period) == ("SHA1", 6, 30)
    assert made.totp_code is not None
    assert made.totp_code_expires_at is not None
    assert made.totp_code_expires_at > datetime.now(UTC)

    found = sdk.credentials.retrieve("work / main")
    assert found.id == made.id
    assert found.totp_code is None
    code = sdk.credentials.totp_code(made.id)
    assert len(code.code) == 6

    changed = sdk.credentials.update(
        made.id,
        name="renamed",
        remove_value_keys=["username"],
        values={"pin": "1"},
        sso_provider="google",
        totp_secret="",
    )
    assert (changed.name, changed.value_keys, changed.sso_provider) == ("renamed", ["password", "pin"], "google")
    assert not changed.has_totp_secret
    assert changed.totp_algorithm is None
    assert sdk.credentials.update(made.id, sso_provider=None).sso_provider is None

    sdk.credentials.delete("renamed")
    with pytest.raises(kernel.NotFoundError):
        sdk.credentials.retrieve(made.id)


def test_a_profiles_whole_life(sdk: Kernel, organization: Organization):
    made = sdk.profiles.create(name="work")
    assert json.loads(sdk.profiles.download("work").read())["cookies"] == []
    principal = Principal(organization.id, organization.projects.get().id, "key", "key")
    lease = profile_lease(profile_get(principal, "work").id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    state = b'{"cookies": [{"name": "s"}], "origins": [], "session_storage": {}}'
    profile_save(lease, state, now=NOW)

    assert sdk.profiles.download(made.id).read() == state
    plain = sdk.profiles.download("work", format="tar").read()
    packed = sdk.profiles.download("work", format="tar.zst").read()
    for archive in (plain, zstandard.ZstdDecompressor().decompress(packed)):
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            member = files.extractfile("storage_state.json")
            assert member is not None
            assert member.read() == state
    assert AuditRecord.objects.filter(action="profile.export", actor__startswith="key:key_").count() == 4

    assert sdk.profiles.update("work", name="home").id == made.id
    assert sdk.profiles.retrieve("home").last_used_at == NOW
    sdk.profiles.delete("home")
    with pytest.raises(kernel.NotFoundError):
        sdk.profiles.download(made.id)
    assert sdk.profiles.create().name is None


def test_lists_come_in_pages_without_gaps(sdk: Kernel):
    names = [f"c{number:02}" for number in range(25)]
    for name in names:
        sdk.credentials.create(name=name, domain="example.com", values={"password": "canary"})
        sdk.profiles.create(name=name)
    assert [item.name for item in sdk.credentials.list(limit=10)] == names[::-1]
    assert [item.name for item in sdk.profiles.list(limit=7)] == names[::-1]
    first = sdk.credentials.list()
    assert (len(first.items), first.has_more, first.next_offset) == (20, True, 20)
    last = sdk.credentials.list(offset=20)
    assert (len(last.items), last.has_more, last.next_offset) == (5, False, 0)
    for item in first.items:
        WireCredential.model_validate(item.model_dump(), strict=True)
        assert item.has_values
        assert item.value_keys is None
    for profile in sdk.profiles.list().items:
        WireProfile.model_validate(profile.model_dump(), strict=True)
    assert [item.name for item in sdk.credentials.list(query="C07", domain="example.com")] == ["c07"]
    assert [item.name for item in sdk.profiles.list(name="C07")] == ["c07"]


@pytest.mark.parametrize("kind", ["credentials", "profiles"])
@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 10**30}, {"limit": "x"}])
def test_a_page_that_cannot_be_is_a_400(sdk: Kernel, kind: str, params: dict[str, Any]):
    with pytest.raises(kernel.BadRequestError) as caught:
        getattr(sdk, kind).list(extra_query=params)
    assert caught.value.body["code"] == "invalid_request"  # type: ignore[index]


def test_refusals_have_a_code_and_repeat_no_value(sdk: Kernel):
    sdk.credentials.create(name="work", domain="example.com", values={})
    with pytest.raises(kernel.ConflictError) as conflict:
        sdk.credentials.create(name="work", domain="example.com", values={"password": "canary"})
    assert conflict.value.response.json()["code"] == "conflict"
    assert conflict.value.response.headers["x-should-retry"] == "false"
    for bad in ({"password": ""}, {"pass\0word": "canary"}, {"password": {"a": "canary"}}, "canary", ["canary"]):
        with pytest.raises(kernel.BadRequestError) as refused:
            sdk.credentials.create(name="other", domain="example.com", values=bad)  # type: ignore[arg-type]
        assert refused.value.response.json()["code"] == "invalid_request"
        assert "canary" not in refused.value.response.text
    with pytest.raises(kernel.BadRequestError):
        sdk.credentials.totp_code("work")


def test_r09_no_answer_holds_a_value(organization: Organization):
    token = make_token(organization).reveal()
    client = Client(headers={"Authorization": f"Bearer {token}"})
    body = {"name": "work", "domain": "example.com", "values": {"password": "canary"}, "totp_secret": SEED}
    answers = [client.post("/credentials", body, content_type="application/json")]
    answers += [client.patch("/credentials/work", {"values": {"pin": "canary"}}, content_type="application/json")]
    answers += [client.get(path) for path in ("/credentials", "/credentials/work", "/credentials/work/totp-code")]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    for answer in answers:
        assert "canary" not in answer.content.decode()
        assert SEED not in answer.content.decode()
    assert answers[-1]["Cache-Control"] == "no-store"


def test_r26_an_outsider_gets_404_on_every_route(sdk: Kernel, outsider: Kernel):
    credential = sdk.credentials.create(name="work", domain="example.com", values={"a": "b"}, totp_secret=SEED)
    profile = sdk.profiles.create(name="work")
    calls: list[Callable[[], object]] = []
    for name in (credential.id, "work"):
        calls += [
            partial(outsider.credentials.retrieve, name),
            partial(outsider.credentials.update, name, name="mine"),
            partial(outsider.credentials.totp_code, name),
            partial(outsider.credentials.delete, name),
        ]
    for name in (profile.id, "work"):
        calls += [
            partial(outsider.profiles.retrieve, name),
            partial(outsider.profiles.update, name, name="mine"),
            partial(outsider.profiles.download, name),
            partial(outsider.profiles.delete, name),
        ]
    for call in calls:
        with pytest.raises(kernel.NotFoundError):
            call()
    assert outsider.credentials.list().items == []
    assert outsider.profiles.list().items == []
    assert sdk.credentials.retrieve(credential.id).name == "work"


def test_r26_the_project_header_stays_inside_the_organization(sdk: Kernel):
    theirs = make_principal("third").project_id
    with pytest.raises(kernel.NotFoundError):
        sdk.credentials.list(extra_headers={"X-Kernel-Project-Id": theirs})


def test_without_a_key_there_is_a_401():
    answer = Client().get("/credentials")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("credentials:read", {"list", "retrieve"}),
        ("credentials:write", {"create", "delete"}),
        ("credentials:totp", {"totp_code"}),
        ("profiles:read", {"profiles"}),
        ("profiles:export", {"download"}),
        ("profiles:write", {"profile_create"}),
    ],
)
def test_r27_a_scoped_key_may_do_what_it_names(sdk: Kernel, organization: Organization, action: str, allowed: set[str]):
    sdk.credentials.create(name="work", domain="example.com", values={}, totp_secret=SEED)
    sdk.profiles.create(name="work")
    scoped = make_client(organization, policy={"statements": [{"action": action, "resource": "projects/*"}]})
    calls: dict[str, Callable[[], object]] = {
        "list": lambda: scoped.credentials.list(),
        "retrieve": lambda: scoped.credentials.retrieve("work"),
        "create": lambda: scoped.credentials.create(name="new", domain="example.com", values={}),
        "totp_code": lambda: scoped.credentials.totp_code("work"),
        "delete": lambda: scoped.credentials.delete("work"),
        "profiles": lambda: scoped.profiles.list(),
        "download": lambda: scoped.profiles.download("work"),
        "profile_create": lambda: scoped.profiles.create(name="new"),
    }
    done = set()
    for name, call in calls.items():
        try:
            call()
        except kernel.PermissionDeniedError as error:
            assert error.response.json()["code"] == "forbidden"  # noqa: PT017 - which calls are refused is the question
        else:
            done.add(name)
    assert done == allowed
