"""Who asks: an API key, its organization and project, and what its policy allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from vault.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Statement:
    """Allows `action` (`credentials:read`) on `resource` (`projects/{project}/{kind}/{id}`); `*` is a wildcard."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Without statements (`None`) everything inside the key's scope is allowed, else only what a statement names."""

    statements: tuple[Statement, ...] | None = None

    @classmethod
    def parse(cls, value: Mapping[str, Any] | None) -> "Policy":
        """From the stored form, `{"statements": [{"action", "resource"}]}` or nothing."""
        if value is None:
            return cls()
        return cls(tuple(Statement(item["action"], item["resource"]) for item in value["statements"]))

    def allows(self, *, action: str, resource: str) -> bool:
        if self.statements is None:
            return True
        return any(
            fnmatchcase(action, statement.action) and fnmatchcase(resource, statement.resource)
            for statement in self.statements
        )


ALLOW_ALL = Policy()


@dataclass(frozen=True, slots=True)
class Principal:
    """One authenticated caller. Everything it reads or writes lies in `project_id` of `organization_id`.

    `key_project_id` is the project the key is bound to, `None` for a key of the whole organization.
    """

    organization_id: str
    project_id: str
    key_id: str
    key_name: str
    policy: Policy = ALLOW_ALL
    key_project_id: str | None = None
    flow_id: str = ""  # of an embeddable component, which may follow and answer this one login and nothing else
    operator: str = ""  # who is at work in the admin site, without any key

    @property
    def actor(self) -> str:
        """How the audit log names this caller."""
        if self.operator:
            return f"admin:{self.operator}"
        return f"flow:{self.flow_id}" if self.flow_id else f"key:{self.key_id}"

    def require(self, action: str, *, kind: str, record_id: str = "*", project_id: str | None = None) -> None:
        """Raises `Forbidden` unless the policy allows `action` on that record of this project, or of `project_id`
        (`*`: of all of them)."""
        resource = f"projects/{project_id or self.project_id}/{kind}/{record_id}"
        if not self.policy.allows(action=action, resource=resource):
            raise Forbidden(f"This API key's policy does not allow {action}")
