"""The drill of docs/backup.md: back up an installation in use, lose the machine, restore it on an empty one."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vault.factories import kek

ROOT = Path(__file__).resolve().parents[2]
KEYS = kek("k1", "a")

FILL = """
from django.utils import timezone
from vault.credentials import credential_create
from vault.principal import Principal
from vault.profiles import profile_create, profile_lease, profile_save
from vault.tenancy import organization_create

organization, project = organization_create("acme")
principal = Principal(organization.id, project.id, "key_1", "key")
seed = "JBSWY3DPEHPK3PXP"
credential_create(principal, name="c", domain="example.com", values={"password": "canary"}, totp_secret=seed)
profile = profile_create(principal, name="p")
lease = profile_lease(profile.id, holder="h", seconds=600, now=timezone.now())
profile_save(lease, b"canary-state", now=timezone.now())
"""
READ = """
from django.utils import timezone
from vault.credentials import credential_totp_show, credential_value_reveal
from vault.models import Credential, Profile
from vault.principal import Principal
from vault.profiles import profile_state
from vault.use import Use

credential, profile = Credential.objects.get(), Profile.objects.get()
tenant = (credential.organization_id, credential.project_id)
print(credential_value_reveal(credential_id=credential.id, name="password", use=Use(*tenant)).reveal())
print(profile_state(profile.id).decode())
shown = credential_totp_show(Principal(*tenant, "key_1", "key"), credential.id, now=timezone.now())
print(len(shown.code.reveal()))
"""


def manage(folder: Path, *arguments: str, keys: str = KEYS) -> subprocess.CompletedProcess[str]:
    """A command on the machine whose data directory is `folder`."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = inherited | {
        "AUTHSVC_DATA_DIR": str(folder),
        "AUTHSVC_SECRET_KEY": "only-for-tests-" + "x" * 40,
        "AUTHSVC_KEK": keys,
        "AUTHSVC_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def done(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """An empty machine on which a backup of another one was put in place."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    done(manage(old, "migrate", "--verbosity=0"))
    done(manage(old, "shell", "--verbosity=0", "-c", FILL))
    database = old / "authsvc.sqlite3"
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")  # somebody is writing while the backup is taken
    writer.execute("UPDATE vault_organization SET name = 'never committed'")
    with sqlite3.connect(database) as source:
        source.execute("VACUUM INTO ?", (str(new / "authsvc.sqlite3"),))
    source.close()
    writer.close()
    return new


def test_r08_a_backup_restored_on_an_empty_machine_is_whole(restored: Path):
    done(manage(restored, "migrate", "--verbosity=0"))
    assert "3 records, intact" in done(manage(restored, "verify_audit"))[0]
    assert done(manage(restored, "rotate_keys"))[1] == "  k1: 2 (primary)"
    assert done(manage(restored, "shell", "--verbosity=0", "-c", READ)) == ["canary", "canary-state", "6"]

    content = (restored / "authsvc.sqlite3").read_bytes()
    assert b"canary" not in content
    assert b"JBSWY3DPEHPK3PXP" not in content
    assert b"never committed" not in content


def test_r08_without_the_key_it_starts_and_nothing_opens(restored: Path):
    other = kek("k2", "b")
    assert done(manage(restored, "check", keys=other))
    assert "3 records, intact" in done(manage(restored, "verify_audit", keys=other))[0]
    rotated = manage(restored, "rotate_keys", keys=other)
    assert rotated.returncode != 0
    assert "not configured" in rotated.stderr
    read = manage(restored, "shell", "--verbosity=0", "-c", READ, keys=other)
    assert read.returncode != 0
    assert "TamperedError" in read.stderr
    assert "canary" not in read.stdout + read.stderr
