"""Varies how a sentence is typed: case, punctuation, typos, openings, emoji. None of it depends on the content."""

import random
import re
from collections.abc import Callable
from itertools import product

from training.contrast.frames import SLOT, Frames

# This share of the sentences stays unchanged; the others may be changed in several ways.
_PLAIN = 0.3
_SHORTHAND = 0.1
_OPENING, _LOWER, _UPPER, _NO_END, _SLIP, _EMOJI, _TAG, _NO_APOSTROPHE = 0.14, 0.3, 0.04, 0.4, 0.12, 0.18, 0.06, 0.2
_ENDS = (".", ".", "!", "!!", "!!!", "...", " .", "..", "…")
# Sentences of _LONG characters or more are not capitalized; they and those below _SHORT get no opening and no tag.
_SHORT, _LONG = 20, 160
_SHORTEST_SLIP = 5
# The full stops of most scripts, and of Chinese and Japanese.
_STOPS = ".\u3002"

_WORD = re.compile(r"[^\W\d_]+")
# Chinese, Japanese and Korean are not typed letter by letter, and a run of them may be a whole clause.
_TYPED_BY_SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# In Turkish the capital of i has a dot, and that of the dotless i has none.
_TURKISH_LOWER, _TURKISH_UPPER = str.maketrans("I\u0130", "\u0131i"), str.maketrans("\u0131i", "I\u0130")

Step = tuple[float, Callable[[str, random.Random], str]]


class Surface:
    """The openings, tags and emoji of a language, and its words that begin with a small letter."""

    def __init__(self, frames: Frames) -> None:
        self._is_turkish = frames.language == "tr"
        texts = [SLOT.sub(" ", frame.text) for each in frames.functions.values() for frame in each.frames]
        self._small = {word for text in texts for word in _WORD.findall(text) if word.islower()}
        self._openings, self._tags, self._emoji = (
            [row[name] for row in frames.columns[name].rows] if name in frames.columns else []
            for name in ("opening", "tag", "surface_emoji")
        )
        table = frames.columns.get("longhand")
        self._shorthand = {row["longhand"]: row["shorthand"] for row in table.rows} if table else {}
        self._longhand = re.compile(rf"\b(?:{'|'.join(map(re.escape, self._shorthand))})\b") if table else None
        self._steps = {
            (is_sober, is_short, is_long): self._made_steps(is_sober=is_sober, is_short=is_short, is_long=is_long)
            for is_sober, is_short, is_long in product((False, True), repeat=3)
        }

    def varied(self, text: str, rng: random.Random, *, is_sober: bool = False) -> str:
        chance = rng.random
        if chance() < _PLAIN:
            return text
        for share, change in self._steps[is_sober, len(text) < _SHORT, len(text) >= _LONG]:
            if chance() < share:
                text = change(text, rng)
        return text

    def _made_steps(self, *, is_sober: bool, is_short: bool, is_long: bool) -> tuple[Step, ...]:
        """Changes, each with how often it is made."""
        may_decorate = not (is_sober or is_short or is_long)
        return (
            (_OPENING if may_decorate else 0, self._opened),
            (_SLIP, _slipped),
            (_SHORTHAND, self._shortened),
            (_NO_APOSTROPHE, _without_apostrophes),
            (_NO_END, _ended),
            (_TAG if may_decorate else 0, self._tagged),
            (_LOWER, self._lowered),
            (0 if is_long else _UPPER, self._raised),
            (0 if is_sober else _EMOJI, self._with_emoji),
        )

    def _opened(self, text: str, rng: random.Random) -> str:
        if not self._openings:
            return text
        opening = rng.choice(self._openings)
        first = _WORD.match(text)
        if opening[-1] not in ".:" and first and first[0].lower() in self._small:
            text = text[0].lower() + text[1:]
        return f"{opening} {text}"

    def _shortened(self, text: str, rng: random.Random) -> str:
        """Abbreviates about half of the words with a chat spelling."""
        if not self._longhand:
            return text
        return self._longhand.sub(lambda each: self._shorthand[each[0]] if rng.random() < 0.5 else each[0], text)  # noqa: PLR2004 - a coin is tossed

    def _tagged(self, text: str, rng: random.Random) -> str:
        return f"{text.rstrip(_STOPS)} {rng.choice(self._tags)}" if self._tags else text

    def _with_emoji(self, text: str, rng: random.Random) -> str:
        if not self._emoji:
            return text
        return f"{text} {rng.choice(self._emoji) * rng.choice((1, 1, 1, 2, 3))}"

    def _lowered(self, text: str, _rng: random.Random) -> str:
        return (text.translate(_TURKISH_LOWER) if self._is_turkish else text).lower()

    def _raised(self, text: str, _rng: random.Random) -> str:
        return (text.translate(_TURKISH_UPPER) if self._is_turkish else text).upper()


def _slipped(text: str, rng: random.Random) -> str:
    """A typo: one long word loses a letter, doubles one, or has two swapped."""
    words = [match for match in _WORD.finditer(text) if _can_slip(match[0])]
    if not words:
        return text
    found = rng.choice(words)
    at = found.start() + rng.randrange(1, len(found[0]) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _can_slip(word: str) -> bool:
    return len(word) >= _SHORTEST_SLIP and not _TYPED_BY_SYLLABLE.search(word)


def _without_apostrophes(text: str, _rng: random.Random) -> str:
    return re.sub(r"(?<=\w)['\u2019](?=\w)", "", text)


def _ended(text: str, rng: random.Random) -> str:
    """Removes or replaces the full stop. A question stays one."""
    if not text.endswith(tuple(_STOPS)):
        return text
    return text.rstrip(_STOPS) + ("" if rng.random() < 0.6 else rng.choice(_ENDS))  # noqa: PLR2004 - most end in nothing
