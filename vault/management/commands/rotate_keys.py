"""`rotate_keys`: a new key-encryption key, and every data key wrapped under it."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from vault.errors import Sealed, TamperedError
from vault.keys import keys_open
from vault.rotation import key_file_add, keys_in_use, keys_rewrap


class Command(BaseCommand):
    help = (
        "Wrap every data key under the primary (first) key-encryption key. Safe while the service runs and after an "
        "interruption: run it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--add", action="store_true", help="first put a new random key at the head of AUTHSVC_KEK_FILE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["add"]:
            self._add()
        try:
            source = keys_open()
            done = sum(1 for _ in keys_rewrap(source))
            primary_id, ids = source.primary_id, source.ids
        except TamperedError:
            raise CommandError("A data key is wrapped by a key that is not configured, or was changed") from None
        except Sealed as error:
            raise CommandError(error.message) from None
        used = keys_in_use()
        self.stdout.write(f"{done} data keys wrapped under {primary_id}")
        for key_id in sorted({*used, *ids}):
            note = "primary" if key_id == primary_id else "in use" if used[key_id] else "can be removed"
            self.stdout.write(f"  {key_id}: {used[key_id]} ({note})")

    def _add(self) -> None:
        if not settings.KEK_FILE:
            raise CommandError("--add needs AUTHSVC_KEK_FILE; a key in AUTHSVC_KEK is added there by hand")
        key_file_add(Path(settings.KEK_FILE), key_id=f"k{timezone.now():%Y%m%d}-{secrets.token_hex(3)}")
