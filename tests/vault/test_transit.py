"""Keys in a transit engine: wrapped there, rotated there, followed here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tests.vault.factories import kek, make_principal
from tests.vault.transit_engine import TOKEN, TransitEngine, transit_engine
from vault.crypto import Place, envelope_parse
from vault.errors import Sealed, TamperedError
from vault.keyring import keyring
from vault.models import DataKey
from vault.rotation import keys_in_use, keys_rewrap
from vault.sealing import open_sealed, seal
from vault.transit import transit_parse

PLACE = Place(organization_id="org_1", table="t", record_id="r", field="f")
ELSEWHERE = Place(organization_id="org_2", table="t", record_id="r", field="f")
KEY = b"x" * 32


@pytest.fixture
def engine(settings: Settings) -> Iterator[TransitEngine]:
    with transit_engine() as (engine, _):
        settings.KEK, settings.KEK_FILE = "", ""
        settings.KEK_TRANSIT, settings.KEK_TRANSIT_TOKEN = engine.url, TOKEN
        yield engine


def test_r02_a_key_is_wrapped_by_the_engine_and_comes_back(engine: TransitEngine):
    wrapped = keyring().wrap(key=KEY, place=PLACE)
    assert KEY not in wrapped
    assert envelope_parse(wrapped).key_id == keyring().primary_id == "transit:main:v1"
    assert keyring().unwrap(wrapped=wrapped, place=PLACE) == KEY


def test_r03_a_key_of_another_place_does_not_come_back(engine: TransitEngine):
    wrapped = keyring().wrap(key=KEY, place=PLACE)
    with pytest.raises(TamperedError):
        keyring().unwrap(wrapped=wrapped, place=ELSEWHERE)


def test_r01_a_changed_key_is_one_error(engine: TransitEngine):
    wrapped = keyring().wrap(key=KEY, place=PLACE)
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises(TamperedError):
            keyring().unwrap(wrapped=bytes(changed), place=PLACE)


@pytest.mark.parametrize("mode", ["sealed", "odd"])
def test_r06_an_engine_in_trouble_is_a_sealed_vault(engine: TransitEngine, mode: str):
    wrapped = keyring().wrap(key=KEY, place=PLACE)
    engine.mode = mode
    for use in (
        lambda: keyring().wrap(key=KEY, place=PLACE),
        lambda: keyring().primary_id,
    ):
        with pytest.raises(Sealed):
            use()
    with pytest.raises((Sealed, TamperedError)):
        keyring().unwrap(wrapped=wrapped, place=PLACE)


def test_r06_an_engine_that_does_not_answer_or_denies_is_a_sealed_vault(settings: Settings, engine: TransitEngine):
    settings.KEK_TRANSIT_TOKEN = "wrong"
    with pytest.raises(Sealed) as denied:
        keyring().wrap(key=KEY, place=PLACE)
    settings.KEK_TRANSIT = "http://127.0.0.1:1/transit/main"
    with pytest.raises(Sealed) as absent:
        keyring().wrap(key=KEY, place=PLACE)
    assert "wrong" not in str(denied.value) + str(absent.value)


@pytest.mark.django_db
def test_r04_from_local_keys_to_the_engine_and_through_its_rotation(settings: Settings, engine: TransitEngine):
    transit, settings.KEK_TRANSIT, settings.KEK = settings.KEK_TRANSIT, "", kek("old", "o")
    organization = make_principal().organization_id
    sealed = seal(organization_id=organization, table="t", record_id="r", field="f", plaintext=b"v")

    settings.KEK_TRANSIT = transit
    call_command("rotate_keys")
    assert keys_in_use() == {"transit:main:v1": 1}
    settings.KEK = ""  # the local key is gone

    engine.rotate()
    assert list(keys_rewrap(keyring())) == [DataKey.objects.get().id]
    assert keys_in_use() == {"transit:main:v2": 1}
    del engine.keys[1]
    opened = open_sealed(organization_id=organization, table="t", record_id="r", field="f", sealed=sealed)
    assert opened == b"v"


def test_the_token_is_read_from_its_file_each_time(settings: Settings, engine: TransitEngine, tmp_path: Path):
    path = tmp_path / "token"
    settings.KEK_TRANSIT_TOKEN, settings.KEK_TRANSIT_TOKEN_FILE = "", str(path)
    with pytest.raises(ImproperlyConfigured, match="TOKEN_FILE"):
        keyring()
    path.write_text(f"{TOKEN}\n")
    assert keyring().ids == ("transit:main:v1",)
    assert TOKEN not in repr(keyring())


@pytest.mark.parametrize("text", ["", "vault:8200/transit/main", "https://host/main", "https://h/t/a b", "ftp://h/t/k"])
def test_r05_an_address_that_cannot_be_one_is_refused(text: str):
    with pytest.raises(ImproperlyConfigured, match="AUTHSVC_KEK_TRANSIT"):
        transit_parse(text, token=TOKEN)
