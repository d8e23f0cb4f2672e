"""A loaded model, which turns texts into calibrated probabilities."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.deep.encoder import SHIPPED as ENCODERS
from classifier.deep.encoder import load_encoder
from classifier.deep.reader import DeepReader
from classifier.deep.stack import Stack
from classifier.errors import LanguageNotJudged, ModelRefused
from classifier.fast import FastReader, OwnBag, own_bags, own_name
from classifier.folder import read_folder
from classifier.kernel import LABELS, Weights
from classifier.manifest import Manifest
from classifier.normalize import origins, read
from classifier.stop_words import STOP_WORDS
from classifier.unmask import Unmasked, unmasker
from classifier.words import Words

GOLDEN_TOLERANCE = 1e-6
# For both readers: the deep one rounds to bytes, and a value between two bytes may be rounded either way.
GOLDEN_TOLERANCE_OF_BOTH = 1e-3
FEWEST_BITS, MOST_BITS = 10, 24
# Disguises hide abuse. Spam is recognized by its spelling, which unmasking would remove.
AS_WRITTEN = frozenset({"spam"})
# The language of most words of the vocabulary; only in it are joined words separated.
WORDS_LANGUAGE = "en"
# A word is shown if it raised a logit by this much: exp(0.3) means a third higher odds.
LEAST_SHOWN = 0.3
# Punctuation around a word.
_AROUND = ".,;:!?\"'()[]{}\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026-"


# The service has a class of this name too: a part of its API, which says attribute where a model says label.
@dataclass(frozen=True, slots=True)
class Span:
    """A word that raised a label's logit by `weight`; offsets are in code points of the text as sent."""

    start: int
    end: int
    label: str
    weight: float


class Assessment:
    """A model's result for one text. `scores`: in the order of the model's `languages[language]`."""

    __slots__ = ("_explain", "_readers", "scores")

    def __init__(
        self,
        scores: tuple[float, ...],
        explain: Callable[[int], tuple[Span, ...]],
        readers: tuple[Sequence[float], Sequence[float], Sequence[int]] = ((), (), ()),
    ) -> None:
        self.scores = scores
        self._explain = explain
        self._readers = readers

    @property
    def disagreement(self) -> float:
        """How far the deep reader moves the fast reader's probability of a label, at most, in [0, 1].

        Of the text as sent. 0 if only one reader judges the language.
        """
        fast, both, columns = self._readers
        return max((abs(fast[at] - both[at]) for at in columns), default=0.0)

    def spans(self, limit: int = 20) -> tuple[Span, ...]:
        """Like Model.spans, without unmasking the text again."""
        return self._explain(limit)


class _TextReading(NamedTuple):
    """One reading of a text. `text`: the deep reader's input. `normal`: the fast reader's input.

    `origins`: for each code point of `normal` its index in the text as sent.
    """

    text: str
    normal: str
    origins: Sequence[int]


class _Found(NamedTuple):
    """Scores of a text as sent and unmasked, for all labels of the manifest; `seen` None: nothing is disguised."""

    before: Sequence[float]
    after: Sequence[float]
    seen: Unmasked | None


class Model:
    """Immutable and thread-safe."""

    def __init__(
        self,
        manifest: Manifest,
        weights: Weights,
        words: Words | None = None,
        stack: Stack | None = None,
        own: Mapping[str, OwnBag] | None = None,
    ) -> None:
        self.manifest = manifest
        self.version = manifest.version
        self.digest = manifest.digest
        self.labels = tuple(label for label in manifest.labels if label not in manifest.unjudged)
        self.languages: Mapping[str, tuple[str, ...]] = manifest.judged_by_both if stack else manifest.judged
        self.transferred = frozenset(manifest.deep.transferred if stack and manifest.deep else ())
        self._stack = stack
        self._read_by_both = frozenset(self.languages).intersection(manifest.judged) if stack else frozenset()
        self._columns = {
            language: [manifest.labels.index(label) for label in labels] for language, labels in self.languages.items()
        }
        self._weights, self._own = weights, own or {}
        self._place = {language: place for place, language in enumerate(self.languages)}
        # The rows of the fast reader's calibration; the stack expects scores calibrated for the first language.
        self._fast = FastReader(weights, dict.fromkeys(self.languages, 0) if stack else self._place, self._own)
        self._words = words
        self._unmask = unmasker(words) if words else None
        limits = [manifest.thresholds.get(label, {}).values() for label in manifest.labels]
        self._harmful_from = np.array([min(each, default=0.0) for each in limits])
        self._may_rise = np.array([label not in AS_WRITTEN for label in manifest.labels])

    @property
    def has_deep_reader(self) -> bool:
        return self._stack is not None

    def without_deep_reader(self) -> "Model":
        """The same model with its fast reader alone, as `load(folder, both=False)` gives it."""
        return Model(self.manifest, self._weights, self._words, own=self._own)

    def assess(self, text: str, language: str = "en") -> Assessment:
        """The scores of a text, and its spans on request. Accepts any str, also the empty one.

        If the text is disguised, its unmasked form is scored too, and each label gets the higher score, so that
        unmasking can only reveal abuse and never hide it. Letters apart that spell only harmless words are scored as
        these words (classifier.spelled_out), if the model finds no harm in them. Raises LanguageNotJudged.
        """
        columns = self._judged(language)
        plain = None if text.isascii() else read(text)
        first = self._fast.score(text, language) if plain is None else self._fast.score_reading(plain, language)
        before = after = highest = self._stacked(language, text, first)
        seen = self._unmasked(text, plain, language)
        if seen is not None:
            after = self._stacked(language, seen.reading, self._fast.score_reading(seen.reading, language))
            highest = self._chosen(before, after, seen).tolist()
        found = _Found(before, after, seen)
        compared = columns if language in self._read_by_both else ()
        explain = partial(self._explained, text, language, found)
        return Assessment(tuple([highest[at] for at in columns]), explain, (first, before, compared))

    def score(self, text: str, language: str = "en") -> tuple[float, ...]:
        """Probability of each label in the order of `languages[language]`; see `assess`."""
        return self.assess(text, language).scores

    def score_many(self, texts: Sequence[str], language: str = "en") -> NDArray[np.float64]:
        """The same for each text, shape (len(texts), len(languages[language])); releases the GIL."""
        columns = self._judged(language)
        plain = [read(text) for text in texts]
        rows = self._stacked_many(language, texts, self._fast.score_readings(plain, language))
        pairs = zip(texts, plain, strict=True)
        seen = {at: found for at, pair in enumerate(pairs) if (found := self._unmasked(*pair, language))}
        unmasked = [each.reading for each in seen.values()]
        after = self._stacked_many(language, unmasked, self._fast.score_readings(unmasked, language))
        for at, each in zip(seen, after, strict=True):
            rows[at] = self._chosen(rows[at], each, seen[at])
        return rows[:, columns]

    def score_with(self, fast: NDArray[np.float64], texts: Sequence[str], language: str = "en") -> NDArray[np.float64]:
        """Like score_many without unmasking, but with another fast reader's scores, (len(texts), LABELS).

        Without a deep reader these are the result.
        """
        return self._stacked_many(language, texts, fast)[:, self._judged(language)]

    def spans(self, text: str, limit: int = 20, language: str = "en") -> tuple[Span, ...]:
        """The words that raised a label most, at most `limit`, in the order of the text.

        A weight is the contribution of the fast reader's features in the word to the label's logit, plus the drop in
        the deep reader's part without the word. A label is explained by the reading, as sent or unmasked, that gave its
        score. A word appears once for each label that it raised by LEAST_SHOWN or more. Raises LanguageNotJudged.
        """
        return self.assess(text, language).spans(limit)

    def _explained(self, text: str, language: str, found: _Found, limit: int) -> tuple[Span, ...]:
        columns = self._columns[language]
        is_plainer = found.seen is not None and self._is_harmless(found.seen, found.after)
        rises = [at for at in columns if self._may_rise[at] and (is_plainer or found.after[at] > found.before[at])]
        stays = [at for at in columns if at not in rises]
        spans = self._spans(language, _TextReading(text, read(text), origins(text)), stays) if stays else []
        if (seen := found.seen) and rises:
            spans += self._spans(language, _TextReading(seen.reading, seen.reading, seen.origins), rises)
        strongest = sorted(spans, key=lambda span: -span.weight)[:limit]
        return tuple(sorted(strongest, key=lambda span: (span.start, span.end, -span.weight)))

    def calibration(self, language: str = "en") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slope and intercept of each label's last calibration step, in the order of `languages[language]`.

        Raises LanguageNotJudged.
        """
        columns = self._judged(language)
        if self._stack and self.manifest.deep:
            last = np.array([self.manifest.deep.adjusted.get(label, (1.0, 0.0)) for label in self.manifest.labels])
            return last[columns, 0], last[columns, 1]
        slope, intercept = self._fast.calibration(language)
        return slope[columns], intercept[columns]

    def _spans(self, language: str, reading: _TextReading, columns: Sequence[int]) -> list[Span]:
        """The spans of one reading, for the labels in these columns of the manifest."""
        normal, where = reading.normal, reading.origins
        starts, ends = _words(normal)
        if not len(starts):
            return []
        shares = self._shares(language, reading, starts, ends)[:, columns]
        return [
            Span(
                where[starts[word]],
                where[ends[word] - 1] + 1,
                self.manifest.labels[columns[label]],
                float(shares[word, label]),
            )
            for word, label in zip(*np.nonzero(shares >= LEAST_SHOWN), strict=True)
            if normal[starts[word] : ends[word]].strip(_AROUND) not in STOP_WORDS
        ]

    def _shares(
        self, language: str, reading: _TextReading, starts: NDArray[np.intp], ends: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """How much each word of a reading contributed to each label's logit, (words, LABELS)."""
        shares = self._fast.contributions(reading.normal, language)
        edges = np.ravel(np.column_stack([starts, ends]))
        found: NDArray[np.float64] = np.add.reduceat(np.vstack([shares, np.zeros((1, LABELS))]), edges)[::2]
        if self._stack is None:
            return found
        place = self._place[language]
        found *= self._stack.weights[place][:, 0]
        # Both readers split words at whitespace. If they disagree, the share goes to the word before.
        is_as_sent = reading.text != reading.normal
        begins = [reading.origins[start] for start in starts] if is_as_sent else starts.tolist()
        for word in self._stack.shares(place, reading.text):
            found[max(bisect_right(begins, word.start) - 1, 0)] += word.logits
        return found

    def _stacked(self, language: str, text: str, fast: Sequence[float]) -> Sequence[float]:
        """The combined scores of both readers; the fast one's if there is no deep reader."""
        if self._stack is None:
            return fast
        found: list[float] = self._stack.score(self._place[language], text, fast).tolist()
        return found

    def _stacked_many(self, language: str, texts: Sequence[str], fast: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._stack is None:
            return fast
        return self._stack.scores(self._place[language], fast, self._stack.reader.read_many(texts))

    def _unmasked(self, text: str, plain: str | None, language: str) -> Unmasked | None:
        return self._unmask(text, plain, joins=language == WORDS_LANGUAGE) if self._unmask else None

    def _chosen(self, plain: Sequence[float], unmasked: Sequence[float], seen: Unmasked) -> NDArray[np.float64]:
        """Each label's score: the higher one, or that of the unmasked text if it is the plainer one and harmless."""
        found = unmasked if self._is_harmless(seen, unmasked) else np.maximum(plain, unmasked)
        return np.where(self._may_rise, found, plain)

    def _is_harmless(self, seen: Unmasked, scores: Sequence[float]) -> bool:
        """Whether only letters were joined, and no score of the result reaches one of the model's thresholds."""
        return seen.is_plainer and bool(np.all(np.less(scores, self._harmful_from)))

    def _judged(self, language: str) -> list[int]:
        try:
            return self._columns[language]
        except KeyError:
            raise LanguageNotJudged(language, self.languages) from None


def load(folder: Path, *, both: bool = True) -> Model:
    """Load a model from its folder. Raises ModelRefused for any model that is incomplete, unknown or inconsistent.

    `both`: also load its deep reader, if it has one.
    """
    manifest, arrays, words = read_folder(folder)
    if len(manifest.labels) != LABELS or len(set(manifest.labels)) != LABELS:
        raise ModelRefused(
            folder, f"has labels {manifest.labels}; format {manifest.format} has {LABELS}, all different"
        )
    for name in ("rows", "vectors", *(own_name(language, "rows") for language in manifest.own)):
        if not 1 << FEWEST_BITS <= len(arrays[name]) <= 1 << MOST_BITS:
            raise ModelRefused(folder, f"{name} has {len(arrays[name])} rows")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelRefused(folder, f"{name}.npy has numbers that are not finite")
    try:
        weights = Weights(arrays)
        own = own_bags(arrays)
        stack = _stack(folder, manifest, arrays) if both and manifest.deep else None
    except ValueError as error:
        raise ModelRefused(folder, str(error)) from error
    if not set(manifest.unjudged) < set(manifest.labels):
        raise ModelRefused(folder, f"does not judge {manifest.unjudged}; it must judge some of {manifest.labels}")
    if len(arrays["slope"]) != len(manifest.judged):
        raise ModelRefused(folder, f"is calibrated for {len(arrays['slope'])} of {len(manifest.judged)} languages")
    _check_languages(folder, manifest)
    _check_golden(folder, manifest, weights)
    if stack:
        _check_golden_of_both(folder, manifest, weights, stack)
    return Model(manifest, weights, words, stack, own)


def _stack(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Stack:
    assert manifest.deep is not None  # noqa: S101 - the caller checks it
    encoder = load_encoder(ENCODERS / manifest.deep.encoder)
    if encoder.digest != manifest.deep.encoder_sha256:
        raise ModelRefused(
            folder, f"was trained on another version of the encoder {manifest.deep.encoder} than the installed one"
        )
    own = {name.removeprefix("deep_"): array for name, array in arrays.items() if name.startswith("deep_")}
    if len(own["stack"]) != len(manifest.deep.languages):
        raise ModelRefused(
            folder, f"has reader weights for {len(own['stack'])} of {len(manifest.deep.languages)} languages"
        )
    return Stack(DeepReader.of(encoder, own), own["stack"], own["stack_bias"])


def _check_languages(folder: Path, manifest: Manifest) -> None:
    known = set(manifest.labels) - set(manifest.unjudged)
    both = manifest.deep.languages if manifest.deep else {}
    first = next(iter(manifest.judged))
    if unfit := [each for each in manifest.own if each == first or each not in {*manifest.judged, *both}]:
        raise ModelRefused(folder, f"has a bag of {unfit}; only languages that it judges, but the first, have one")
    for language, labels in (*manifest.languages.items(), *both.items()):
        if len(set(labels)) != len(labels) or not set(labels) <= known:
            raise ModelRefused(folder, f"judges {labels} in '{language}'; each must be one of {sorted(known)}, once")


def _check_golden(folder: Path, manifest: Manifest, weights: Weights) -> None:
    for index, golden in enumerate(manifest.golden):
        found = np.inf
        if len(golden.scores) == LABELS:
            found = np.abs(np.subtract(weights.score(golden.text), golden.scores)).max()
        if not found <= GOLDEN_TOLERANCE:
            raise ModelRefused(folder, f"does not reproduce its golden scores (golden text {index})")


def _check_golden_of_both(folder: Path, manifest: Manifest, weights: Weights, stack: Stack) -> None:
    expected = manifest.deep.golden if manifest.deep else []
    if len(expected) != len(manifest.golden):
        raise ModelRefused(folder, "must list the golden scores of both readers for each golden text")
    for index, (golden, scores) in enumerate(zip(manifest.golden, expected, strict=True)):
        found = np.inf
        if len(scores) == LABELS:
            found = np.abs(stack.score(0, golden.text, weights.score(golden.text)) - scores).max()
        if not found <= GOLDEN_TOLERANCE_OF_BOTH:
            raise ModelRefused(folder, f"both readers do not reproduce their golden scores (golden text {index})")


def _words(normal: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the words, which are separated by whitespace."""
    is_ink = np.array([not character.isspace() and character > " " for character in normal])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_ink, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2]
