"""The steps that worked last time: which page, what was done there, in names and signatures only. Pure.

A page is known by a digest of its signature, a control by a digest of its label, a choice by its id: a plan holds no
text of a page and no value. The reader looks at every page all the same; a page that the plan does not know, or on
which its step is not to be found, is decided as if there were no plan.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

VERSION = 1
MOST_STEPS = 20


class Did(StrEnum):
    FILLED = "filled"
    PICKED = "picked"
    PRESSED = "pressed"


@dataclass(frozen=True, slots=True)
class Step:
    """`what` is the choice's id or the control's digest; `refs` are the names that were filled."""

    page: str
    did: Did
    what: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`start` is where the first form stood (empty where its address is good once only), `end` the page after the
    login. `doubted` are pages on the way that look like its end and are not."""

    steps: tuple[Step, ...]
    start: str = ""
    end: str = ""
    doubted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Plan | None":
        """None for nothing, and for a plan of another version."""
        if not data or data.get("version") != VERSION:
            return None
        steps = tuple(Step(step["page"], Did(step["did"]), step["what"], tuple(step["refs"])) for step in data["steps"])
        return cls(steps=steps, start=data["start"], end=data["end"], doubted=tuple(data.get("doubted", ())))

    def at(self, page: str) -> Step | None:
        """What was done on the page with this signature."""
        known = digest(page)
        return next((step for step in self.steps if step.page == known), None)

    def knows(self, page: str) -> bool:
        return self.at(page) is not None or self.ends_at(page)

    def ends_at(self, page: str) -> bool:
        return bool(self.end) and self.end == digest(page)

    @property
    def picks(self) -> bool:
        return any(step.did is Did.PICKED for step in self.steps)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def walked(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The way with one more step. Coming back to a page forgets the detour since it was left there."""
    for at, earlier in enumerate(steps):
        if earlier.page == step.page:
            return (*steps[:at], step)
    return (*steps, step)[:MOST_STEPS]
