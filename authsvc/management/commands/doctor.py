"""`manage.py doctor`: what this installation needs, and whether it is there."""

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis, RedisError

from authsvc.checks import secret_key_present
from authsvc.system import NEEDS, install_command, needs_missing
from authsvc.up.folder import Folder
from authsvc.up.plan import redis_binary
from authsvc.workers import broker_address, workers_answering
from flows.engine.chromium import chromium_path, headless_shell_path
from vault.keyring import keyring


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis. Without `must` a failure only makes the service worse, not useless."""

    name: str
    good: bool
    text: str
    must: bool = True

    @property
    def mark(self) -> str:
        return "ok  " if self.good else ("FAIL" if self.must else "warn")


class Command(BaseCommand):
    help = "Say what this installation needs and whether it is there. Exits with 1 when something must be repaired."
    requires_system_checks: list[str] = []  # what they would refuse is what this command explains

    def handle(self, **_: Any) -> None:
        findings = [finding for diagnose in DIAGNOSES for finding in diagnose()]
        for finding in findings:
            self.stdout.write(f"{finding.mark}  {finding.name:<18} {finding.text}")
        if any(not finding.good and finding.must for finding in findings):
            sys.exit(1)


def _python() -> list[Finding]:
    return [Finding("python", sys.version_info >= (3, 11), platform.python_version())]


def _browser() -> list[Finding]:
    chromium = chromium_path(settings.CHROMIUM_PATH)
    shell = headless_shell_path(settings.HEADLESS_SHELL_PATH)
    missing = needs_missing()
    packages = {need.package for need in missing}
    findings = [
        Finding("chromium", chromium is not None, chromium or "not found"),
        Finding("headless shell", shell is not None, shell or "not found: logins without stealth are slower", False),
    ]
    findings += [Finding(need.package, need.package not in packages, need.purpose, False) for need in NEEDS[2:]]
    if missing:
        findings.append(Finding("to install", False, install_command(missing), False))
    return [*findings, _sandbox()]


def _sandbox() -> Finding:
    if not settings.BROWSER_SANDBOX:
        return Finding("sandbox", False, "OFF: do not use this for anything real", must=False)
    if os.geteuid() == 0:
        text = "on, but Chromium refuses it to root: use another user, or AUTHSVC_BROWSER_SANDBOX=False for a try"
        return Finding("sandbox", False, text, must=False)
    return Finding("sandbox", True, "on")


def _database() -> list[Finding]:
    name = f"{connection.vendor} {settings.DATABASES['default'].get('HOST') or settings.DATABASES['default']['NAME']}"
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, OSError) as error:
        return [Finding("database", False, f"{name}: {type(error).__name__}")]
    text = f"{len(waiting)} migrations are waiting: manage.py migrate" if waiting else "up to date"
    return [Finding("database", True, name), Finding("migrations", not waiting, text)]


def _keys() -> list[Finding]:
    present = secret_key_present()
    secret = "set" if present else "AUTHSVC_SECRET_KEY is missing or short"
    try:
        ring = keyring()
    except ImproperlyConfigured as error:
        kek = Finding("encryption key", False, str(error))
    else:
        kek = Finding("encryption key", True, f"{len(ring.ids)} in the ring, primary {ring.primary_id}")
    return [Finding("secret key", present, secret), kek]


def redis_address() -> str:
    """The configured Redis, else the one that `up` runs in its data directory."""
    socket = Folder(settings.DATA_DIR).redis_socket
    return settings.REDIS_URL or (f"unix://{socket}" if socket.exists() else "")


def _redis() -> list[Finding]:
    address = redis_address()
    if not address:
        binary = redis_binary()
        text = f"not configured; `up` would use {binary}" if binary else "none: `up` would run in one process"
        return [Finding("redis", False, text, must=False)]
    client = Redis.from_url(address)
    try:
        return [Finding("redis", bool(client.ping()), address.rpartition("@")[2])]
    except (RedisError, OSError) as error:
        return [Finding("redis", False, f"{address.rpartition('@')[2]}: {type(error).__name__}")]
    finally:
        client.close()


def _workers() -> list[Finding]:
    address = redis_address()
    if not address:
        return []
    names = workers_answering(broker_address(address))
    return [Finding("workers", bool(names), ", ".join(names) or "none answers")]


DIAGNOSES: tuple[Callable[[], list[Finding]], ...] = (_python, _browser, _database, _keys, _redis, _workers)
