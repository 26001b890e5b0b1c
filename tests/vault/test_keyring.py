import base64
import stat
from pathlib import Path

import pytest
from django.core.checks import Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from tests.vault.factories import NOW, kek, make_principal
from vault.checks import keys_check
from vault.crypto import Place
from vault.errors import TamperedError
from vault.keyring import keyring, keys_parse
from vault.models import DataKey, ProfileVersion
from vault.profiles import profile_create, profile_lease, profile_save, profile_state
from vault.rotation import key_file_add, keys_in_use, keys_rewrap
from vault.sealing import open_sealed, seal

PLACE = Place(organization_id="org_1", table="t", record_id="r", field="f")
GOOD = base64.b64encode(b"k" * 32).decode()


def test_r05_without_a_key_nothing_starts(settings: Settings):
    settings.KEK, settings.KEK_FILE = "", ""
    with pytest.raises(ImproperlyConfigured, match="AUTHSVC_KEK"):
        keyring()
    assert [type(message) for message in keys_check()] == [Error]


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:", f":{GOOD}", "a:short", f"a b:{GOOD}", f"a:{GOOD},a:{GOOD}", f"a:{GOOD}!", "a:" + GOOD[:-4], "é:x"],
)
def test_r05_a_key_that_cannot_be_one_names_the_setting_and_not_the_key(text: str):
    with pytest.raises(ImproperlyConfigured, match="AUTHSVC_KEK") as caught:
        keys_parse(text, name="AUTHSVC_KEK")
    assert GOOD not in str(caught.value)
    assert "short" not in str(caught.value)


def test_r05_two_sources_at_once_are_refused(settings: Settings):
    settings.KEK, settings.KEK_FILE = kek("a", "a"), "/nowhere"
    with pytest.raises(ImproperlyConfigured, match="not both"):
        keyring()


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"not a key"])
def test_r05_a_key_file_without_a_key_is_refused(settings: Settings, tmp_path: Path, content: bytes | None):
    path = tmp_path / "kek"
    if content is not None:
        path.write_bytes(content)
    settings.KEK, settings.KEK_FILE = "", str(path)
    assert [message.id for message in keys_check()] == ["vault.E001"]


def test_r05_a_key_file_that_others_can_read_is_warned_about(settings: Settings, tmp_path: Path):
    path = tmp_path / "kek"
    key_file_add(path, key_id="a")
    settings.KEK, settings.KEK_FILE = "", str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys_check() == []
    path.chmod(0o644)
    assert [type(message) for message in keys_check()] == [Warning]


def test_keys_do_not_print(settings: Settings):
    settings.KEK = kek("a", "q")
    assert "qqqq" not in repr(keyring())


def test_r04_the_first_key_wraps_and_every_key_unwraps(settings: Settings):
    settings.KEK = kek("old", "o")
    wrapped = keyring().wrap(key=b"x" * 32, place=PLACE)
    settings.KEK = f"{kek('new', 'n')},{kek('old', 'o')}"
    assert keyring().primary_id == "new"
    assert keyring().unwrap(wrapped=wrapped, place=PLACE) == b"x" * 32
    assert b"new" in keyring().wrap(key=b"x" * 32, place=PLACE)[:5]


def test_r04_a_retired_key_or_another_of_the_same_name_opens_nothing(settings: Settings):
    settings.KEK = kek("old", "o")
    wrapped = keyring().wrap(key=b"x" * 32, place=PLACE)
    for now in (kek("new", "n"), kek("old", "x")):
        settings.KEK = now
        with pytest.raises(TamperedError):
            keyring().unwrap(wrapped=wrapped, place=PLACE)


def test_r04_a_key_file_that_changed_is_read_again(settings: Settings, tmp_path: Path):
    path = tmp_path / "kek"
    key_file_add(path, key_id="first")
    settings.KEK, settings.KEK_FILE = "", str(path)
    assert keyring().ids == ("first",)
    key_file_add(path, key_id="second")
    assert keyring().ids == ("second", "first")


@pytest.mark.django_db
def test_r04_rotation_rewraps_everything_and_can_be_stopped_anywhere(settings: Settings):
    settings.KEK = kek("old", "o")
    principals = [make_principal(name) for name in "abc"]
    sealed = [
        seal(organization_id=item.organization_id, table="t", record_id="r", field="f", plaintext=b"v")
        for item in principals
    ]
    profile = profile_create(principals[0], name="p")
    lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
    assert lease is not None
    profile_save(lease, b"state", now=NOW)
    assert keys_in_use() == {"old": 4}

    settings.KEK = f"{kek('new', 'n')},{kek('old', 'o')}"
    for _ in range(4):  # killed after each row, started again
        next(keys_rewrap(keyring()))
    assert list(keys_rewrap(keyring())) == []
    assert keys_in_use() == {"new": 4}

    settings.KEK = kek("new", "n")  # the old key is gone
    assert profile_state(profile.id) == b"state"
    for item, value in zip(principals, sealed, strict=True):
        assert (
            open_sealed(organization_id=item.organization_id, table="t", record_id="r", field="f", sealed=value) == b"v"
        )


@pytest.mark.django_db
def test_r04_the_command_says_what_can_be_removed(settings: Settings, tmp_path: Path, capsys):
    path = tmp_path / "kek"
    key_file_add(path, key_id="first")
    settings.KEK, settings.KEK_FILE = "", str(path)
    make_principal()
    call_command("rotate_keys", "--add")
    out = capsys.readouterr().out
    assert "first: 0 (can be removed)" in out
    assert "1 (primary)" in out
    assert keyring().primary_id != "first"


@pytest.mark.django_db
def test_r04_the_command_fails_clearly_when_a_key_is_missing(settings: Settings):
    settings.KEK = kek("old", "o")
    make_principal()
    settings.KEK = kek("new", "n")
    with pytest.raises(CommandError, match="not configured"):
        call_command("rotate_keys")
    assert DataKey.objects.get().kek_id == "old"
    assert not ProfileVersion.objects.exists()
