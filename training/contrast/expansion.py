"""Expands frames into sentences; the same seed gives the same sentences."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from training.contrast.frames import SLOT, Frame, Frames, Function, Slot, Table, slot, sources
from training.contrast.surface import Surface

# The most surface variations of one filled-in frame.
MOST_SURFACES = 5
# Attempts for each wanted sentence, since some attempts give duplicates.
_PATIENCE = 3
# The table of identity groups; labels must not correlate with its rows, so they are used evenly.
GROUPS = "groups"

# A filler after this is capitalized: it begins a sentence, quoted or not.
_BEGINNING = re.compile(r'(?:^|[.!?…]\s|^["“„]|[:,.!?]\s["“„])$')
# No match of it is longer, so only the end of a text needs to be searched.
_BEFORE = 4
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """`frame` identifies the frame; `is_test` is the same for all its sentences. `groups`: the groups it mentions."""

    text: str
    labels: Mapping[str, float]
    language: str
    function: str
    frame: str
    is_test: bool
    groups: tuple[str, ...]


def expand(frames: Frames, seed: int) -> Iterator[Row]:
    """Frames that fit few groups go first, so that those that fit all groups can balance the counts."""
    maker = _Maker(frames)
    works = [(function, frame) for function in frames.functions.values() for frame in function.frames]
    for function, frame in sorted(works, key=lambda work: (_freedom(frames, work[1]), work[0].name, work[1].digest)):
        yield from maker.sentences(function, frame, random.Random(f"{seed}:{frame.digest}"))  # noqa: S311 - no secret


def _freedom(frames: Frames, frame: Frame) -> int:
    """The number of groups that fit the frame."""
    asked = [found for inner in SLOT.findall(frame.text) if (found := slot(inner))]
    counts = [len(table.places(each.kinds)) for each in asked if (table := frames.columns[each.column]).name == GROUPS]
    return min(counts, default=len(frames.tables[GROUPS].rows) if GROUPS in frames.tables else 0)


@dataclass(slots=True)
class _Maker:
    """Generates sentences; remembers which are in which part, and how often each group was used in which context."""

    frames: Frames
    surface: Surface = field(init=False)
    groups: Table | None = field(init=False)
    quotable: dict[tuple[str, bool], list[str]] = field(default_factory=dict)
    made: dict[str, bool] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    counts: dict[tuple[bool, bool], Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    places: dict[tuple[str, tuple[str, ...]], Sequence[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.surface = Surface(self.frames)
        self.groups = self.frames.tables.get(GROUPS)

    def sentences(self, function: Function, frame: Frame, rng: random.Random) -> Iterator[Row]:
        surfaces: Counter[str] = Counter()
        counts = self.counts[function.is_harmful, frame.is_test]
        name = f"{function.name}/{frame.digest[:12]}"
        has_no_slots = SLOT.search(frame.text) is None
        found = 0
        for _ in range(function.most * _PATIENCE):
            if found == function.most:
                return
            plain, groups = self._filled(function, frame, counts, rng)
            surfaces[plain] += 1
            if surfaces[plain] > MOST_SURFACES and has_no_slots:
                return  # all other attempts would give the same
            text = plain
            if function.surface != "plain":
                text = self.surface.varied(plain, rng, is_sober=function.surface == "sober")
            if surfaces[plain] > MOST_SURFACES or not self._is_new(text, frame.is_test):
                continue
            for place in groups:
                counts[place] += 1
            found += 1
            yield Row(
                text,
                function.labels,
                self.frames.language,
                function.name,
                name,
                frame.is_test,
                self._named(groups),
            )

    def _is_new(self, text: str, is_test: bool) -> bool:
        """Whether the sentence is new, and its variants in case and punctuation are not in the other part."""
        if text in self.texts:
            return False
        letters = _NO_LETTERS.sub("", text.casefold()) or text
        if self.made.setdefault(letters, is_test) != is_test:
            return False
        self.texts.add(text)
        return True

    def _named(self, places: list[int]) -> tuple[str, ...]:
        """The groups' names, from the second column; the first one is the kind."""
        if not places or self.groups is None:
            return ()
        return tuple(self.groups.rows[place][self.groups.columns[1]] for place in places)

    def _filled(
        self, function: Function, frame: Frame, counts: Counter[int], rng: random.Random
    ) -> tuple[str, list[int]]:
        pieces, end = _pieces(self._flat(frame.text, frame.is_test, rng))
        chosen: dict[tuple[str, str], int] = {}
        for _, asked in pieces:
            self._choose(asked, chosen, counts, rng)
        filled = ""
        for before, asked in pieces:
            filled += before
            filler = self._filler(asked, chosen)
            begins = function.surface != "plain" and _BEGINNING.search(filled[-_BEFORE:])
            filled += filler[:1].upper() + filler[1:] if begins else filler
        return filled + end, [place for (table, _), place in chosen.items() if table == GROUPS]

    def _flat(self, text: str, is_test: bool, rng: random.Random) -> str:
        """Replaces alternatives by one of them, and references to functions by one of their frames of the same part."""
        used: set[str] = set()
        while (opened := _first_open(text)) is not None:
            before, inner, behind = opened
            if named := sources(inner):
                key = inner, is_test
                if key not in self.quotable:
                    self.quotable[key] = self.frames.quotable(named, is_test=is_test)
                unused = [each for each in self.quotable[key] if each not in used] if used else self.quotable[key]
                chosen = rng.choice(unused or self.quotable[key])
                used.add(chosen)
            else:
                chosen = rng.choice(inner.split("|"))
            text = before + chosen + behind
        return text

    def _choose(
        self, asked: Slot, chosen: dict[tuple[str, str], int], counts: Counter[int], rng: random.Random
    ) -> None:
        table = self.frames.columns[asked.column]
        if (table.name, asked.number) in chosen:
            return
        fitting = self._places(table, asked.kinds)
        taken = {place for (name, _), place in chosen.items() if name == table.name}
        places = ([place for place in fitting if place not in taken] or fitting) if taken else fitting
        if table.name == GROUPS:
            used = [counts[place] for place in places]
            fewest = min(used)
            places = [place for place, times in zip(places, used, strict=True) if times == fewest]
        chosen[table.name, asked.number] = rng.choice(places)

    def _places(self, table: Table, kinds: tuple[str, ...]) -> Sequence[int]:
        key = table.name, kinds
        if key not in self.places:
            self.places[key] = table.places(kinds)
        return self.places[key]

    def _filler(self, asked: Slot, chosen: Mapping[tuple[str, str], int]) -> str:
        table = self.frames.columns[asked.column]
        return table.rows[chosen[table.name, asked.number]][asked.column]


# One frame is filled again and again before the next one.
@lru_cache(4096)
def _first_open(text: str) -> tuple[str, str, str] | None:
    """The first part in braces that is no slot, with what stands before and behind it."""
    opened = next((match for match in SLOT.finditer(text) if not slot(match[1])), None)
    return (text[: opened.start()], opened[1], text[opened.end() :]) if opened else None


@lru_cache(4096)
def _pieces(text: str) -> tuple[list[tuple[str, Slot]], str]:
    """The slots, each with the text before it, and the text behind the last one."""
    found: list[tuple[str, Slot]] = []
    end = 0
    for match in SLOT.finditer(text):
        asked = slot(match[1])
        assert asked is not None, "nothing else is left"  # noqa: S101 - for the type checker; it cannot happen
        found.append((text[end : match.start()], asked))
        end = match.end()
    return found, text[end:]
