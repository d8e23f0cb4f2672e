"""What a disguised text says: look-alikes, leetspeak, spaced, dotted, masked and stretched letters taken back.

A word is replaced only by one that the model knows, so that what is no disguise stays as it is. The time is linear in
the length of a text: each chunk between blanks is looked up in tables a bounded number of times.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise

from classifier.alike import alike_origins, is_foreign, read_alike
from classifier.disguised import BEFORE, BEHIND, EDGES, ENOUGH, NONE, Found, letter_by_letter, words_in
from classifier.lexicon import Lexicon
from classifier.normalise import origins, read
from classifier.strange import ALIAS, HARMFUL, ORDINARY, PART, STANDING, Strange
from classifier.words import Words

_CHUNK = re.compile(r"\S+")
# Three or more single characters, each between blanks.
_ONE = r"\S[-.,;:!?*_'\")]*(?!\S)"
_APART = re.compile(rf"(?<!\S){_ONE}(?: {{1,3}}{_ONE}){{2,}}")
_LONGEST_FRAGMENT = 12
# Bounds on what a hostile text can cost: so many words in disguise, so many letters apart, are what it says.
_MOST, _LONGEST_RUN = 400, 600
# Few and short, so that nobody fills the memory with them.
_REMEMBERED, _LONGEST_REMEMBERED = 4_096, 40
# A pair of regional letters is a flag.
_FLAG = 2
_FIRST_REGIONAL, _LAST_REGIONAL = "\U0001f1e6", "\U0001f1ff"
_AROUND = BEFORE + "!"
_SHORTEST_SPLIT, _SHORTEST_JOINED = 3, 4
# Which chunks around a fragment may be pieces of the same word: positions beside its own.
_JOINS = ((0, 1), (-1, 0), (-1, 1), (0, 2), (-2, 0))


@dataclass(frozen=True, slots=True)
class Unmasked:
    """`reading`: in the form that classifier.normalise.read gives.

    `origins`: for each of its code points the index in the text as sent; the first and the last of a word are those
    of its disguise.
    """

    reading: str
    origins: list[int]


class Unmasker:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, words: Words) -> None:
        self._lexicon = Lexicon(words)
        self._strange = Strange(_flags(self._lexicon), BEFORE, BEHIND)
        # Odd chunks come again and again ("it's.", "24/7"), and most are nothing.
        self._remembered = lru_cache(_REMEMBERED)(self._hides_a_word)

    def __call__(self, text: str) -> Unmasked | None:
        """None where nothing is disguised. Any str, lone surrogates too."""
        if text.isascii():
            odd = self._strange.in_ascii(text)
            if odd is not None and not odd:  # as of nearly every comment
                return None
            alike = read_alike(text)
        else:
            alike = read_alike(text)
            odd = self._strange(alike)
        found = self._in_plain_letters(alike, odd)
        if not text.isascii() and alike != read(text):
            found = self._with_look_alikes(text, alike, found)
        if sum(each.evidence for each in found) < ENOUGH:
            return None
        return _unmasked(text, found, alike_origins(text))

    def _in_plain_letters(self, reading: str, odd: Sequence[tuple[int, int]] | None) -> list[Found]:
        """`odd`: what is strange about the reading."""
        if odd is not None and not any(self._is_disguised(reading[start:end]) for start, end in odd):
            return []
        return self._everywhere(reading)

    def _is_disguised(self, chunk: str) -> bool:
        return self._remembered(chunk) if len(chunk) <= _LONGEST_REMEMBERED else self._hides_a_word(chunk)

    def _hides_a_word(self, chunk: str) -> bool:
        return any(each.evidence for each in words_in(chunk, self._lexicon))

    def _everywhere(self, reading: str) -> list[Found]:
        """What `_in_plain_letters` finds, the slow way."""
        strange = [each for each in set(reading.split()) if not self._lexicon.is_ordinary(each.strip(_AROUND))]
        spaced = list(_APART.finditer(reading))
        solved = {each: words_in(each, self._lexicon) for each in strange}
        fragments = {each for each in strange if not solved[each] and self._is_fragment(each)}
        places = [match.span() for match in _CHUNK.finditer(reading)]
        found = [each for run in spaced for each in self._spaced(run)]
        done = 0
        runs = iter([*(run.span() for run in spaced), (len(reading), len(reading))])
        run_start, run_end = next(runs)
        for at, (start, end) in enumerate(places):
            while start >= run_end:
                run_start, run_end = next(runs)
            chunk = reading[start:end]
            if start >= run_start or start < done or chunk not in solved:
                continue
            new = self._joined(reading, places, at) if chunk in fragments else _moved(solved[chunk], start)
            if new:
                done = new[-1].end
                found.extend(new)
            if len(found) > _MOST:
                break
        return _apart_from_each_other(found)

    def _with_look_alikes(self, text: str, alike: str, found: Sequence[Found]) -> list[Found]:
        """What was found in `alike`, but nothing that is a word of another script, and what only looks like a word."""
        chunks = {each for each in text.split() if not each.isascii()}
        if not found and not any(self._may_look_like_words(each) for each in chunks):
            return []
        where = alike_origins(text)
        is_latin = _is_latin(text, alike)

        def plain(start: int, end: int) -> str:
            return read(text[where[start] : where[end - 1] + 1])

        kept = [each for each in found if self._is_meant(each, plain(each.start, each.end), is_latin=is_latin)]
        solved: dict[tuple[str, str], list[Found]] = {}
        for match in _CHUNK.finditer(alike):
            start, end = match.span()
            key = (match[0], plain(start, end))
            if key[0] == key[1]:
                continue
            if key not in solved:
                solved[key] = self._alike(*key, is_latin=is_latin)
            kept.extend(_moved(solved[key], start))
            if len(kept) > _MOST:
                break
        return _apart_from_each_other(kept)

    def _may_look_like_words(self, chunk: str) -> bool:
        alike = read_alike(chunk)
        return alike != read(chunk) and any(words_in(each, self._lexicon, is_alike=True) for each in alike.split())

    def _is_meant(self, found: Found, plain: str, *, is_latin: bool) -> bool:
        """Not a word of another script, which some word looks like: unless it harms, and stands among Latin ones."""
        return not is_foreign(plain) or (is_latin and found.word in self._lexicon.harmful)

    def _alike(self, chunk: str, plain: str, *, is_latin: bool) -> list[Found]:
        """The words in a chunk some letters of which only look like ASCII letters, and are in truth as in `plain`."""
        words = words_in(chunk, self._lexicon, is_alike=True)
        words = [each for each in words if self._is_meant(each, plain, is_latin=is_latin)]
        if all(_FIRST_REGIONAL <= each <= _LAST_REGIONAL for each in plain):
            return [each if len(each.word) > _FLAG else replace(each, evidence=NONE) for each in words]
        return words

    def _is_fragment(self, chunk: str) -> bool:
        core = chunk.lstrip(BEFORE).rstrip(EDGES)
        return core.isalpha() and len(core) <= _LONGEST_FRAGMENT and core not in self._lexicon.standing

    def _joined(self, reading: str, places: Sequence[tuple[int, int]], at: int) -> list[Found]:
        """The word that a piece makes with its neighbours, nothing but one blank between them."""
        for before, behind in _JOINS:
            first, last = at + before, at + behind
            if first < 0 or last >= len(places):
                continue
            start, end = places[first][0], places[last][1]
            whole = reading[start:end].lstrip(BEFORE).rstrip(BEHIND)
            word = whole.replace(" ", "")
            if len(word) < _SHORTEST_SPLIT or len(whole) != len(word) + last - first or word not in self._lexicon.known:
                continue
            is_harmful = word in self._lexicon.harmful
            if is_harmful or self._lexicon.standing.isdisjoint(whole.split()):
                start = reading.index(whole, start)
                return [
                    Found(
                        start, start + len(whole), word, _split_evidence(word, is_telling=word in self._lexicon.telling)
                    )
                ]
        return []

    def _spaced(self, run: "re.Match[str]") -> list[Found]:
        """Words are parted by wider gaps than letters, or not at all."""
        places = [run.start() + match.start() for match in islice(_CHUNK.finditer(run[0]), _LONGEST_RUN)]
        gaps = [after - before for before, after in pairwise(places)]
        narrow = min(gaps)
        groups = [[places[0]]]
        for place, gap in zip(places[1:], gaps, strict=True):
            if gap > narrow:
                groups.append([])
            groups[-1].append(place)
        for attempt in (groups, [places])[: len(groups)]:
            found = [
                each
                for group in attempt
                for each in letter_by_letter([(at, run.string[at]) for at in group], self._lexicon)
            ]
            if any(each.word in self._lexicon.harmful for each in found):
                return found
        return []


@lru_cache(maxsize=1)
def unmasker(words: Words) -> Unmasker:
    """The one made last, for the same words: it takes longer to make than all else that a model is loaded from."""
    return Unmasker(words)


def _flags(lexicon: Lexicon) -> dict[str, int]:
    """What the quick look has to know of each word."""
    words = lexicon.known | lexicon.standing
    owned = {word.replace("'", "\u2019") for word in words if "'" in word}
    return {
        word: ORDINARY * lexicon.is_ordinary(word)
        | STANDING * (word in lexicon.standing)
        | PART * (len(word) >= _SHORTEST_JOINED and lexicon.is_whole(word))
        | HARMFUL * (word in lexicon.harmful)
        | ALIAS * (word in lexicon.aliases)
        for word in sorted(words | owned)
    }


def _split_evidence(word: str, *, is_telling: bool) -> float:
    return ENOUGH if is_telling and len(word) >= _SHORTEST_JOINED else NONE


def _moved(found: Sequence[Found], by: int) -> list[Found]:
    return [Found(each.start + by, each.end + by, each.word, each.evidence) for each in found]


def _apart_from_each_other(found: list[Found]) -> list[Found]:
    """In the order of the text; of two that share a place the longer one."""
    kept: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def _is_latin(text: str, alike: str) -> bool:
    """Whether the text around is written in plain Latin letters, and all others look like such."""
    return any("a" <= each <= "z" for each in read(text)) and all(
        each.isascii() or not each.isalpha() for each in alike
    )


def _unmasked(text: str, found: Sequence[Found], where: Sequence[int]) -> Unmasked:
    pieces: list[str] = []
    indices: list[int] = []

    def copy(start: int, end: int) -> None:
        pieces.append(read(text[start:end]))
        indices.extend(start + each for each in origins(text[start:end]))

    done = 0
    for each in found:
        start, last = where[each.start], where[each.end - 1]
        between = text[done:start]
        if done and not any(mark.isspace() or mark.isalnum() for mark in between):
            pieces.append(" ")
            indices.append(done - 1)
        else:
            copy(done, start)
        pieces.append(each.word)
        steps = max(len(each.word) - 1, 1)
        indices.extend(start + (last - start) * at // steps for at in range(len(each.word)))
        done = last + 1
    copy(done, len(text))
    return Unmasked("".join(pieces), indices)
