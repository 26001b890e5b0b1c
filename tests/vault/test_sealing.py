from collections.abc import Callable
from typing import TypedDict

import pytest

from tests.vault.factories import make_principal
from vault.crypto import NONCE_BYTES, envelope_parse
from vault.errors import TamperedError
from vault.models import DataKey
from vault.sealing import open_sealed, seal

pytestmark = pytest.mark.django_db


class Where(TypedDict):
    organization_id: str
    table: str
    record_id: str
    field: str


@pytest.fixture
def where() -> Where:
    return Where(organization_id=make_principal().organization_id, table="t", record_id="r", field="f")


def test_what_is_sealed_opens(where: Where):
    assert open_sealed(**where, sealed=seal(**where, plaintext=b"canary")) == b"canary"
    assert open_sealed(**where, sealed=seal(**where, plaintext=b"")) == b""


def test_r01_the_same_twice_is_sealed_differently(where: Where):
    sealed = [seal(**where, plaintext=b"canary") for _ in range(50)]
    assert len(set(sealed)) == 50
    assert len({envelope_parse(value).body[:NONCE_BYTES] for value in sealed}) == 50
    assert not any(b"canary" in value for value in sealed)


def test_r01_any_flipped_bit_is_one_error(where: Where):
    sealed = seal(**where, plaintext=b"canary")
    messages = set()
    for position in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[position] ^= 1 << bit
            with pytest.raises(TamperedError) as caught:
                open_sealed(**where, sealed=bytes(changed))
            messages.add(str(caught.value))
    assert len(messages) == 1


def test_r01_truncated_or_longer_does_not_open(where: Where):
    sealed = seal(**where, plaintext=b"canary")
    for length in range(len(sealed)):
        with pytest.raises(TamperedError):
            open_sealed(**where, sealed=sealed[:length])
    with pytest.raises(TamperedError):
        open_sealed(**where, sealed=sealed + b"\0")


@pytest.mark.parametrize("part", ["table", "record_id", "field"])
def test_r03_a_value_opens_only_where_it_belongs(where: Where, part: str):
    sealed = seal(**where, plaintext=b"canary")
    with pytest.raises(TamperedError):
        open_sealed(**(where | {part: "other"}), sealed=sealed)  # type: ignore[arg-type]  # one part exchanged


def test_r03_parts_do_not_run_together(where: Where):
    sealed = seal(**(where | {"record_id": "ab", "field": "c"}), plaintext=b"canary")
    with pytest.raises(TamperedError):
        open_sealed(**(where | {"record_id": "a", "field": "bc"}), sealed=sealed)


def test_r03_another_tenant_cannot_open_it(where: Where):
    other = make_principal("other").organization_id
    sealed = seal(**where, plaintext=b"canary")
    with pytest.raises(TamperedError):
        open_sealed(**(where | {"organization_id": other}), sealed=sealed)


def test_r03_moving_the_data_key_too_does_not_help(where: Where):
    other = make_principal("other").organization_id
    sealed = seal(**where, plaintext=b"canary")
    DataKey.objects.filter(organization_id=other).delete()
    DataKey.objects.filter(organization_id=where["organization_id"]).update(organization_id=other)
    with pytest.raises(TamperedError):
        open_sealed(**(where | {"organization_id": other}), sealed=sealed)


def test_r02_each_organization_has_a_wrapped_key_of_its_own(where: Where):
    make_principal("other")
    keys = list(DataKey.objects.all())
    assert len({key.organization_id for key in keys}) == len(keys) == 2
    assert len({bytes(key.wrapped) for key in keys}) == 2
    assert envelope_parse(seal(**where, plaintext=b"x")).key_id in {key.id for key in keys}
    assert {key.kek_id for key in keys} == {"test1"}


@pytest.mark.parametrize("change", [lambda wrapped: wrapped[:-1] + b"\0", lambda wrapped: b""])
def test_r01_a_changed_data_key_does_not_open(where: Where, change: Callable[[bytes], bytes]):
    sealed = seal(**where, plaintext=b"canary")
    key = DataKey.objects.get()
    DataKey.objects.update(wrapped=change(bytes(key.wrapped)))
    with pytest.raises(TamperedError):
        open_sealed(**where, sealed=sealed)
