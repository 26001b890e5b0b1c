"""For what a secret is opened: goes on record before it is."""

from dataclasses import dataclass

from vault.audit import SYSTEM, Event


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses a secret, for which flow of which connection, and where it will be typed.

    `actor` is `flow:<id>`, `key:<id>` or `system`. Only the tenant named here can be the secret's.
    """

    organization_id: str
    project_id: str
    actor: str = SYSTEM
    connection_id: str = ""
    flow_id: str = ""
    origin: str = ""

    def event(
        self, *, action: str, resource_type: str, resource_id: str, names: tuple[str, ...] = ()
    ) -> Event:
        details: dict[str, object] = {
            name: value
            for name, value in (
                ("connection_id", self.connection_id),
                ("flow_id", self.flow_id),
                ("origin", self.origin),
                ("names", list(names)),
            )
            if value
        }
        return Event(
            organization_id=self.organization_id,
            project_id=self.project_id,
            actor=self.actor,
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            details=details,
        )
