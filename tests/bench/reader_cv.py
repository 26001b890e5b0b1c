"""How right the page reader is: cross-validated by site beside plain, the sites kept unread, and its speed.

`--write` stores the weights learnt from all sites but the unread ones. The corpus is looked for beside the repository;
`--corpus DIR` names another folder that holds `labels.json` and the pages it names.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from playwright.async_api import async_playwright

from flows.engine import accuracy, chromium, corpus
from flows.engine.observe import observe
from flows.engine.reading import analysis, read, scores
from flows.engine.snapshot import Snapshot
from tests.bench.reader_train import fold_of, load, priors, train_both

FOLDS = 5
FOLDER = Path(__file__).parents[3] / "shared" / "corpus"
ABOUT = "Written by `python -m tests.bench.reader_cv --write`; it starts from tests/bench/reader_priors.json."
PARTS: tuple[tuple[str, frozenset[str], bool], ...] = (
    ("formasaurus, login", frozenset({"formasaurus"}), True),
    ("ddg, login", frozenset({"ddg"}), True),
    ("all, login", frozenset(), True),
    ("all", frozenset(), False),
)

Pages = list[dict[str, Any]]
Snapshots = Mapping[str, Snapshot]
Predictions = dict[str, Mapping[str, Any]]


async def snapshots_take(pages: Pages, folder: Path) -> tuple[dict[str, Snapshot], list[float]]:
    """The snapshots, and the milliseconds of observing and reading thirty warm pages of the middle size."""
    async with async_playwright() as driver:
        path = chromium.headless_shell_path() or chromium.chromium_path()
        browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        files = [(page["id"], folder / page["file"]) for page in pages]
        found = {name: snapshot async for name, snapshot in corpus.snapshots(files, browser)}
        middle = sorted(pages, key=lambda page: int(page["bytes"]))[len(pages) // 2 - 15 : len(pages) // 2 + 15]
        times = await _looks(browser, [folder / page["file"] for page in middle])
        await browser.close()
    return found, times


async def _looks(browser: Any, files: Sequence[Path]) -> list[float]:
    page = await browser.new_page(java_script_enabled=False)
    await page.route("http*://**", lambda route: route.abort())
    times = []
    for file in files:
        await page.goto(file.absolute().as_uri(), wait_until="domcontentloaded")
        for warm in (True, False):
            started = time.perf_counter()
            seen = await observe(page)
            read(seen.snapshot)
            if not warm:
                times.append((time.perf_counter() - started) * 1000)
            await seen.dispose()
    return times


@contextmanager
def using(model: Mapping[str, scores.Weights]) -> Iterator[None]:
    """Reads with `model` instead of the stored weights."""
    with patch.object(analysis, "weights", lambda name: model[name]):
        yield


def predict(pages: Pages, seen: Snapshots) -> Predictions:
    return {page["id"]: corpus.prediction(seen[page["id"]]) for page in pages}


def cross_validated(pages: Pages, seen: Snapshots) -> Predictions:
    """Every page predicted by weights that have seen no page of its site."""
    labelled = load((page, seen[page["id"]]) for page in pages)
    found: Predictions = {}
    for fold in range(FOLDS):
        learnt = train_both([p for p in labelled if fold_of(p.site, FOLDS) != fold], start=priors())
        with using(learnt):
            found |= predict([page for page in pages if fold_of(page["site"], FOLDS) == fold], seen)
    return found


def learn(pages: Pages, seen: Snapshots) -> dict[str, scores.Weights]:
    return train_both(load((page, seen[page["id"]]) for page in pages), start=priors())


def store(learnt: Mapping[str, scores.Weights]) -> None:
    data = json.dumps({"about": ABOUT, **learnt}, indent=1, sort_keys=True, ensure_ascii=False)
    scores.FILE.write_text(data + "\n", encoding="utf-8")


def figures(pages: Pages, predictions: Predictions) -> dict[str, dict[str, Any]]:
    found = {}
    for name, corpora, login_only in PARTS:
        part = [page for page in pages if not corpora or page["corpus"] in corpora]
        found[name] = accuracy.measure(part, predictions, login_only=login_only).as_dict()
    return found


def speed(seen: Snapshots, looks: Sequence[float]) -> dict[str, float]:
    """Milliseconds. `read` is the pure part alone, without anything remembered from an earlier reading of the page."""
    times = []
    for snapshot in seen.values():
        started = time.perf_counter()
        read(snapshot)
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return {
        "observe_and_read_median": round(statistics.median(looks), 1) if looks else 0.0,
        "read_median": round(statistics.median(times), 1),
        "read_p90": round(times[len(times) * 9 // 10], 1),
        "read_max": round(times[-1], 1),
    }


def lines(title: str, found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"\n{title}"
    heads = ("page", 7), ("login id P/R", 16), ("password P/R", 16), ("submit P/R", 16), ("code P/R (n)", 20)
    yield (
        "  "
        + " " * 20
        + "".join(f"{head:>{width}}" for head, width in (*heads, ("sso R, +/page", 16), ("kind F1/exact", 16)))
    )
    for name, part in found.items():
        e = part["elements"]
        pairs = [f"{_n(e[k]['precision'])}/{_n(e[k]['recall'])}" for k in ("login_id", "password", "submit")]
        code = f"{_n(e['code']['precision'])}/{_n(e['code']['recall'])} ({e['code']['right']}+{e['code']['missed']})"
        sso = f"{_n(e['sso']['recall'])}, {part['sso_unlabelled_per_page']:.2f}"
        kind = f"{_n(part['page_kind']['login_f1'])}/{_n(part['page_kind']['exact'])}"
        page = _n(part["login_pages"]["rate"])
        yield f"  {name:<20}{page:>7}{pairs[0]:>16}{pairs[1]:>16}{pairs[2]:>16}{code:>20}{sso:>16}{kind:>16}"


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=FOLDER)
    parser.add_argument("--write", action="store_true", help="store the weights learnt from all but the unread sites")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    labels = options.corpus / "labels.json"
    if not labels.is_file():
        raise SystemExit(f"{labels} is not there: nothing to measure on")
    pages: Pages = json.loads(labels.read_text(encoding="utf-8"))["pages"]
    seen, looks = asyncio.run(snapshots_take(pages, options.corpus))
    known = [page for page in pages if not corpus.is_held_out(page["site"])]
    unread = [page for page in pages if corpus.is_held_out(page["site"])]
    if options.write:
        store(learn(known, seen))
        scores.weights.cache_clear()
    result = {
        "cross-validated by site": figures(known, cross_validated(known, seen)),
        "plain (stored weights, the same sites)": figures(known, predict(known, seen)),
        f"unread sites ({len(unread)} pages)": figures(unread, predict(unread, seen)),
    }
    timed = speed(seen, looks)
    if options.json:
        for part in (figure for table in result.values() for figure in table.values()):
            del part["misses"]
        sys.stdout.write(json.dumps({"figures": result, "ms": timed}, indent=1) + "\n")
        return
    for title, found in result.items():
        print("\n".join(lines(title, found)))
    print("\nmilliseconds: " + ", ".join(f"{name} {value}" for name, value in timed.items()))


if __name__ == "__main__":
    main()
