"""`verify_audit`: is every organization's audit chain whole?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vault.audit import AuditBroken, audit_verify
from vault.models import Organization


class Command(BaseCommand):
    help = "Recompute the audit log's chain of hashes. Exits with an error when a record was changed or removed."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for organization in Organization.objects.order_by("created_at", "id"):
            result = audit_verify(organization.id)
            if isinstance(result, AuditBroken):
                broken += 1
                self.stdout.write(f"{organization.id}: BROKEN at record {result.seq}: {result.reason}")
            else:
                self.stdout.write(f"{organization.id}: {result.count} records, intact")
        if broken:
            raise CommandError(f"{broken} broken audit chain(s)")
