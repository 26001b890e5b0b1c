"""Weighs features into classes: a linear score per class, and which features spoke for it."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "weights.json"
BIAS = ""

Weights = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The likeliest class, the probability of each, and the features that spoke loudest for the winner."""

    best: str
    chances: Mapping[str, float]
    reasons: tuple[str, ...]

    def chance(self, *names: str) -> float:
        return sum(self.chances.get(name, 0.0) for name in names)


@cache
def weights(model: str) -> Weights:
    """The weights of one model, `"field"` or `"form"`."""
    found: Weights = json.loads(FILE.read_text(encoding="utf-8"))[model]
    return found


def weigh(model: Weights, features: Iterable[str]) -> Verdict:
    present = [BIAS, *features]
    # fsum: the sum must not depend on the order of a set, or close calls would fall differently from run to run.
    totals = {name: math.fsum(table.get(feature, 0.0) for feature in present) for name, table in model.items()}
    top = max(totals.values())
    exps = {name: math.exp(max(total - top, -60.0)) for name, total in totals.items()}
    norm = sum(exps.values())
    chances = {name: value / norm for name, value in exps.items()}
    best = max(chances, key=lambda name: (chances[name], name))
    loud = sorted((model[best].get(feature, 0.0), feature) for feature in present if feature != BIAS)
    reasons = tuple(f"{feature} {value:+.1f}" for value, feature in reversed(loud[-4:]) if value > 0.2)
    return Verdict(best, chances, reasons)
