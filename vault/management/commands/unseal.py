"""`unseal`: the keys may be used again."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vault.operator import operator_name
from vault.seal import vault_unseal


class Command(BaseCommand):
    help = "Unseal the vault: keys are read again where the settings say they are."
    requires_system_checks: list[str] = []  # a missing key is told here, in fewer words

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            unsealed = vault_unseal(by=operator_name(), now=timezone.now())
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        self.stdout.write("unsealed" if unsealed else "was not sealed")
