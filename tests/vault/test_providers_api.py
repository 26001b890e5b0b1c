"""`credential_providers` as the SDK calls it, answers validated strictly; our own kinds beside it."""

from collections.abc import Iterator

import httpx
import pytest
from kernel import BadRequestError, ConflictError, Kernel, NotFoundError, PermissionDeniedError
from kernel.types.credential_provider import CredentialProvider as Wire

from tests.vault.connect_server import TOKEN, ConnectServer, connect_server
from tests.vault.factories import make_principal, make_token
from tests.vault.kv_engine import MOUNT, kv_engine
from tests.vault.kv_engine import TOKEN as KV_TOKEN
from tests.vault.transport import django_transport
from vault.models import CredentialProvider, Organization
from vault.principal import Principal

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "canary-token"


def sdk(principal: Principal, **options: object) -> Kernel:
    token = make_token(Organization.objects.get(id=principal.organization_id), **options)
    client = httpx.Client(transport=django_transport())
    return Kernel(
        api_key=token.reveal(),
        base_url="http://testserver",
        http_client=client,
        max_retries=0,
        _strict_response_validation=True,
    )


@pytest.fixture
def principal() -> Principal:
    return make_principal()


@pytest.fixture
def kernel(principal: Principal) -> Kernel:
    return sdk(principal)


@pytest.fixture
def connect() -> Iterator[ConnectServer]:
    with connect_server() as server:
        server.add("Example", urls=("https://example.com",), username="ada", password="canary-outside")
        yield server


def test_every_method_of_the_sdk(kernel: Kernel, connect: ConnectServer):
    made = kernel.credential_providers.create(
        token=TOKEN,
        name="  my-1p ",
        provider_type="onepassword",
        cache_ttl_seconds=60,
        extra_body={"server_url": connect.server.url},
    )
    assert (made.name, made.provider_type, made.enabled, made.priority) == ("my-1p", "onepassword", True, 0)
    assert kernel.credential_providers.retrieve(made.id) == made
    items = kernel.credential_providers.list_items(made.id).items
    assert items is not None
    assert [(item.path, item.urls) for item in items] == [("Team/Example", ["https://example.com"])]
    tested = kernel.credential_providers.test(made.id)
    assert (tested.success, [vault.name for vault in tested.vaults], tested.error) == (True, ["Team"], None)
    changed = kernel.credential_providers.update(made.id, name="other", enabled=False, priority=7, token="new")
    assert (changed.name, changed.enabled, changed.priority) == ("other", False, 7)
    tested = kernel.credential_providers.test(made.id)
    assert (tested.success, tested.vaults) == (False, [])
    assert "refuses" in (tested.error or "")
    with pytest.raises(BadRequestError) as refused:
        kernel.credential_providers.list_items(made.id)
    assert refused.value.body == {"code": "source_denied", "message": "The credential source refuses the token"}
    assert refused.value.response.headers["x-should-retry"] == "false"
    kernel.credential_providers.delete(made.id)
    with pytest.raises(NotFoundError):
        kernel.credential_providers.retrieve(made.id)
    assert not CredentialProvider.objects.exists()


def test_lists_are_paged_ordered_by_priority_and_searched(kernel: Kernel):
    made = [
        kernel.credential_providers.create(token=CANARY, name=f"p{number}", provider_type="onepassword")
        for number in range(5)
    ]
    kernel.credential_providers.update(made[4].id, priority=-1)
    listed = [Wire.model_validate(item.model_dump()) for item in kernel.credential_providers.list(limit=2)]
    assert [item.name for item in listed] == ["p4", "p0", "p1", "p2", "p3"]
    assert [item.name for item in kernel.credential_providers.list(query="P3")] == ["p3"]
    assert [item.name for item in kernel.credential_providers.list(query=made[1].id)] == ["p1"]
    assert list(kernel.credential_providers.list(query=made[1].id[:-1])) == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": " "},
        {"name": "x" * 256},
        {"token": ""},
        {"token": "two\nlines"},
        {"cache_ttl_seconds": -1},
        {"cache_ttl_seconds": 10**9},
        {"provider_type": "lastpass"},
        {"server_url": "https://169.254.169.254"},
        {"server_url": "http://connect.example.com"},
    ],
)
def test_bad_input_is_named_and_nothing_is_made(kernel: Kernel, body: dict[str, object]):
    with pytest.raises(BadRequestError) as refused:
        kernel.post(
            "/org/credential_providers",
            cast_to=Wire,
            body={"name": "p", "token": CANARY, "provider_type": "onepassword"} | body,
        )
    assert CANARY not in refused.value.response.text
    assert not CredentialProvider.objects.exists()


def test_a_name_is_taken_once_per_organization(kernel: Kernel):
    make = kernel.credential_providers.create
    first = make(token=CANARY, name="p", provider_type="onepassword")
    second = make(token=CANARY, name="q", provider_type="onepassword")
    with pytest.raises(ConflictError):
        make(token=CANARY, name="p", provider_type="onepassword")
    with pytest.raises(ConflictError):
        kernel.credential_providers.update(second.id, name=first.name)
    sdk(make_principal("other")).credential_providers.create(token=CANARY, name="p", provider_type="onepassword")


def test_r26_an_outsider_finds_nothing(kernel: Kernel):
    made = kernel.credential_providers.create(token=CANARY, name="p", provider_type="onepassword")
    outsider = sdk(make_principal("other")).credential_providers
    for attempt in (
        lambda: outsider.retrieve(made.id),
        lambda: outsider.update(made.id, name="x"),
        lambda: outsider.delete(made.id),
        lambda: outsider.list_items(made.id),
        lambda: outsider.test(made.id),
    ):
        with pytest.raises(NotFoundError):
            attempt()
    assert list(outsider.list()) == []
    assert CredentialProvider.objects.get().name == "p"


def test_r27_a_key_of_one_project_or_without_the_right_changes_nothing(principal: Principal, kernel: Kernel):
    made = kernel.credential_providers.create(token=CANARY, name="p", provider_type="onepassword")
    reader = {"statements": [{"action": "credentials:read", "resource": "*"}]}
    for bound in (sdk(principal, project_id=principal.project_id), sdk(principal, policy=reader)):
        providers = bound.credential_providers
        assert providers.retrieve(made.id).name == "p"
        for attempt in (
            lambda providers=providers: providers.create(token=CANARY, name="q", provider_type="onepassword"),
            lambda providers=providers: providers.update(made.id, enabled=False),
            lambda providers=providers: providers.delete(made.id),
        ):
            with pytest.raises(PermissionDeniedError):
                attempt()
    assert CredentialProvider.objects.get().enabled


def test_sources_of_our_own_have_the_same_shape_and_a_place_of_their_own(kernel: Kernel):
    with kv_engine() as engine:
        engine.add("web/Example", urls=("https://example.com",), password="canary-outside")
        body = {
            "name": "kv",
            "token": KV_TOKEN,
            "provider_type": "vault_kv",
            "server_url": engine.server.url,
            "options": {"mount": MOUNT},
        }
        made = kernel.post("/org/credential_sources", cast_to=httpx.Response, body=body).json()
        place = f"/org/credential_sources/{made['id']}"
        assert made["provider_type"] == "vault_kv"
        listed = kernel.get(f"{place}/items", cast_to=httpx.Response).json()
        assert [item["path"] for item in listed["items"]] == [f"{MOUNT}/web/Example"]
        assert kernel.post(f"{place}/test", cast_to=httpx.Response).json()["success"] is True
        with pytest.raises(NotFoundError):
            kernel.credential_providers.retrieve(made["id"])
        assert list(kernel.credential_providers.list()) == []
        with pytest.raises(BadRequestError):
            kernel.post("/org/credential_sources", cast_to=httpx.Response, body=body | {"options": {"x": "y"}})


def test_r09_a_token_goes_in_and_never_comes_out(kernel: Kernel, caplog: pytest.LogCaptureFixture):
    made = kernel.with_raw_response.credential_providers.create(token=CANARY, name="p", provider_type="onepassword")
    shown = [made.text(), kernel.with_raw_response.credential_providers.list().text(), caplog.text]
    assert CANARY not in "".join(shown)
    assert CANARY.encode() not in bytes(CredentialProvider.objects.get().sealed_token)
