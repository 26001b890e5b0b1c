"""What a profile keeps of passkeys, without a browser."""

from dataclasses import replace
from functools import partial

import pytest

from flows.engine.contract import LoggedIn, ProfileState
from flows.engine.passkeys import EPOCH, MARGIN, MOST, STEPS, Keyring, Passkey, counter_start

NOW = EPOCH + 1000
KEY = "canary-private-key"
PASSKEY = Passkey(id="aWQ=", rp_id="example.com", private_key=KEY, sign_count=7, user_handle="YWRh")


def ring(*passkeys: Passkey, now: float = NOW) -> Keyring:
    made = Keyring(partial(float, now))
    made.bring(passkeys)
    return made


@pytest.mark.parametrize(
    ("saved", "now", "start"),
    [
        (0, NOW, 1000 * STEPS),
        (7, NOW, 1000 * STEPS),
        (1000 * STEPS - MARGIN, NOW, 1000 * STEPS),
        (1000 * STEPS, NOW, 1000 * STEPS + MARGIN),  # used more often than the clock steps, or the clock went back
        (7, EPOCH - 1, 7 + MARGIN),
        (MOST, NOW, MOST),
        (0, EPOCH + 10**12, MOST),
    ],
)
def test_a_counter_goes_on_from_the_clock_and_never_falls(saved: int, now: float, start: int):
    assert counter_start(saved, now=now) == start


def test_a_counter_fits_its_field_for_a_generation():
    thirty_years = 30 * 366 * 86_400
    assert counter_start(0, now=EPOCH + thirty_years) < MOST < 2**32


def test_a_second_later_every_use_of_the_browser_before_is_behind():
    """It was lost with all that it had counted, up to as many uses as the clock steps."""
    assert counter_start(7, now=NOW + 1) >= counter_start(7, now=NOW) + STEPS


def test_a_passkey_survives_the_way_to_the_profile_and_back():
    assert Passkey.from_json(PASSKEY.to_json()) == PASSKEY
    bare = replace(PASSKEY, user_handle="", resident=False)
    assert "userHandle" not in bare.to_json()
    assert Passkey.from_json(bare.to_json()) == bare


def test_r09_nothing_of_a_passkey_is_shown_but_where_it_belongs():
    assert repr(PASSKEY) == "Passkey(rp_id='example.com')"
    state = ProfileState(storage={}, passkeys=(PASSKEY,))
    shown = repr((PASSKEY, ring(PASSKEY), state, LoggedIn(state, "https://example.com/", None)))
    assert KEY not in shown
    assert "aWQ=" not in shown
    assert KEY not in str(PASSKEY)


def test_what_nobody_uses_stays_as_it_is():
    kept = ring(PASSKEY)
    assert kept.loaded(PASSKEY).sign_count == 1000 * STEPS
    assert kept.kept == (PASSKEY,)
    assert kept.uses == 0


def test_a_use_raises_the_counter_and_nothing_lowers_it():
    kept = ring(PASSKEY)
    kept.used(replace(PASSKEY, sign_count=4001))
    kept.used(replace(PASSKEY, sign_count=3999))
    kept.changed(replace(PASSKEY, user_name="new", sign_count=1))
    assert kept.kept == (replace(PASSKEY, user_name="new", sign_count=4001),)
    assert kept.uses == 2
    kept.bring([PASSKEY])
    assert kept.kept[0].sign_count == 4001


@pytest.mark.parametrize(
    ("changes", "both"),
    [
        ({"id": "bmV3"}, False),  # the same account
        ({"id": "bmV3", "user_handle": "Z3JhY2U="}, True),
        ({"id": "bmV3", "rp_id": "example.org"}, True),
        ({"id": "bmV3", "resident": False}, True),
        ({"sign_count": 9}, False),
    ],
)
def test_a_new_one_takes_the_place_of_that_accounts_older_one(changes: dict[str, object], both: bool):
    kept = ring(PASSKEY)
    new = replace(PASSKEY, **changes)  # type: ignore[arg-type] # fields of several types
    kept.made(new)
    assert kept.kept == ((PASSKEY, new) if both else (new,))
    kept.forget(new.id)
    kept.forget("unknown")
    assert kept.kept == ((PASSKEY,) if both else ())


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("example.com", True),
        ("login.example.com", True),
        ("notexample.com", False),
        ("com", False),
        ("example.com.evil.test", False),
    ],
)
def test_it_belongs_to_its_site_and_what_is_below(host: str, found: bool):
    assert bool(ring(PASSKEY).of(host)) is found
