"""`/credentials`: each operation parses, calls one service and renders names, never values."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import SecretStr

from vault.api.paging import LIMIT_DEFAULT, page
from vault.api.principal import caller
from vault.api.schemas import REFUSED, CredentialCreate, CredentialOut, CredentialUpdate, Refusal, TotpCodeOut
from vault.credentials import (
    credential_create,
    credential_delete,
    credential_get,
    credential_list,
    credential_totp_preview,
    credential_totp_show,
    credential_update,
    credential_value_keys,
)
from vault.models import Credential
from vault.principal import Principal

router = Router(tags=["credentials"])
KIND = "credentials"


@router.post("", response={201: CredentialOut, REFUSED: Refusal}, exclude_none=True, summary="Create a credential")
def create(request: HttpRequest, body: CredentialCreate) -> Status[dict[str, Any]]:
    principal = caller(request)
    principal.require("credentials:write", kind=KIND)
    credential = credential_create(
        principal,
        name=body.name,
        domain=body.domain,
        values=_plain(body.values),
        sso_provider=body.sso_provider,
        totp_secret=_reveal(body.totp_secret),
        totp_algorithm=body.totp_algorithm,
        totp_digits=body.totp_digits,
        totp_period=body.totp_period,
    )
    return Status(201, _one(credential, fresh_seed=bool(_reveal(body.totp_secret))))


@router.get("", response={200: list[CredentialOut], REFUSED: Refusal}, exclude_none=True, summary="List credentials")
def list_credentials(
    request: HttpRequest,
    response: HttpResponse,
    domain: str | None = None,
    query: str | None = None,
    limit: int = LIMIT_DEFAULT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    principal = caller(request)
    principal.require("credentials:read", kind=KIND)
    rows = credential_list(principal, domain=domain, query=query)
    return page(request, response, rows, limit, offset, _summary)


@router.get(
    "/{path:id_or_name}/totp-code",
    response={200: TotpCodeOut, REFUSED: Refusal},
    summary="The current one-time code",
)
def totp_code(request: HttpRequest, response: HttpResponse, id_or_name: str) -> dict[str, Any]:
    principal = caller(request)
    credential = _find(principal, id_or_name, action="credentials:totp")
    shown = credential_totp_show(principal, credential.id, now=timezone.now())
    response["Cache-Control"] = "no-store"
    return {"code": shown.code.reveal(), "expires_at": shown.expires_at}


@router.get(
    "/{path:id_or_name}",
    response={200: CredentialOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Retrieve a credential",
)
def retrieve(request: HttpRequest, id_or_name: str) -> dict[str, Any]:
    return _one(_find(caller(request), id_or_name, action="credentials:read"))


@router.patch(
    "/{path:id_or_name}",
    response={200: CredentialOut, REFUSED: Refusal},
    exclude_none=True,
    summary="Update a credential",
)
def update(request: HttpRequest, id_or_name: str, body: CredentialUpdate) -> dict[str, Any]:
    principal = caller(request)
    credential = credential_update(
        principal,
        _find(principal, id_or_name, action="credentials:write").id,
        name=body.name,
        values=_plain(body.values or {}),
        remove_value_keys=body.remove_value_keys or (),
        sso_provider=(body.sso_provider or "") if "sso_provider" in body.model_fields_set else None,
        totp_secret=_reveal(body.totp_secret),
        totp_algorithm=body.totp_algorithm,
        totp_digits=body.totp_digits,
        totp_period=body.totp_period,
    )
    return _one(credential, fresh_seed=bool(_reveal(body.totp_secret)))


@router.delete("/{path:id_or_name}", response={204: None, REFUSED: Refusal}, summary="Delete a credential")
def delete(request: HttpRequest, id_or_name: str) -> Status[None]:
    principal = caller(request)
    credential_delete(principal, _find(principal, id_or_name, action="credentials:write").id)
    return Status(204, None)


def _find(principal: Principal, id_or_name: str, *, action: str) -> Credential:
    credential = credential_get(principal, id_or_name)
    principal.require(action, kind=KIND, record_id=credential.id)
    return credential


def _plain(values: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in values.items()}


def _reveal(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _summary(credential: Credential) -> dict[str, Any]:
    """As lists show it. The query has annotated `has_values`."""
    return _rendered(credential, has_values=credential.has_values)  # type: ignore[attr-defined]  # annotated


def _one(credential: Credential, *, fresh_seed: bool = False) -> dict[str, Any]:
    """As it is shown alone: with the values' names, and the current code when the seed was just stored."""
    value_keys = credential_value_keys(credential)
    rendered = _rendered(credential, has_values=bool(value_keys)) | {"value_keys": value_keys}
    if fresh_seed:
        shown = credential_totp_preview(credential, now=timezone.now())
        rendered |= {"totp_code": shown.code.reveal(), "totp_code_expires_at": shown.expires_at}
    return rendered


def _rendered(credential: Credential, *, has_values: bool) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "id": credential.id,
        "name": credential.name,
        "domain": credential.domain,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
        "has_values": has_values,
        "has_totp_secret": credential.has_totp_secret,
        "sso_provider": credential.sso_provider or None,
    }
    if credential.has_totp_secret:
        rendered["totp_algorithm"] = credential.totp_algorithm
        rendered["totp_digits"] = credential.totp_digits
        rendered["totp_period"] = credential.totp_period
    return rendered
