"""Many at once, on threads with connections of their own: exactly one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection

from tests.vault.factories import NOW, SEED, make_principal, make_use
from vault.credentials import (
    TotpCode,
    credential_create,
    credential_save,
    credential_totp_reveal,
    credential_value_keys,
)
from vault.errors import Conflict, LeaseLost
from vault.models import Organization, ProfileVersion
from vault.profiles import profile_create, profile_get_or_create, profile_lease, profile_save, profile_state
from vault.sealing import data_key_primary
from vault.secret import Secret

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
THREADS = 6


def at_once(work: Callable[[int], T]) -> list[T]:
    barrier = Barrier(THREADS)

    def run(number: int) -> T:
        try:
            barrier.wait(timeout=10)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        return list(threads.map(run, range(THREADS)))


def test_r15_one_login_gets_the_code_of_a_step():
    principal = make_principal()
    made = credential_create(principal, name="c", domain="example.com", values={}, totp_secret=SEED)
    given = at_once(lambda _: credential_totp_reveal(credential_id=made.id, use=make_use(principal), now=NOW))
    assert sum(isinstance(result, TotpCode) for result in given) == 1


def test_r31_one_writer_gets_the_lease_and_only_its_state_is_kept():
    profile = profile_create(make_principal())
    leases = at_once(lambda number: profile_lease(profile.id, holder=f"h{number}", seconds=30, now=NOW))
    assert sum(lease is not None for lease in leases) == 1


def test_r31_of_many_incarnations_of_a_holder_only_the_last_can_save():
    profile = profile_create(make_principal())
    leases = at_once(lambda _: profile_lease(profile.id, holder="flow", seconds=30, now=NOW))
    fences = sorted(lease.fence for lease in leases if lease is not None)
    assert fences == list(range(1, THREADS + 1))

    def save(number: int) -> bool:
        lease = leases[number]
        assert lease is not None
        try:
            profile_save(lease, str(lease.fence).encode(), now=NOW)
        except LeaseLost:
            return False
        return True

    assert sum(at_once(save)) == 1
    assert profile_state(profile.id) == str(THREADS).encode()
    assert ProfileVersion.objects.count() == 1


def test_one_profile_of_a_name_is_made():
    principal = make_principal()
    assert len({profile.id for profile in at_once(lambda _: profile_get_or_create(principal, "work"))}) == 1


def test_one_credential_of_a_name_is_made():
    principal = make_principal()

    def create(_: int) -> bool:
        try:
            credential_create(principal, name="c", domain="example.com", values={"a": "b"})
        except Conflict:
            return False
        return True

    assert sum(at_once(create)) == 1


def test_logins_that_save_at_once_lose_nothing():
    principal = make_principal()
    credential_create(principal, name="saved", domain="example.com", values={})
    saved = at_once(
        lambda number: credential_save(
            organization_id=principal.organization_id,
            project_id=principal.project_id,
            domain="example.com",
            name="saved",
            values={f"v{number}": Secret("x"), "shared": Secret(str(number))},
        )
    )
    assert len({credential.id for credential in saved}) == 1
    assert set(credential_value_keys(saved[0])) == {f"v{number}" for number in range(THREADS)} | {"shared"}


def test_r02_one_data_key_is_made():
    organization = Organization.objects.create(name="new")
    assert len({key.id for key in at_once(lambda _: data_key_primary(organization.id))}) == 1
