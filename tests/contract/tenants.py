"""Tenants that call with the unmodified SDK, strictly parsed; requests go through this very process."""

from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from kernel import Kernel
from kernel._models import BaseModel
from kernel.pagination import SyncOffsetPagination, SyncPageTokenPagination

from authsvc.keys.services import key_create
from tests.vault.transport import django_transport
from vault.principal import Principal
from vault.tenancy import organization_create, project_create

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with its default project, a key, and the SDK that uses it."""

    principal: Principal
    token: str
    sdk: Kernel

    def sdk_with(self, *, policy: dict[str, Any] | None = None, project: bool = False, **options: Any) -> Kernel:
        """The SDK with another key of this organization; with `project` one bound to its default project."""
        _, token = key_create(
            organization_id=self.principal.organization_id,
            project_id=self.principal.project_id if project else None,
            name="another",
            policy=policy,
        )
        return sdk_make(token.reveal(), **options)

    def project_more(self, name: str) -> str:
        return project_create(organization_id=self.principal.organization_id, name=name).id


def tenant_make(name: str) -> Tenant:
    organization, project = organization_create(name)
    key, token = key_create(organization_id=organization.id, name="the first")
    principal = Principal(organization_id=organization.id, project_id=project.id, key_id=key.id, key_name=key.name)
    return Tenant(principal=principal, token=token.reveal(), sdk=sdk_make(token.reveal()))


def sdk_make(token: str, **options: Any) -> Kernel:
    return Kernel(
        api_key=token,
        base_url="http://testserver",
        http_client=httpx.Client(transport=django_transport()),
        _strict_response_validation=True,
        **({"max_retries": 0} | options),
    )


def items(model: type[M], page: SyncOffsetPagination[Any] | SyncPageTokenPagination[Any]) -> list[M]:
    """A page's items, each parsed again with its model: the SDK does not look at the items of a list."""
    return [model.model_validate(item.model_dump(mode="json", exclude_unset=True)) for item in page.items]
