"""Sealing values for an organization under its data key, and opening them again."""

import hashlib
import hmac
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from vault import crypto
from vault.crypto import Envelope, Place
from vault.errors import TamperedError
from vault.ids import new_id
from vault.keys import keys_open
from vault.models import DataKey

DATA_KEY_TABLE = "vault_datakey"


def seal(*, organization_id: str, table: str, record_id: str, field: str, plaintext: bytes) -> bytes:
    """`plaintext`, encrypted so that it opens only in this organization, table, record and field."""
    many = seal_many(organization_id=organization_id, table=table, field=field, plaintexts={record_id: plaintext})
    return many[record_id]


def seal_many(*, organization_id: str, table: str, field: str, plaintexts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Each by its record's id, as `seal` does it; the data key is unwrapped once."""
    data_key = data_key_primary(organization_id)
    key, sealed = _unwrap(data_key), {}
    for record_id, plaintext in plaintexts.items():
        place = Place(organization_id=organization_id, table=table, record_id=record_id, field=field)
        associated = crypto.associated_data(key_id=data_key.id, place=place)
        body = crypto.encrypt(key=key, plaintext=plaintext, associated=associated)
        sealed[record_id] = Envelope(version=crypto.VERSION, key_id=data_key.id, body=body).to_bytes()
    return sealed


def open_sealed(*, organization_id: str, table: str, record_id: str, field: str, sealed: bytes) -> bytes:
    """What was sealed. Raises `TamperedError` for changed, moved or foreign bytes, the same for each."""
    many = open_many(organization_id=organization_id, table=table, field=field, sealed={record_id: sealed})
    return many[record_id]


def open_many(*, organization_id: str, table: str, field: str, sealed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Each by its record's id, as `open_sealed` does it; a data key is unwrapped once."""
    keys: dict[str, bytes] = {}
    opened = {}
    for record_id, content in sealed.items():
        envelope = crypto.envelope_parse(bytes(content))
        if envelope.key_id not in keys:
            data_key = DataKey.objects.filter(id=envelope.key_id, organization_id=organization_id).first()
            if data_key is None:
                raise TamperedError
            keys[envelope.key_id] = _unwrap(data_key)
        place = Place(organization_id=organization_id, table=table, record_id=record_id, field=field)
        associated = crypto.associated_data(key_id=envelope.key_id, place=place)
        opened[record_id] = crypto.decrypt(key=keys[envelope.key_id], body=envelope.body, associated=associated)
    return opened


def fingerprint(*, organization_id: str, purpose: str, text: str) -> str:
    """What tells equal texts of an organization from others, as hexadecimal digits; nobody without its data key can
    try texts against it. After a rotation of the data key the same text has another one."""
    key = hmac.digest(_unwrap(data_key_primary(organization_id)), b"fingerprint\0" + purpose.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def data_key_primary(organization_id: str) -> DataKey:
    """The key that seals new values of the organization; made when there is none yet."""
    found = DataKey.objects.filter(organization_id=organization_id, is_primary=True).first()
    return found or _data_key_create(organization_id)


def _data_key_create(organization_id: str) -> DataKey:
    source = keys_open()
    key_id = new_id("dk")
    wrapped = source.wrap(key=crypto.key_new(), place=data_key_place(organization_id, key_id))
    kek_id = crypto.envelope_parse(wrapped).key_id
    try:
        with transaction.atomic():
            return DataKey.objects.create(id=key_id, organization_id=organization_id, wrapped=wrapped, kek_id=kek_id)
    except IntegrityError:  # somebody else made the first one
        return DataKey.objects.get(organization_id=organization_id, is_primary=True)


def data_key_place(organization_id: str, key_id: str) -> Place:
    return Place(organization_id=organization_id, table=DATA_KEY_TABLE, record_id=key_id, field="wrapped")


def _unwrap(data_key: DataKey) -> bytes:
    place = data_key_place(data_key.organization_id, data_key.id)
    return keys_open().unwrap(wrapped=bytes(data_key.wrapped), place=place)
