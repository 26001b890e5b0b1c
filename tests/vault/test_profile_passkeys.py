"""Passkeys in sealed profiles: what concurrent writers, rollbacks and sessions that know of none leave of them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from flows.engine.contract import ProfileState
from flows.engine.passkeys import Passkey
from flows.runner.profiles import lease_take, state_for_engine, state_load, state_store
from tests.vault.factories import make_principal
from vault.models import Profile, ProfileVersion
from vault.profiles import profile_create, profile_release, profile_rollback

pytestmark = pytest.mark.django_db
A = Passkey(id="YQ==", rp_id="a.example", private_key="canary-key-a", user_handle="YWRh", sign_count=1)
B = Passkey(id="Yg==", rp_id="b.example", private_key="canary-key-b", user_handle="YWRh", sign_count=1)


@pytest.fixture
def profile() -> Profile:
    return profile_create(make_principal(), name="work")


def save(profile: Profile, base: dict[str, Any], *passkeys: Passkey) -> int:
    lease = lease_take(profile.id, holder="test", now=timezone.now())
    assert lease is not None
    captured = ProfileState(storage={"cookies": [], "origins": []}, passkeys=passkeys)
    number = state_store(lease, base=base, captured=captured, now=timezone.now())
    profile_release(lease)
    return number


def kept(profile: Profile) -> tuple[Passkey, ...]:
    state = state_for_engine(state_load(profile.id))
    return state.passkeys if state is not None else ()


def test_r33_writers_of_two_sites_keep_each_others(profile: Profile):
    base = state_load(profile.id)
    save(profile, base, A)
    save(profile, base, B)
    both = state_load(profile.id)
    assert kept(profile) == (A, B)
    save(profile, both, replace(A, sign_count=9), B)
    save(profile, both, A, replace(B, sign_count=5))
    assert kept(profile) == (replace(A, sign_count=9), replace(B, sign_count=5))
    save(profile, both, B)  # A was withdrawn
    assert kept(profile) == (replace(B, sign_count=5),)


def test_r33_an_earlier_version_has_its_passkeys(profile: Profile):
    first = save(profile, state_load(profile.id), A)
    save(profile, state_load(profile.id))
    assert kept(profile) == ()
    profile_rollback(profile.id, number=first, actor="test", now=timezone.now())
    assert kept(profile) == (A,)


def test_r09_a_private_key_is_sealed_in_every_version(profile: Profile):
    save(profile, state_load(profile.id), A)
    stored = b"".join(
        bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
        for row in ProfileVersion.objects.filter(profile=profile).values()
        for value in row.values()
    )
    assert A.private_key.encode() not in stored
    assert A.private_key in json.dumps(state_load(profile.id))


def test_profiles_without_passkeys_look_as_before(profile: Profile):
    save(profile, state_load(profile.id))
    assert "passkeys" not in state_load(profile.id)
