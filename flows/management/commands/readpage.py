"""`manage.py readpage`: what the page reader sees on a page, or how often it is right over labelled pages."""

import asyncio
import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as DriverError

from flows.engine import accuracy, chromium, corpus
from flows.engine.observe import PageGone, observe
from flows.engine.reading import read
from flows.engine.reading.model import Reading
from flows.engine.reading.report import as_dict, pretty

LOAD_SECONDS = 30.0
SETTLE_SECONDS = 6.0


class Command(BaseCommand):
    help = "Show what the page reader sees on a URL or a saved page, or measure it over labelled pages."
    requires_system_checks: list[str] = []  # it needs no database and no key

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("page", nargs="?", help="a URL, or the path of a saved page")
        parser.add_argument("--corpus", type=Path, help="folder the labels' file names are relative to")
        parser.add_argument("--labels", type=Path, help="labels of the corpus, JSON")
        parser.add_argument("--predictions", type=Path, help="write what was found on every page to this file")
        parser.add_argument("--misses", type=int, default=40, help="how many misses to list (default 40)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, **options: Any) -> None:
        if options["page"] and (options["corpus"] or options["labels"]):
            raise CommandError("Give either a page or --corpus with --labels.")
        if options["page"]:
            self._one(options["page"], as_json=options["json"])
        elif options["corpus"] and options["labels"]:
            self._many(**{name: options[name] for name in ("corpus", "labels", "predictions", "misses", "json")})
        else:
            raise CommandError("Give a URL, a file, or --corpus with --labels.")

    def _one(self, page: str, *, as_json: bool) -> None:
        reading = asyncio.run(_read(_address(page), live="://" in page))
        self.stdout.write(json.dumps(as_dict(reading), ensure_ascii=False, indent=1) if as_json else pretty(reading))

    def _many(self, *, corpus: Path, labels: Path, predictions: Path | None, misses: int, json: bool) -> None:
        pages = _labels(labels)
        missing = [page["file"] for page in pages if not (corpus / page["file"]).is_file()]
        if missing:
            raise CommandError(f"{len(missing)} pages of {labels} are not in {corpus}, the first is {missing[0]}.")
        found = asyncio.run(_predict(corpus, pages))
        if predictions is not None:
            _write(predictions, found)
        measured = accuracy.measure(pages, found)
        self.stdout.write(_dumps(measured) if json else table(measured, misses=misses))


def _dumps(measured: accuracy.Accuracy) -> str:
    return json.dumps(measured.as_dict(), ensure_ascii=False, indent=1)


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def _labels(path: Path) -> list[dict[str, Any]]:
    try:
        pages: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["pages"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is no file of labels: {error}") from error
    return pages


def _address(page: str) -> str:
    if "://" in page:
        return page
    file = Path(page)
    if not file.is_file():
        raise CommandError(f"{page} is neither a URL (with http:// or https://) nor a file.")
    return file.resolve().as_uri()


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    """The small headless browser, where there is one: nothing here needs to look like a person's."""
    path = chromium.headless_shell_path(settings.HEADLESS_SHELL_PATH) or chromium.chromium_path(settings.CHROMIUM_PATH)
    sandbox = settings.BROWSER_SANDBOX
    if sandbox and os.geteuid() == 0:
        sandbox = False
        sys.stderr.write("warning: running as root, where Chromium has no sandbox\n")
    async with async_playwright() as driver:
        try:
            browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=sandbox)
        except DriverError as error:
            raise CommandError(f"Chromium does not start: {error.message.splitlines()[0]}") from error
        try:
            yield browser
        finally:
            await browser.close()


async def _read(url: str, *, live: bool) -> Reading:
    async with _browser() as browser:
        context = await browser.new_context(
            java_script_enabled=live, offline=not live, viewport={"width": 1366, "height": 900}
        )
        page = await context.new_page()
        try:
            await page.goto(url, wait_until="domcontentloaded", timeout=LOAD_SECONDS * 1000)
            return await _settled(page)
        except (DriverError, PageGone) as error:
            raise CommandError(f"{url} could not be read: {str(error).splitlines()[0]}") from error


async def _settled(page: Any) -> Reading:
    """The reading once two looks in a row agree, or time is up."""
    last: tuple[str, int] | None = None
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while True:
        try:
            seen = await observe(page)
        except PageGone:  # between two documents, where a page sends its visitors on
            if page.is_closed() or asyncio.get_running_loop().time() > deadline:
                raise
            last = None
            await asyncio.sleep(0.1)
            continue
        reading = read(seen.snapshot)
        await seen.dispose()
        now = (str(reading.kind), len(reading.fields) + len(reading.choices))
        if (now == last and not reading.loading) or asyncio.get_running_loop().time() > deadline:
            return reading
        last = now
        await asyncio.sleep(0.4)


async def _predict(folder: Path, pages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    files = [(page["id"], folder / page["file"]) for page in pages]
    async with _browser() as browser:
        return {name: corpus.prediction(snapshot) async for name, snapshot in corpus.snapshots(files, browser)}


def table(measured: accuracy.Accuracy, *, misses: int) -> str:
    """The figures for a terminal."""
    lines = [
        f"{measured.pages} pages" + (f", {measured.unpredicted} without a prediction" if measured.unpredicted else "")
    ]
    lines.append(f"{'kind':<14}{'precision':>10}{'recall':>10}{'f1':>10}{'right':>8}{'wrong':>8}{'missed':>8}")
    for kind, count in [*measured.elements.items(), ("page: login", measured.login_kind)]:
        figures = "".join(f"{'-' if v is None else f'{v:.3f}':>10}" for v in (count.precision, count.recall, count.f1))
        lines.append(f"{kind:<14}{figures}{count.right:>8}{count.wrong:>8}{count.missed:>8}")
    lines.append(f"login pages wholly right: {measured.logins_right} of {measured.logins}")
    lines.append(f"page kind exactly right: {measured.kind_exact if measured.kind_exact is not None else '-'}")
    lines.append(
        f"identity providers: {measured.sso_extra} unlabelled, {measured.sso_misplaced} on a field or submit control"
    )
    if measured.misses and misses:
        lines.append(f"\nmisses ({min(misses, len(measured.misses))} of {len(measured.misses)}):")
        lines += [f"  {page}  {what}" for page, what in measured.misses[:misses]]
    return "\n".join(lines)
