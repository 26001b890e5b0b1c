"""Which concepts a text speaks of, in any language of `keywords.toml`.

The file has one table per language and one list per concept. An entry is a phrase; a trailing `*` lets its last
word go on (`"parol*"`). In scripts written without spaces an entry is found anywhere in the text.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from flows.engine.reading.text import fold, is_unspaced, words

FILE = Path(__file__).parent / "keywords.toml"
LONGEST_TEXT = 400
LABEL = 60


@dataclass(slots=True)
class Lexicon:
    """Built once from the file's tables."""

    exact: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stems: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    # By its first two words, or by the first alone where the second may go on.
    phrases: dict[tuple[str, str], list[tuple[tuple[str, ...], bool, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    glued: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    glued_pattern: re.Pattern[str] | None = None
    shortest_stem: int = 99

    def add(self, concept: str, entry: str) -> None:
        folded = fold(entry.rstrip("*"))
        if is_unspaced(folded):
            self.glued[folded.replace(" ", "")].add(concept)
            return
        parts = words(folded)
        open_ended = entry.endswith("*")
        if not parts:
            return
        if len(parts) > 1:
            second = "" if open_ended and len(parts) == 2 else parts[1]
            self.phrases[parts[0], second].append((tuple(parts), open_ended, concept))
        elif open_ended:
            self.stems[parts[0]].add(concept)
            self.shortest_stem = min(self.shortest_stem, len(parts[0]))
        else:
            self.exact[parts[0]].add(concept)

    def finish(self) -> None:
        longest_first = sorted(self.glued, key=len, reverse=True)
        if longest_first:
            self.glued_pattern = re.compile("(?=(" + "|".join(map(re.escape, longest_first)) + "))")

    def _phrases_at(self, parts: list[str], at: int) -> Iterator[tuple[tuple[str, ...], str]]:
        """The phrases that start at this word, with their concepts."""
        if at + 1 >= len(parts):
            return
        for second in (parts[at + 1], ""):
            for phrase, open_ended, concept in self.phrases.get((parts[at], second), ()):
                if _follows(parts, at, phrase, open_ended=open_ended):
                    yield phrase, concept

    def find(self, folded: str) -> frozenset[str]:
        found: set[str] = set()
        parts = words(folded[:LONGEST_TEXT])
        for at, word in enumerate(parts):
            found |= self.exact.get(word, frozenset())
            for end in range(self.shortest_stem, len(word) + 1):
                if (concepts := self.stems.get(word[:end])) is not None:
                    found |= concepts
            found.update(concept for _, concept in self._phrases_at(parts, at))
        if self.glued_pattern and is_unspaced(folded):
            text = folded[:LONGEST_TEXT].replace(" ", "")
            for match in self.glued_pattern.finditer(text):
                key = match.group(1)
                found |= self.glued[key]
                for other, concepts in self.glued.items():
                    if other != key and key.startswith(other):
                        found |= concepts
        if "recovery" in found:
            found.add("code")
        if "person" in found and len(folded) <= LABEL and not found.isdisjoint({"user", "email"}):
            found.discard("person")  # the "name" of "user name", the "address" of "e-mail address"
        return frozenset(found)

    def strip(self, folded: str, concepts: frozenset[str]) -> tuple[str, ...]:
        """The words that are left without those that name any of the concepts."""
        for entry in sorted(self.glued, key=len, reverse=True):
            if entry in folded and not self.glued[entry].isdisjoint(concepts):
                folded = folded.replace(entry, " ")
        parts = words(folded[:LONGEST_TEXT])
        taken: set[int] = set()
        for at, word in enumerate(parts):
            named = set(self.exact.get(word, ()))
            for end in range(self.shortest_stem, len(word) + 1):
                named |= self.stems.get(word[:end], set())
            if named & concepts:
                taken.add(at)
            for phrase, concept in self._phrases_at(parts, at):
                if concept in concepts:
                    taken.update(range(at, at + len(phrase)))
        return tuple(word for at, word in enumerate(parts) if at not in taken)


def _follows(parts: list[str], at: int, phrase: tuple[str, ...], *, open_ended: bool) -> bool:
    here = parts[at : at + len(phrase)]
    if len(here) < len(phrase) or tuple(here[:-1]) != phrase[:-1]:
        return False
    return here[-1].startswith(phrase[-1]) if open_ended else here[-1] == phrase[-1]


def tables() -> dict[str, dict[str, list[str]]]:
    """The file as it is: language, concept, entries."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def lexicon() -> Lexicon:
    built = Lexicon()
    for concepts in tables().values():
        for concept, entries in concepts.items():
            for entry in entries:
                built.add(concept, entry)
    built.finish()
    return built


@lru_cache(maxsize=16384)
def concepts_of(text: str) -> frozenset[str]:
    """The concepts named in `text`."""
    return lexicon().find(fold(text)) if text else frozenset()


def control_concepts(text: str) -> frozenset[str]:
    """The concepts of what a button or a link says. To be sent a code is one thing, however it is put."""
    found = concepts_of(text)
    wants = "deliver" in found and "resend" not in found and not found.isdisjoint({"code", "code_word"})
    return found | {"send_code"} if wants else found


@lru_cache(maxsize=4096)
def leftover(text: str, concepts: frozenset[str]) -> tuple[str, ...]:
    """The words of `text` that name none of `concepts`: `("acme",)` of "Sign in with Acme"."""
    return lexicon().strip(fold(text), concepts)


def speaks_of(texts: Iterable[str], *concepts: str) -> bool:
    """Whether any of the texts names any of the concepts."""
    return any(not found.isdisjoint(concepts) for found in map(concepts_of, texts))
