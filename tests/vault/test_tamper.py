"""Every column that holds something sealed: changed, cut, moved, replayed or under another key, it never opens."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import BinaryField, Model
from pytest_django.fixtures import Settings

from authsvc.webhooks.models import Endpoint
from authsvc.webhooks.secrets import CURRENT, PREVIOUS, endpoint_secrets
from authsvc.webhooks.services import endpoint_create, endpoint_rotate
from flows.models import Flow, Interaction, Picture, Proxy, Replay, ReplayPart, SiteIcon
from flows.services import proxies
from flows.services.pictures import picture_keep, picture_open
from flows.services.replays import Stretch, replay_keep, replay_read
from flows.services.submissions import values_open, values_seal
from tests.flows.factories import make_connection, make_flow
from tests.vault.factories import NOW, SEED, kek, make_principal
from vault.credential_seeds import seed_open
from vault.credential_values import value_open
from vault.credentials import credential_create
from vault.errors import TamperedError
from vault.models import Branding, Credential, CredentialProvider, CredentialValue, DataKey, ProfileVersion
from vault.principal import Principal
from vault.profiles import profile_create, profile_lease, profile_save, profile_state
from vault.providers import NewProvider, provider_config, provider_create
from vault.sealing import open_sealed, seal
from vault.secret import Secret

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Column:
    """One sealed column: how a tenant gets two rows of it, and how a row is opened."""

    model: type[Model]
    name: str
    make: Callable[[Principal, int], str]
    open: Callable[[str], object]


def _credential(principal: Principal, number: int) -> Credential:
    values = {"password": f"canary{number}"}
    return credential_create(principal, name=f"c{number}", domain="example.com", values=values, totp_secret=SEED)


def _value(principal: Principal, number: int) -> str:
    return CredentialValue.objects.get(credential=_credential(principal, number)).id


def _version(principal: Principal, number: int) -> str:
    profile = profile_create(principal, name=f"p{number}")
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    profile_save(lease, b"canary", now=NOW)
    return ProfileVersion.objects.get(profile=profile).id


def _interaction(principal: Principal, number: int) -> str:
    flow: Flow = make_flow(make_connection(principal, profile_name=f"w{number}"))
    made = Interaction(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow=flow,
        created_at=NOW,
        expires_at=NOW,
    )
    made.sealed_values = values_seal(
        organization_id=flow.organization_id, interaction_id=made.id, values={"f1": "canary"}
    )
    made.save()
    return made.id


def _picture(principal: Principal, number: int) -> str:
    interaction = Interaction.objects.get(id=_interaction(principal, number))
    picture_keep(interaction, b"canary", now=NOW)
    return str(Picture.objects.get(interaction=interaction).pk)


def _picture_open(picture_id: str) -> object:
    return picture_open(Picture.objects.get(pk=picture_id).shown_id)


def _replay(principal: Principal, number: int) -> str:
    flow: Flow = make_flow(make_connection(principal, profile_name=f"r{number}"))
    replay = Replay.objects.create(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow=flow,
        framerate=5,
        max_seconds=60,
        started_at=NOW,
    )
    replay_keep(replay.id, b"canary", now=NOW)
    return str(replay.parts.get().pk)


def _replay_open(part_id: str) -> object:
    return replay_read(ReplayPart.objects.get(pk=part_id).replay, Stretch(0, len(b"canary")))


def _provider(principal: Principal, number: int) -> str:
    new = NewProvider(name=f"p{number}", kind="onepassword", token=Secret("canary"))
    return provider_create(principal, new).id


def _proxy(principal: Principal, number: int) -> str:
    """Sealed as the service does it; a real bundle of certificates would say nothing more here."""
    proxy = Proxy(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        name=f"x{number}",
        host="proxy.example.com",
        port=8080,
        created_at=NOW,
    )
    proxy.sealed_password = proxies._seal(proxy, proxies.PASSWORD, "canary")
    proxy.sealed_ca_bundle = proxies._seal(proxy, proxies.CA_BUNDLE, "canary")
    proxy.save()
    return proxy.id


def _proxy_open(proxy_id: str) -> object:
    proxy = Proxy.objects.get(id=proxy_id)
    sealed = {name: bytes(getattr(proxy, name)) for name in (proxies.PASSWORD, proxies.CA_BUNDLE)}
    return [proxies._open(proxy, name, content) for name, content in sealed.items()]


def _webhook(principal: Principal, number: int) -> str:
    """One in the middle of a rotation."""
    made, _ = endpoint_create(principal, url=f"https://hooks.example/{number}", events=[], ssrf_allow=(), now=NOW)
    endpoint_rotate(principal, made, grace=timedelta(hours=1), now=NOW)
    return made.id


def _webhook_open(endpoint_id: str) -> object:
    return endpoint_secrets(Endpoint.objects.get(id=endpoint_id), now=NOW)


def _data_key(principal: Principal, number: int) -> str:
    """One per organization; the second row is another tenant's."""
    return DataKey.objects.get(organization_id=principal.organization_id).id


def _data_key_open(key_id: str) -> object:
    """Open what was sealed with the key as it was."""
    return open_sealed(
        organization_id=DataKey.objects.get(id=key_id).organization_id,
        table="t",
        record_id="r",
        field="f",
        sealed=SEALED_BEFORE[key_id],
    )


SEALED_BEFORE: dict[str, bytes] = {}

COLUMNS = [
    Column(DataKey, "wrapped", _data_key, _data_key_open),
    Column(
        Credential,
        "sealed_totp",
        lambda principal, number: _credential(principal, number).id,
        lambda row_id: seed_open(Credential.objects.get(id=row_id)),
    ),
    Column(
        CredentialProvider,
        "sealed_token",
        _provider,
        lambda row_id: provider_config(CredentialProvider.objects.get(id=row_id)),
    ),
    *(Column(Endpoint, name, _webhook, _webhook_open) for name in (CURRENT, PREVIOUS)),
    *(Column(Proxy, name, _proxy, _proxy_open) for name in (proxies.PASSWORD, proxies.CA_BUNDLE)),
    Column(CredentialValue, "sealed", _value, lambda row_id: value_open(CredentialValue.objects.get(id=row_id))),
    *(
        Column(
            ProfileVersion,
            name,
            _version,
            lambda row_id: profile_state(ProfileVersion.objects.get(id=row_id).profile_id),
        )
        for name in ("sealed", "wrapped_key")
    ),
    Column(Picture, "sealed_image", _picture, _picture_open),
    Column(ReplayPart, "sealed", _replay, _replay_open),
    Column(Interaction, "sealed_values", _interaction, lambda row_id: values_open(Interaction.objects.get(id=row_id))),
]
NAMES = [f"{column.model._meta.label}.{column.name}" for column in COLUMNS]
# Shown to everybody who opens a login page.
PUBLIC = {f"{SiteIcon._meta.label}.image", f"{Branding._meta.label}.logo"}


def test_r03_no_sealed_column_is_left_out():
    found = {
        f"{model._meta.label}.{field.name}"
        for app in ("vault", "flows", "webhooks")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField)
    }
    assert found - PUBLIC == set(NAMES)


@pytest.fixture(params=COLUMNS, ids=NAMES)
def column(request: Any) -> Column:
    SEALED_BEFORE.clear()
    found: Column = request.param
    return found


@pytest.fixture
def rows(column: Column) -> list[str]:
    """Two rows of one tenant (of two where a tenant has only one), one of another."""
    mine, other = make_principal("mine"), make_principal("other")
    for principal in (mine, other):
        key = DataKey.objects.get(organization_id=principal.organization_id)
        where = {"organization_id": principal.organization_id, "table": "t", "record_id": "r", "field": "f"}
        SEALED_BEFORE[key.id] = seal(plaintext=b"canary", **where)
    made = [column.make(mine, 1), column.make(other, 1)]
    return made if column.model is DataKey else [*made, column.make(mine, 2)]


def _read(column: Column, row_id: str) -> bytes:
    return bytes(column.model._default_manager.values_list(column.name, flat=True).get(pk=row_id))


def _write(column: Column, row_id: str, content: bytes) -> None:
    column.model._default_manager.filter(pk=row_id).update(**{column.name: content})


def _refused(column: Column, row_id: str, content: bytes) -> str:
    _write(column, row_id, content)
    with pytest.raises(TamperedError) as caught:
        column.open(row_id)
    assert "canary" not in str(caught.value)
    return str(caught.value)


def test_r01_changed_cut_or_lengthened_bytes_are_one_error(column: Column, rows: list[str]):
    good = _read(column, rows[0])
    chance = random.Random(20260301)
    messages = set()
    for _ in range(60):
        position = chance.randrange(len(good))
        messages.add(
            _refused(
                column,
                rows[0],
                good[:position] + bytes([good[position] ^ 1 << chance.randrange(8)]) + good[position + 1 :],
            )
        )
    for length in [0, 1, 2, *(chance.randrange(len(good)) for _ in range(10)), len(good) - 1]:
        messages.add(_refused(column, rows[0], good[:length]))
    messages.add(_refused(column, rows[0], good + b"\0"))
    assert len(messages) == 1
    _write(column, rows[0], good)
    assert column.open(rows[0])


def test_r03_what_belongs_to_another_row_or_tenant_does_not_open(column: Column, rows: list[str]):
    good = [_read(column, row_id) for row_id in rows]
    for number, row_id in enumerate(rows):
        for other, content in enumerate(good):
            if other != number:
                _refused(column, row_id, content)
        _write(column, row_id, good[number])
        assert column.open(row_id)


def test_r04_under_another_key_of_the_same_name_nothing_opens(column: Column, rows: list[str], settings: Settings):
    settings.KEK = kek("test1", "z")
    _refused(column, rows[0], _read(column, rows[0]))


def test_r03_fields_of_one_row_are_not_exchangeable():
    version = ProfileVersion.objects.get(id=_version(make_principal(), 1))
    ProfileVersion.objects.update(sealed=version.wrapped_key, wrapped_key=version.sealed)
    with pytest.raises(TamperedError):
        profile_state(version.profile_id)
    made = _credential(make_principal("b"), 1)
    value = CredentialValue.objects.get(credential=made)
    CredentialValue.objects.update(sealed=made.sealed_totp)
    with pytest.raises(TamperedError):
        value_open(CredentialValue.objects.get(id=value.id))


def test_r33_an_old_version_does_not_open_as_the_newest():
    profile = profile_create(make_principal())
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    for state in (b"old", b"new"):
        profile_save(lease, state, now=NOW)
    old, new = ProfileVersion.objects.order_by("number")
    again = {"sealed": old.sealed, "wrapped_key": old.wrapped_key}
    ProfileVersion.objects.filter(id=new.id).update(**again)
    with pytest.raises(TamperedError):
        profile_state(profile.id)
    ProfileVersion.objects.filter(id=new.id).delete()
    ProfileVersion.objects.filter(id=old.id).update(number=2)
    with pytest.raises(TamperedError):
        profile_state(profile.id)


def test_r03_a_token_does_not_open_for_another_server():
    row_id = _provider(make_principal(), 1)
    CredentialProvider.objects.filter(id=row_id).update(kind="vault_kv", server_url="https://evil.example")
    with pytest.raises(TamperedError):
        provider_config(CredentialProvider.objects.get(id=row_id))


def test_r03_a_value_under_another_name_does_not_open():
    row_id = _value(make_principal(), 1)
    CredentialValue.objects.filter(id=row_id).update(name="username")
    with pytest.raises(TamperedError):
        value_open(CredentialValue.objects.get(id=row_id))
