"""Brings the catalogues in flows/locale up to date with the texts in the code: `uv run python .ci/messages.py`.

New texts appear untranslated, lost ones go, and every `.po` is compiled to the `.mo` beside it, which is committed so
that a clean clone needs no tools. With `--check` nothing is written; what is missing is named and ends in an error.
"""

import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from babel.messages import Catalog  # noqa: E402 - the paths above come first
from babel.messages.extract import extract_python  # noqa: E402
from babel.messages.mofile import write_mo  # noqa: E402
from babel.messages.pofile import read_po, write_po  # noqa: E402
from django.conf import settings  # noqa: E402
from django.utils.translation.template import templatize  # noqa: E402

LOCALE = ROOT / "flows" / "locale"
SOURCES = ("templates/4*.html", "templates/500.html", "templates/hosted/**/*.html", "flows/views/*.py")
UNDATED = datetime(2026, 1, 1, tzinfo=UTC)  # a date of now would change every file at every run
KEYWORDS = ("gettext", "gettext_lazy", "gettext_noop", "_")


def texts() -> dict[str, set[str]]:
    """Every text that is to be translated, with the files it stands in."""
    found: dict[str, set[str]] = {}
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            source = path.read_text("utf-8")
            code = templatize(source) if path.suffix == ".html" else source
            for _, _, text, _ in extract_python(io.BytesIO(code.encode()), KEYWORDS, [], {}):
                if isinstance(text, str):
                    found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    return found


def folders() -> dict[str, Path]:
    """Locale name -> its folder, for every language but English."""
    names = {code: code for code, _ in settings.LANGUAGES if code != "en"} | {"pt-br": "pt_BR", "zh-hans": "zh_Hans"}
    return {name: LOCALE / name / "LC_MESSAGES" for name in names.values()}


def catalogue_read(folder: Path, locale: str) -> Catalog:
    path = folder / "django.po"
    if not path.exists():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def catalogue_new(old: Catalog, locale: str, found: dict[str, set[str]]) -> Catalog:
    """The texts of now, with the translations of before."""
    new = Catalog(
        locale=locale, project="authsvc", version="1", charset="utf-8", fuzzy=False, msgid_bugs_address="-",
        last_translator="-", language_team="-", header_comment=f"# The hosted page, {locale}",
    )  # fmt: skip
    new.revision_date = new.creation_date = UNDATED
    for text in sorted(found):
        message = old.get(text)
        flags = {"python-format"} if "%(" in text else set()
        new.add(
            text, message.string if message else "", flags=flags, locations=[(f, None) for f in sorted(found[text])]
        )
    return new


def compiled(catalogue: Catalog) -> bytes:
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def troubles(catalogue: Catalog, locale: str, found: dict[str, set[str]], folder: Path) -> list[str]:
    """Texts without a translation, translations without a text, placeholders that differ, a stale `.mo`."""
    named = {str(message.id): message for message in catalogue if message.id}
    said = [f"{locale}: not translated: {text}" for text in found if text not in named or not named[text].string]
    said += [f"{locale}: no longer used: {text}" for text in named if text not in found]
    said += [f"{locale}: {error}: {message.id}" for message, errors in catalogue.check() for error in errors]
    mo = folder / "django.mo"
    if not mo.exists() or mo.read_bytes() != compiled(catalogue):
        said.append(f"{locale}: django.mo is not what django.po says")
    return said


def main() -> None:
    found = texts()
    said: list[str] = []
    for locale, folder in folders().items():
        catalogue = catalogue_read(folder, locale)
        if "--check" in sys.argv:
            said += troubles(catalogue, locale, found, folder)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        catalogue = catalogue_new(catalogue, locale, found)
        with (folder / "django.po").open("wb") as file:
            write_po(file, catalogue, width=0, omit_header=False)
        with (folder / "django.po").open("rb") as file:
            (folder / "django.mo").write_bytes(compiled(read_po(file, locale=locale)))
        said += [
            f"{locale}: not translated: {message.id}" for message in catalogue if message.id and not message.string
        ]
    sys.stdout.write("".join(f"{line}\n" for line in said))
    sys.exit(bool(said) and "--check" in sys.argv)


if __name__ == "__main__":
    main()
