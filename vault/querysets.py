"""The vocabulary of queries: every one about tenants' rows starts here."""

from typing import Self, TypeVar

from django.db import models

from vault.principal import Principal

M = TypeVar("M", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M]):
    """Rows that have an `organization` and a `project`."""

    def in_project(self, *, organization_id: str, project_id: str) -> Self:
        return self.filter(organization_id=organization_id, project_id=project_id)

    def for_principal(self, principal: Principal) -> Self:
        """What this caller may see: one project of its organization, nothing else."""
        return self.in_project(organization_id=principal.organization_id, project_id=principal.project_id)


class TenantManager(models.Manager[M]):
    """Written out, since the type checker loses track of managers made from query sets."""

    def get_queryset(self) -> TenantQuerySet[M]:
        return TenantQuerySet(self.model, using=self._db)

    def in_project(self, *, organization_id: str, project_id: str) -> TenantQuerySet[M]:
        return self.get_queryset().in_project(organization_id=organization_id, project_id=project_id)

    def for_principal(self, principal: Principal) -> TenantQuerySet[M]:
        return self.get_queryset().for_principal(principal)
