"""The sealed values of a credential: checked, merged in, opened one at a time."""

from collections.abc import Collection, Mapping
from typing import Any

from vault.errors import Invalid
from vault.ids import new_id
from vault.models import Credential, CredentialValue
from vault.sealing import open_sealed, seal
from vault.text import name_clean
from vault.totp import TOTP_NAME

TABLE = "vault_credentialvalue"
VALUES_MOST = 64
VALUE_NAME_LENGTH = 128
VALUE_LENGTH = 16_384


def values_check(values: Mapping[str, str]) -> None:
    """Refuses with the value's name, never with the value."""
    for name, value in values.items():
        if name != name_clean(name, what="name of a value", length=VALUE_NAME_LENGTH):
            raise Invalid("The name of a value begins or ends with a space")
        if name == TOTP_NAME:
            raise Invalid("A one-time code cannot be stored: give totp_secret instead")
        if not 1 <= len(value) <= VALUE_LENGTH:
            raise Invalid(f"The value of {name!r} must have 1 to {VALUE_LENGTH} characters")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Invalid(f"The value of {name!r} is not valid text") from None


def values_storable(values: Mapping[str, str]) -> dict[str, str]:
    """Those of `values` that `values_check` lets through."""
    return {name: value for name, value in values.items() if _storable(name, value)}


def _storable(name: str, value: str) -> bool:
    try:
        values_check({name: value})
    except Invalid:
        return False
    return True


def values_remove(credential: Credential, names: Collection[str]) -> None:
    """Destroy the values of these names; names that are not there do not matter."""
    rows = CredentialValue.objects.filter(credential=credential).only("id", "name")
    CredentialValue.objects.filter(id__in=[row.id for row in rows if row.name in names]).delete()


def values_write(credential: Credential, values: Mapping[str, str]) -> None:
    """Merge. A value that stays the same keeps its rejected mark: a site that refused it would refuse it again."""
    rows = {row.name: row for row in CredentialValue.objects.filter(credential=credential)}
    if len(rows.keys() | values.keys()) > VALUES_MOST:
        raise Invalid(f"A credential holds at most {VALUES_MOST} values")
    for name, value in values.items():
        plaintext = value.encode()
        row = rows.get(name) or _value_new(credential, name=name)
        if row.sealed and value_open(row) == plaintext:
            continue
        row.sealed = seal(plaintext=plaintext, **_value_place(row))
        row.rejected = False
        row.save()


def _value_new(credential: Credential, *, name: str) -> CredentialValue:
    return CredentialValue(
        id=new_id("val"),
        organization_id=credential.organization_id,
        project_id=credential.project_id,
        credential=credential,
        name=name,
    )


def _value_place(row: CredentialValue) -> dict[str, Any]:
    """Bound to credential and name: the value of one field does not open as another's."""
    return {
        "organization_id": row.organization_id,
        "table": TABLE,
        "record_id": f"{row.credential_id}/{row.id}",
        "field": row.name,
    }


def value_open(row: CredentialValue) -> bytes:
    return open_sealed(sealed=bytes(row.sealed), **_value_place(row))
