"""A host for tests: answers like a person with a notebook, keeps what was asked, releases values on demand."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.engine.contract import (
    Answer,
    AskedField,
    ErrorCode,
    Filled,
    FlowStopped,
    Pause,
    Picked,
    Progress,
)
from flows.engine.live import LiveView
from flows.engine.matching import entry_named


class TestSecret:
    """Reveals itself when asked and not otherwise."""

    __test__ = False

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass
class Person:
    """What somebody would type for a field, by ref, one value after the other; or which choice to pick, by a part
    of its label. `None` as an answer is silence until the interaction ends."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    picks: Sequence[str] = ()


class ScriptedHost:
    """Implements `Host`. `stored` are values by name; a callable gives a fresh one each time."""

    def __init__(
        self,
        stored: Mapping[str, str | Callable[[], str]] | None = None,
        person: Person | None = None,
        *,
        silence_ends: ErrorCode = ErrorCode.FLOW_EXPIRED,
    ) -> None:
        self.stored = dict(stored or {})
        self.person = person or Person()
        self.silence_ends = silence_ends
        self.pauses: list[Pause] = []
        self.progressed: list[Progress] = []
        self.revealed: list[tuple[str, str]] = []  # (name, origin)
        self.rejections: list[frozenset[str]] = []
        self.allowed: list[str] = []
        self.asked = asyncio.Event()
        self.live = LiveView()
        self.watched = False  # whether a person is there
        self._open: Pause | None = None
        self._typed = {ref: list(values) for ref, values in self.person.values.items()}
        self._picks = list(self.person.picks)
        self._given: dict[str, str] = {}
        self._earlier: dict[str, str] = {}

    async def attended(self) -> bool:
        return self.watched

    async def progress(self, progress: Progress) -> None:
        self.progressed.append(progress)
        self._open = None

    async def pause(self, pause: Pause) -> None:
        if pause != self._open:
            self.pauses.append(pause)
        self._open = pause
        self.asked.set()

    async def answer(self) -> Answer:
        pause = self._open
        if pause is None:
            raise RuntimeError("answer() without an open pause")
        if self._picks and (choice := self._choice(pause, self._picks[0])) is not None:
            self._picks.pop(0)
            return Picked(choice)
        given = {asked.id: value for asked in pause.fields if (value := self._next(asked)) is not None}
        if not given:
            return await self.silence()
        self._given = given
        self._earlier |= {asked.ref: given[asked.id] for asked in pause.fields if asked.id in given}
        return Filled(frozenset(given))

    async def silence(self) -> Answer:
        """Nobody answers: the interaction ends at once, unless the page is to go on by itself."""
        raise FlowStopped(self.silence_ends)

    def _choice(self, pause: Pause, part: str) -> str | None:
        return next((choice.id for choice in pause.choices if part.lower() in choice.label.lower()), None)

    def _next(self, asked: AskedField) -> str | None:
        waiting = self._typed.get(asked.ref, [])
        if not waiting:
            return None
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def reveal_stored(self, name: str, *, origin: str) -> TestSecret:
        self.revealed.append((name, origin))
        value = self.stored.get(name) or self._earlier[name]
        return TestSecret(value if isinstance(value, str) else value())

    async def match(self, names: frozenset[str], texts: Sequence[Sequence[str]], *, origin: str) -> int | None:
        known = [self.stored.get(name) or self._earlier.get(name) for name in sorted(names)]
        found = [entry_named(value, texts) for value in known if isinstance(value, str)]
        return next((at for at in found if at is not None), None)

    async def reveal_given(self, field_id: str, *, origin: str) -> TestSecret:
        self.revealed.append((field_id, origin))
        return TestSecret(self._given[field_id])

    async def rejected(self, names: frozenset[str]) -> None:
        self.rejections.append(names)

    async def allow_origin(self, origin: str) -> None:
        self.allowed.append(origin)


class WaitingHost(ScriptedHost):
    """Nobody answers, and the interaction stays open: the page has to go on by itself."""

    async def silence(self) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")
