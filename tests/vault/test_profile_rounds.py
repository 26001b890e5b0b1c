"""Two connections of one profile refreshed at once, a hundred times, each time one of the writers may die."""

import json
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from flows.engine.contract import ProfileState
from flows.runner.profiles import state_load, state_store
from tests.vault.factories import make_principal
from vault.errors import LeaseLost
from vault.models import Profile, ProfileVersion
from vault.profiles import profile_create, profile_lease, profile_release, profile_state

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 100
LEASE_SECONDS = 0.25  # so short that the one who waits for a dead writer need not wait long
SITES = ("a.example", "b.example")


def _nothing() -> None:
    pass


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _refresh(profile_id: str, site: str, session: str, *, stored: Callable[[], None] = _nothing) -> None:
    """What a re-authentication does with the profile: begin from it, get a new session, store it merged. `stored` is
    called between storing and letting go."""
    base = state_load(profile_id)
    cookies = [cookie for cookie in base["cookies"] if cookie["domain"] != site]
    cookies.append({"name": "sid", "domain": site, "path": "/", "value": session})
    captured = ProfileState(storage={"cookies": cookies, "origins": []})
    while True:
        lease = profile_lease(profile_id, holder=f"{site} {session}", seconds=LEASE_SECONDS, now=timezone.now())
        if lease is None:
            Event().wait(0.01)
            continue
        with suppress(LeaseLost):  # the other one took over meanwhile: merge with what it wrote
            state_store(lease, base=base, captured=captured, now=timezone.now())
            stored()
            profile_release(lease)
            return


def _writer(profile_id: str, site: str, session: str, *, dies_after: int | None) -> int:
    """A process that refreshes one site; where that is wanted it is killed after so many statements, or (0) as soon
    as it has stored."""
    left = dies_after or None
    stored = _die if dies_after == 0 else _nothing

    def count(execute: Any, *args: Any) -> Any:
        nonlocal left
        result = execute(*args)
        if left is not None:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    child = os.fork()
    if child == 0:
        status = 1
        try:
            with connection.execute_wrapper(count):
                _refresh(profile_id, site, session, stored=stored)
            status = 0
        finally:
            os._exit(status)
    return child


def _sessions(profile_id: str) -> dict[str, str]:
    state = json.loads(profile_state(profile_id) or b"{}")
    return {cookie["domain"]: cookie["value"] for cookie in state.get("cookies", [])}


def test_r31_r33_a_hundred_rounds_of_two_writers_lose_no_session():
    profile_id = profile_create(make_principal()).id
    for site in SITES:
        _refresh(profile_id, site, "0")
    chance = random.Random(11)
    killed = stored_by_killed = 0
    for number in range(1, ROUNDS + 1):
        before = _sessions(profile_id)
        victim = chance.choice([None, *SITES])
        dies_after = chance.choice([0, *range(1, 32)]) if number % 10 else 0
        connections.close_all()  # what is open belongs to this process
        writers = {
            site: _writer(profile_id, site, str(number), dies_after=dies_after if site == victim else None)
            for site in SITES
        }
        status = {site: os.waitpid(child, 0)[1] for site, child in writers.items()}
        after = _sessions(profile_id)
        for site in SITES:
            if os.WIFSIGNALED(status[site]):
                killed += 1
                stored_by_killed += after[site] == str(number)
                assert after[site] in (before[site], str(number))
            else:
                assert os.waitstatus_to_exitcode(status[site]) == 0
                assert after[site] == str(number)
    assert killed > ROUNDS // 4
    assert stored_by_killed > 0  # killed late: what it had committed stays
    profile = Profile.objects.get(id=profile_id)
    numbers = list(ProfileVersion.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(profile.latest_number - 4, profile.latest_number + 1))
