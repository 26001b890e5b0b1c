"""`manage.py bootstrap`: the first organization, project, API key and administrator. Again, it changes nothing."""

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from authsvc.env import env_str
from authsvc.keys.bootstrap import bootstrap

ADMIN_NAME = "admin"


class Command(BaseCommand):
    help = "Make what a new installation needs. AUTHSVC_BOOTSTRAP_API_KEY, if set, becomes an API key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, migrate: bool, json: bool, **_: Any) -> None:
        if migrate:
            call_command("migrate", interactive=False, verbosity=0)
        made = bootstrap(api_key=env_str("AUTHSVC_BOOTSTRAP_API_KEY") or None)
        found = {
            "organization_id": made.organization.id,
            "project_id": made.project.id,
            "api_key": made.token.reveal() if made.token else None,
            "admin_password": _administrator_ensure(),
        }
        self.stdout.write(_render(found, as_json=json))


def _administrator_ensure() -> str | None:
    """The password of the administrator that this call made; nothing where there is one already."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    users.create_superuser(ADMIN_NAME, password=password)
    return password


def _render(found: dict[str, str | None], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(found)
    shown = {name: value for name, value in found.items() if value}
    return "\n".join(f"{name}: {value}" for name, value in shown.items())
