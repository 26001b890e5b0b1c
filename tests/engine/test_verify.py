"""What counts as proof, without a browser."""

from dataclasses import replace
from typing import Any, cast

import pytest

from flows.engine.contract import ProfileState
from flows.engine.marks import Marks
from flows.engine.verify import Proven, Unproven, Visits, _prove

OPEN = Marks(
    "https://a.example/", 200, login_form=False, sign_out=False, login_links=False, unclear=False, score=0.1,
    landmarks=tuple("abcdefgh"),
)  # fmt: skip
OFFERS = replace(OPEN, login_links=True, score=0.0)


class Same:
    """Both kinds of visitors see the same everywhere."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    async def both(self, _: str) -> tuple[Marks, Marks]:
        return self._marks, self._marks

    async def left(self, _: object) -> ProfileState:
        return ProfileState({})


async def proof_of(marks: Marks) -> Proven | Unproven:
    visits = cast(Visits, Same(marks))
    return await _prove(visits, cast(Any, None), landed="https://a.example/", login_page="https://a.example/login")


async def test_a_state_that_is_offered_to_log_in_everywhere_is_not_signed_in() -> None:
    assert isinstance(await proof_of(OFFERS), Unproven)


async def test_where_nothing_tells_the_two_apart_the_word_of_the_login_stands() -> None:
    proven = await proof_of(OPEN)
    assert isinstance(proven, Proven)
    assert proven.check is None


@pytest.mark.parametrize(("landmarks", "shown"), [(2, Unproven), (20, Proven)])
async def test_a_site_that_shows_everybody_the_same_error_proves_nothing(landmarks: int, shown: type) -> None:
    error = replace(OPEN, landmarks=tuple(map(str, range(landmarks))))
    assert isinstance(await proof_of(error), shown)
