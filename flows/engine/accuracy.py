"""How right predictions about labelled pages are: per kind of element, per page, and what was missed.

Labels and predictions are in the form `flows.engine.corpus` documents. An element counts as found when the predicted
kind is among those its label accepts; one that no label names counts as wrong only on pages where its kind is
labelled exhaustively. Labelled elements a browser does not render offline count neither way.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LOGIN_CONTEXTS = frozenset({"login", "otp"})
LOGIN_STEPS = frozenset({"full", "identifier_only", "password_only"})
COUNTED = ("login_id", "password", "new_password", "code", "submit", "sso")
_AS_LOGIN_ID = frozenset({"identifier", "email"})


@dataclass(slots=True)
class Count:
    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)


@dataclass(slots=True)
class Accuracy:
    """`misses` are `(page id, what)`; `kinds` counts pairs of labelled and predicted page kind."""

    elements: dict[str, Count] = field(default_factory=lambda: {kind: Count() for kind in COUNTED})
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    logins_right: int = 0
    logins: int = 0
    unpredicted: int = 0
    sso_extra: int = 0
    sso_misplaced: int = 0
    pages: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)

    @property
    def login_kind(self) -> Count:
        """The page kind "login" as a yes-or-no question."""
        return Count(
            right=self.kinds["login", "login"],
            wrong=sum(n for (gold, said), n in self.kinds.items() if said == "login" != gold),
            missed=sum(n for (gold, said), n in self.kinds.items() if gold == "login" != said),
        )

    @property
    def kind_exact(self) -> float | None:
        return _share(sum(n for (gold, said), n in self.kinds.items() if gold == said), self.kinds.total())

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            kind: {
                "precision": c.precision,
                "recall": c.recall,
                "f1": c.f1,
                "right": c.right,
                "wrong": c.wrong,
                "missed": c.missed,
            }
            for kind, c in self.elements.items()
        }
        by_page: dict[str, list[str]] = defaultdict(list)
        for page, what in self.misses:
            by_page[page].append(what)
        return {
            "pages": self.pages,
            "without_prediction": self.unpredicted,
            "elements": found,
            "login_pages": {
                "right": self.logins_right,
                "of": self.logins,
                "rate": _share(self.logins_right, self.logins),
            },
            "page_kind": {
                "login_f1": self.login_kind.f1,
                "login_precision": self.login_kind.precision,
                "login_recall": self.login_kind.recall,
                "exact": self.kind_exact,
            },
            "sso_unlabelled_per_page": _share(self.sso_extra, self.pages),
            "sso_on_a_field_or_submit": self.sso_misplaced,
            "misses": dict(by_page),
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _class(kind: str) -> str:
    return "login_id" if kind in _AS_LOGIN_ID else kind


def measure(
    pages: Iterable[Mapping[str, Any]], predictions: Mapping[str, Mapping[str, Any]], *, login_only: bool = False
) -> Accuracy:
    """Over all `pages`; with `login_only` elements of other than login and code forms are left out."""
    found = Accuracy()
    for labels in pages:
        found.pages += 1
        prediction = predictions.get(labels["id"])
        if prediction is None:
            found.unpredicted += 1
        elif labels["kind"] != "login_signup":
            found.kinds[labels["kind"], prediction["kind"]] += 1
            if labels["kind"] != prediction["kind"]:
                found.misses.append((labels["id"], f"page is {labels['kind']}, read as {prediction['kind']}"))
        _page(found, labels, prediction["elements"] if prediction else (), login_only=login_only)
    return found


def _page(
    found: Accuracy, labels: Mapping[str, Any], elements: Sequence[Mapping[str, str]], *, login_only: bool
) -> None:
    gold = {entry["css"]: entry for entry in labels["elements"]}
    ignored = {entry["css"]: set(entry["kinds"]) for entry in labels["ignore"]}
    said: dict[str, Mapping[str, str]] = {}
    for element in elements:
        if _class(element["kind"]) in found.elements:
            said.setdefault(element["css"], element)
    right = True
    for css, label in gold.items():
        right &= _labelled(found, labels["id"], label, said.get(css), login_only=login_only)
    for css, element in said.items():
        if not ignored.get(css, set()) & {"*", element["kind"], _class(element["kind"])}:
            right &= _said(found, labels, element, gold.get(css), login_only=login_only, ignored=css in ignored)
    if labels["kind"] == "login" and labels["step"] in LOGIN_STEPS:
        found.logins += 1
        found.logins_right += right


def _labelled(
    found: Accuracy,
    page: str,
    label: Mapping[str, Any],
    said: Mapping[str, str] | None,
    *,
    login_only: bool,
) -> bool:
    """Counts one labelled element. False if that spoils the page."""
    kind = label["kind"]
    if kind == "other" or not label.get("visible", True):
        return True
    if login_only and label["context"] not in LOGIN_CONTEXTS:
        return True
    count = found.elements[_class(kind)]
    if said is not None and _class(said["kind"]) in {_class(accepted) for accepted in label["accept"]}:
        count.right += 1
        return True
    count.missed += 1
    read_as = f", read as {said['kind']}" if said is not None else ""
    found.misses.append((page, f"{kind} missed{read_as}: {label.get('snippet', '')[:120]}"))
    silver = label["src"] not in ("corpus", "hand", "corpus-derived")
    return silver or label["context"] != "login" or kind not in ("identifier", "email", "password", "submit")


def _said(
    found: Accuracy,
    labels: Mapping[str, Any],
    said: Mapping[str, str],
    label: Mapping[str, Any] | None,
    *,
    login_only: bool,
    ignored: bool,
) -> bool:
    """Counts one predicted element. False if that spoils the page."""
    kind = _class(said["kind"])
    if kind == "sso":
        found.sso_extra += label is None and not ignored
        found.sso_misplaced += label is not None and label["kind"] != "sso" and "sso" not in label["accept"]
        return True
    context = said.get("context")
    if label is not None:
        if not label.get("visible", True) or kind in {_class(accepted) for accepted in label["accept"]}:
            return True
        if label["kind"] == "other" and label["raw"] in ("unknown", "OO", "OT") and kind == "code":
            return True
    elif not _exhaustive(kind, context, set(labels["scored_kinds"])):
        return True
    if login_only and context not in (*LOGIN_CONTEXTS, None):
        return True
    found.elements[kind].wrong += 1
    what = f"labelled {label['kind']}" if label else "not labelled"
    found.misses.append((labels["id"], f"{said['kind']} of a {context} form is {what}: {said['css'][-100:]}"))
    return context not in ("login", None)


def _exhaustive(kind: str, context: str | None, scored: set[str]) -> bool:
    if kind == "login_id":
        return scored >= _AS_LOGIN_ID or ("identifier" in scored and context == "login")
    return kind in scored
