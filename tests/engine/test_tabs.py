"""When a page counts as standing still. Without a browser."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from flows.engine.reading.model import Field, FieldRole, PageKind, Reading
from flows.engine.tabs import LOAD_SECONDS, TICK, Sight
from flows.engine.tabs import stands as stands_with

PASSWORD = Field("0:1", ("0:1",), FieldRole.PASSWORD, "pw", "Password", "#pw")
FORM = Reading(PageKind.LOGIN, 1.0, "https://a.example/login", "Log in", fields=(PASSWORD,))
EMPTY = replace(FORM, kind=PageKind.OTHER, fields=())


def sight(reading: Reading, *, busy: bool = False, complete: bool = True, polls: bool = False) -> Any:
    watch = SimpleNamespace(busy=busy, complete=complete, quiet_seconds=0.0, only_polls=polls)
    return SimpleNamespace(tab=SimpleNamespace(watch=watch), reading=reading)


def stands(
    seen: Sight, *, quiet: float, same: float, loaded: float, served: bool, silent: float = LOAD_SECONDS
) -> bool:
    return stands_with(seen, quiet=quiet, same=same, loaded=loaded, silent=silent, served=served)


def test_a_form_that_was_served_is_used_at_once() -> None:
    assert stands(sight(FORM), quiet=0, same=0, loaded=0, served=True)


def test_a_form_that_scripts_build_is_looked_at_twice() -> None:
    assert not stands(sight(FORM), quiet=0, same=0, loaded=0, served=False)
    assert stands(sight(FORM), quiet=0, same=2 * TICK, loaded=0, served=False)


@pytest.mark.parametrize("served", [True, False])
def test_a_page_that_talks_to_its_server_is_waited_for_but_not_for_ever(served: bool) -> None:
    assert not stands(sight(FORM, busy=True), quiet=0, same=1, loaded=1, served=served)
    assert stands(sight(FORM, busy=True), quiet=0, same=LOAD_SECONDS, loaded=1, served=served)
    assert not stands(sight(FORM, complete=False), quiet=0, same=1, loaded=1, served=served)


def test_what_an_answer_changes_is_waited_for() -> None:
    assert not stands(sight(FORM), quiet=0, same=1, loaded=1, silent=TICK, served=False)
    assert not stands(sight(FORM), quiet=0, same=1, loaded=1, silent=-TICK, served=True)
    assert stands(sight(FORM), quiet=0, same=1, loaded=1, silent=2 * TICK, served=False)


def test_a_page_with_nothing_to_do_gets_a_moment_more() -> None:
    assert not stands(sight(EMPTY), quiet=0, same=2 * TICK, loaded=0, served=True)
    assert stands(sight(EMPTY), quiet=0, same=0.5, loaded=0, served=True)
    assert not stands(sight(replace(EMPTY, loading=True)), quiet=0, same=0.5, loaded=0, served=True)


def test_an_application_that_holds_a_line_to_its_server_is_not_waited_for() -> None:
    inside = replace(EMPTY, kind=PageKind.SIGNED_IN)
    assert stands(sight(inside, busy=True, polls=True), quiet=0, same=0.5, loaded=1, served=False)
    assert not stands(sight(inside, busy=True), quiet=0, same=0.5, loaded=1, served=False)
    assert not stands(sight(inside, busy=True, polls=True), quiet=0.5, same=0.5, loaded=1, served=False)
    assert not stands(sight(FORM, busy=True, polls=True), quiet=0, same=0.5, loaded=1, served=False)
