"""Rotation by a process that dies without warning: at any point everything still opens, and the next run goes on."""

import os
import random
import signal
from typing import Any

import pytest
from django.db import connection, connections
from pytest_django.fixtures import Settings

from tests.vault.factories import NOW, kek, make_principal
from vault.keyring import keyring
from vault.models import DataKey, ProfileVersion
from vault.principal import Principal
from vault.profiles import profile_create, profile_lease, profile_save, profile_state
from vault.rotation import keys_in_use, keys_rewrap
from vault.sealing import open_sealed, seal

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = 50
TENANTS = 45


def _where(principal: Principal) -> dict[str, Any]:
    return {"organization_id": principal.organization_id, "table": "t", "record_id": "r", "field": "f"}


def _rotate_and_die(points: int) -> None:
    """In a process of its own: SIGKILL before or after the statement number `points` of the rotation."""
    left = points

    def count(execute: Any, *args: Any) -> Any:
        nonlocal left
        for step in (lambda: None, lambda: execute(*args)):
            result = step()
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    connections.close_all()  # what is open belongs to the parent
    child = os.fork()
    if child == 0:
        try:
            with connection.execute_wrapper(count):
                for _ in keys_rewrap(keyring()):
                    pass
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the rotation ended before it was killed"
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_r04_rotation_killed_at_fifty_points_loses_nothing_and_ends(settings: Settings):
    settings.KEK = kek("old", "o")
    tenants = [make_principal(f"t{number}") for number in range(TENANTS)]
    sealed = [seal(plaintext=item.organization_id.encode(), **_where(item)) for item in tenants]
    profiles = []
    for item in tenants:
        profile = profile_create(item)
        lease = profile_lease(profile.id, holder="h", seconds=30, now=NOW)
        assert lease is not None
        profile_save(lease, profile.id.encode(), now=NOW)
        profiles.append(profile.id)

    def all_open() -> bool:
        values = [open_sealed(sealed=value, **_where(item)) for item, value in zip(tenants, sealed, strict=True)]
        states = [profile_state(profile_id) for profile_id in profiles]
        expected = [item.organization_id.encode() for item in tenants]
        return values == expected and states == [profile_id.encode() for profile_id in profiles]

    settings.KEK = f"{kek('new', 'n')},{kek('old', 'o')}"
    chance = random.Random(7)
    progress = []
    for number in range(KILLS):
        _rotate_and_die(chance.randrange(9))
        progress.append(keys_in_use()["new"])
        if number % 10 == 9:
            assert all_open()
    assert progress == sorted(progress)
    assert 0 < progress[-1] < 2 * TENANTS

    assert len(list(keys_rewrap(keyring()))) == 2 * TENANTS - progress[-1]
    assert keys_in_use() == {"new": DataKey.objects.count() + ProfileVersion.objects.count()}
    settings.KEK = kek("new", "n")  # the old key is gone
    assert all_open()
