"""`seal`: no process uses a key any more."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from vault.operator import operator_name
from vault.seal import vault_seal


class Command(BaseCommand):
    help = "Seal the vault: every process stops using keys at once, and what needs a secret answers 503 `sealed`."

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = vault_seal(by=operator_name(), now=timezone.now())
        self.stdout.write("sealed" if sealed else "was sealed already")
