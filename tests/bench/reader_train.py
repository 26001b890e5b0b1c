"""Learns the reader's weights from labelled pages: one linear model over forms, one over fields.

Plain Python on purpose: stochastic gradient steps (Adagrad) on the log-likelihood of the accepted classes, drawn
towards hand-set starting weights, so that a feature the corpus says little about keeps its common-sense weight.
"""

import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.reading.analysis import typed_features
from flows.engine.reading.features import form_features
from flows.engine.reading.page import PageView
from flows.engine.reading.scores import BIAS, Weights, weigh
from flows.engine.snapshot import Snapshot

PRIORS = Path(__file__).parent / "reader_priors.json"
FIELD_CLASSES = ("identifier", "email", "phone", "password", "new_password", "code", "other")
FORM_CLASSES = ("login", "signup", "reset", "otp", "search", "other")
ROUNDS = 15
PULL = 0.1  # how hard a weight is drawn back to where it started
STEP = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    features: tuple[str, ...]
    accepted: frozenset[str]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One page with its labels. `site` is what cross-validation splits by."""

    site: str
    page: PageView
    labels: Mapping[str, Any]


def load(entries: Iterable[tuple[Mapping[str, Any], Snapshot]]) -> list[Labelled]:
    return [Labelled(str(labels["site"]), PageView(snapshot), labels) for labels, snapshot in entries]


def form_samples(pages: Iterable[Labelled]) -> list[Sample]:
    """One sample per form that has labels; its context is that of most of its elements."""
    found: list[Sample] = []
    for labelled in pages:
        gold = {element["css"]: element for element in labelled.labels["elements"]}
        for group in labelled.page.groups:
            if not any(item.reachable for item in group.typed):
                continue
            votes = Counter(
                element["context"]
                for item in (*group.fields, *group.buttons)
                if (element := gold.get(item.selector)) is not None and element["src"] != "silver"
            )
            accepted = _form_classes(votes, labelled.labels, bool(group.typed))
            if accepted:
                found.append(Sample(tuple(sorted(form_features(group, labelled.page))), accepted))
    return found


def _form_classes(votes: Counter[str], labels: Mapping[str, Any], has_fields: bool) -> frozenset[str]:
    if votes:
        context = votes.most_common(1)[0][0]
        return frozenset({"search", "other"}) if context in ("other", "search") else frozenset({context})
    exhaustive = {"identifier", "password"} <= set(labels["scored_kinds"])
    return frozenset({"search", "other"}) if exhaustive and has_fields else frozenset()


def field_samples(pages: Iterable[Labelled], form_model: Callable[[str], Weights]) -> list[Sample]:
    """One sample per typed field; `form_model` gives the form weights to use for a site (not learnt from it)."""
    found: list[Sample] = []
    for labelled in pages:
        gold = {element["css"]: element for element in labelled.labels["elements"]}
        ignored = {entry["css"] for entry in labelled.labels["ignore"]}
        exhaustive = {"identifier", "email", "password", "code"} <= set(labelled.labels["scored_kinds"])
        model = form_model(labelled.site)
        for group in labelled.page.groups:
            verdict = weigh(model, form_features(group, labelled.page))
            for item in group.typed:
                element = gold.get(item.selector)
                if item.selector in ignored or not item.reachable or (element is None and not exhaustive):
                    continue
                accepted = _field_classes(element)
                if accepted:
                    features = typed_features(item, labelled.page, verdict)
                    found.append(Sample(tuple(sorted(features)), accepted))
    return found


def _field_classes(element: Mapping[str, Any] | None) -> frozenset[str]:
    if element is None:
        return frozenset({"other", "phone"})
    if element["kind"] == "other":
        return frozenset({"other", "phone"})
    return frozenset(element["accept"]) & set(FIELD_CLASSES)


def train(
    samples: Sequence[Sample], classes: Sequence[str], start: Weights, *, seed: int = 1, rounds: int = ROUNDS
) -> Weights:
    """The weights after `rounds` passes over the samples."""
    weights = {name: defaultdict(float, start.get(name, {})) for name in classes}
    origin = {name: start.get(name, {}) for name in classes}
    moved: dict[str, dict[str, float]] = {name: defaultdict(lambda: 1.0) for name in classes}
    shuffler = random.Random(seed)
    order = list(samples)
    for _ in range(rounds):
        shuffler.shuffle(order)
        for sample in order:
            present = (BIAS, *sample.features)
            totals = [sum(weights[name][feature] for feature in present) for name in classes]
            top = max(totals)
            exps = [math.exp(max(total - top, -60)) for total in totals]
            norm = sum(exps)
            good = sum(value for name, value in zip(classes, exps, strict=True) if name in sample.accepted) or 1e-12
            for name, value in zip(classes, exps, strict=True):
                slope = value / norm - (value / good if name in sample.accepted else 0.0)
                if abs(slope) < 0.01:
                    continue
                table, memory, base = weights[name], moved[name], origin[name]
                for feature in present:
                    gradient = slope * sample.weight + PULL * (table[feature] - base.get(feature, 0.0))
                    memory[feature] += gradient * gradient
                    table[feature] -= STEP * gradient / math.sqrt(memory[feature])
    return {
        name: {f: round(w, 2) for f, w in sorted(table.items()) if abs(w) >= 0.03} for name, table in weights.items()
    }


def priors() -> dict[str, Weights]:
    found: dict[str, Weights] = {
        name: table for name, table in json.loads(PRIORS.read_text()).items() if name != "about"
    }
    return found


def fold_of(site: str, folds: int) -> int:
    return sum(map(ord, site.lower())) % folds


def train_both(pages: Sequence[Labelled], *, start: Mapping[str, Weights], folds: int = 4) -> dict[str, Weights]:
    """Both models. The fields are learnt with the form contexts a model gives that has not seen their site."""
    inner: dict[int, Weights] = {
        number: train(form_samples(p for p in pages if fold_of(p.site, folds) != number), FORM_CLASSES, start["form"])
        for number in range(folds)
    }
    fields = train(field_samples(pages, lambda site: inner[fold_of(site, folds)]), FIELD_CLASSES, start["field"])
    return {"form": train(form_samples(pages), FORM_CLASSES, start["form"]), "field": fields}
