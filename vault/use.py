"""For what a secret is opened: goes on record before it is."""

from dataclasses import dataclass

from vault.audit import SYSTEM, audit_append
from vault.models import TenantModel


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses a secret, for which flow of which connection, and at which origin it will be typed.

    Only secrets of the tenant named here can be opened with it. Without `actor` the flow is the actor.
    """

    organization_id: str
    project_id: str
    actor: str = ""
    connection_id: str = ""
    flow_id: str = ""
    origin: str = ""

    def reaches(self, row: TenantModel) -> bool:
        """Whether the row belongs to the tenant named here."""
        return (self.organization_id, self.project_id) == (row.organization_id, row.project_id)

    def record(
        self,
        *,
        action: str,
        resource_type: str,
        resource_id: str,
        names: tuple[str, ...] = (),
        outcome: str = "ok",
    ) -> None:
        """Append this use to the audit log; `names` are the fields it opens."""
        details: dict[str, object] = {
            "connection_id": self.connection_id,
            "flow_id": self.flow_id,
            "origin": self.origin,
            "names": list(names),
        }
        audit_append(
            organization_id=self.organization_id,
            project_id=self.project_id,
            actor=self.actor or (f"flow:{self.flow_id}" if self.flow_id else SYSTEM),
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            outcome=outcome,
            details={name: value for name, value in details.items() if value},
        )
