"""A loaded model: text in, calibrated probabilities out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.errors import LanguageNotJudged, ModelRefused
from classifier.folder import read_folder
from classifier.kernel import LABELS, Weights
from classifier.manifest import Manifest
from classifier.normalise import origins, read
from classifier.unmask import Unmasked, unmasker
from classifier.words import Words

GOLDEN_TOLERANCE = 1e-6
FEWEST_BITS, MOST_BITS = 10, 24
# What a disguise hides is harm. Advertising is told by how it is written, which unmasking would tidy away.
AS_WRITTEN = frozenset({"spam"})
# A word is worth showing when it moved a logit by this much: exp(0.3) is a third more in odds.
LEAST_SHOWN = 0.3


@dataclass(frozen=True, slots=True)
class Span:
    """A word that moved a label's logit up by `weight`; offsets count code points of the text as sent."""

    start: int
    end: int
    label: str
    weight: float


class Assessment:
    """What a model says of one text. `scores`: in the order of the model's `languages[language]`."""

    __slots__ = ("_explain", "scores")

    def __init__(self, scores: tuple[float, ...], explain: Callable[[int], tuple[Span, ...]]) -> None:
        self.scores = scores
        self._explain = explain

    def spans(self, limit: int = 20) -> tuple[Span, ...]:
        """As Model.spans; the text is not read again for it."""
        return self._explain(limit)


class Model:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, manifest: Manifest, weights: Weights, words: Words | None = None) -> None:
        self.manifest = manifest
        self.version = manifest.version
        self.digest = manifest.digest
        self.labels = tuple(label for label in manifest.labels if label not in manifest.unjudged)
        self.languages: Mapping[str, tuple[str, ...]] = manifest.judged
        self._columns = {
            language: [manifest.labels.index(label) for label in labels] for language, labels in self.languages.items()
        }
        self._weights = weights
        self._calibration = {language: row for row, language in enumerate(self.languages)}
        self._unmask = unmasker(words) if words else None
        self._may_rise = np.array([label not in AS_WRITTEN for label in manifest.labels])

    def assess(self, text: str, language: str = "en") -> Assessment:
        """The scores of a text, and its spans when they are asked for. Any str is a text, the empty one too.

        Where the text is disguised, what it says unmasked is scored, too, and each label gets the higher of both:
        unmasking can reveal, and nobody can hide anything by it. Raises LanguageNotJudged.
        """
        columns = self._judged(language)
        calibration = self._calibration[language]
        plain = None if text.isascii() else read(text)
        before = (
            self._weights.score(text, calibration) if plain is None else self._weights.score_reading(plain, calibration)
        )
        seen = self._unmasked(text, plain)
        after = self._weights.score_reading(seen.reading, calibration) if seen else before
        row: Sequence[float] = self._higher(before, after).tolist() if seen else before
        return Assessment(
            tuple([row[index] for index in columns]),
            partial(self._explained, language, _Scored(text, before, seen, after)),
        )

    def score(self, text: str, language: str = "en") -> tuple[float, ...]:
        """Probability of each label in the order of `languages[language]`; see `assess`."""
        return self.assess(text, language).scores

    def score_many(self, texts: Sequence[str], language: str = "en") -> NDArray[np.float64]:
        """The same for each text, shape (len(texts), len(languages[language])); lets other threads run meanwhile."""
        columns = self._judged(language)
        calibration = self._calibration[language]
        plain = [read(text) for text in texts]
        rows = self._weights.score_readings(plain, calibration)
        pairs = zip(texts, plain, strict=True)
        seen = {at: found.reading for at, pair in enumerate(pairs) if (found := self._unmasked(*pair))}
        for at, row in zip(seen, self._weights.score_readings([*seen.values()], calibration), strict=True):
            rows[at] = self._higher(rows[at], row)
        return rows[:, columns]

    def spans(self, text: str, limit: int = 20, language: str = "en") -> tuple[Span, ...]:
        """The words that moved a label up most, at most `limit` of them, in the order of the text.

        Weights are exact: what all code points of a reading contributed, and the bias, add up to the label's
        logit; a label is explained by the reading that it was scored by. A word stands once for each label that it
        moved by LEAST_SHOWN or more. Raises LanguageNotJudged.
        """
        return self.assess(text, language).spans(limit)

    def _explained(self, language: str, scored: "_Scored", limit: int) -> tuple[Span, ...]:
        text, before, seen, after = scored
        columns, calibration = self._columns[language], self._calibration[language]
        rises = [at for at in columns if self._may_rise[at] and after[at] > before[at]]
        stays = [at for at in columns if at not in rises]
        found = self._spans(read(text), origins(text), calibration, stays, limit) if stays else []
        if seen and rises:
            found += self._spans(seen.reading, seen.origins, calibration, rises, limit)
            found = sorted(found, key=lambda span: -span.weight)[:limit]
        return tuple(sorted(found, key=lambda span: (span.start, span.end, -span.weight)))

    def calibration(self, language: str = "en") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slope and intercept by which the logit of each label became that of its score, in the order of
        `languages[language]`. Raises LanguageNotJudged.
        """
        columns = self._judged(language)
        slope, intercept = self._weights.calibration(self._calibration[language])
        return slope[columns], intercept[columns]

    def _spans(
        self, normal: str, where: Sequence[int], calibration: int, columns: Sequence[int], limit: int
    ) -> list[Span]:
        """Those of one reading, for the labels in the columns of the manifest. `where`: its origins in the text."""
        if not normal:
            return []
        shares = self._weights.contributions(normal, calibration)[:, columns]
        starts, ends = _words(normal)
        edges = np.ravel(np.column_stack([starts, ends]))
        sums = np.add.reduceat(np.vstack([shares, np.zeros((1, len(columns)))]), edges)
        found = sums[::2] if len(starts) else np.zeros((0, len(columns)))
        chosen = sorted(zip(*np.nonzero(found >= LEAST_SHOWN), strict=True), key=lambda at: -found[at])[:limit]
        return [
            Span(
                where[starts[word]],
                where[ends[word] - 1] + 1,
                self.manifest.labels[columns[label]],
                float(found[word, label]),
            )
            for word, label in chosen
        ]

    def _unmasked(self, text: str, plain: str | None) -> Unmasked | None:
        return self._unmask(text, plain) if self._unmask else None

    def _higher(self, plain: Sequence[float], unmasked: Sequence[float]) -> NDArray[np.float64]:
        return np.where(self._may_rise, np.maximum(plain, unmasked), plain)

    def _judged(self, language: str) -> list[int]:
        try:
            return self._columns[language]
        except KeyError:
            raise LanguageNotJudged(language, self.languages) from None


class _Scored(NamedTuple):
    """A text and what it says unmasked, each with its probabilities for all labels of the manifest."""

    text: str
    before: Sequence[float]
    seen: Unmasked | None
    after: Sequence[float]


def load(folder: Path) -> Model:
    """A model from its folder. Raises ModelRefused for anything that is not whole, known and sound."""
    manifest, arrays, words = read_folder(folder)
    if len(manifest.labels) != LABELS or len(set(manifest.labels)) != LABELS:
        raise ModelRefused(
            folder, f"has labels {manifest.labels}; format {manifest.format} has {LABELS}, all different"
        )
    for name in ("rows", "vectors"):
        if not 1 << FEWEST_BITS <= len(arrays[name]) <= 1 << MOST_BITS:
            raise ModelRefused(folder, f"{name} has {len(arrays[name])} rows")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelRefused(folder, f"{name}.npy holds numbers that are not finite")
    try:
        weights = Weights(arrays)
    except ValueError as error:
        raise ModelRefused(folder, str(error)) from error
    if not set(manifest.unjudged) < set(manifest.labels):
        raise ModelRefused(folder, f"does not judge {manifest.unjudged}; it must judge some of {manifest.labels}")
    if len(arrays["slope"]) != len(manifest.judged):
        raise ModelRefused(folder, f"is calibrated for {len(arrays['slope'])} of {len(manifest.judged)} languages")
    _check_languages(folder, manifest)
    _check_golden(folder, manifest, weights)
    return Model(manifest, weights, words)


def _check_languages(folder: Path, manifest: Manifest) -> None:
    known = set(manifest.labels) - set(manifest.unjudged)
    for language, labels in manifest.languages.items():
        if len(set(labels)) != len(labels) or not set(labels) <= known:
            raise ModelRefused(folder, f"judges {labels} in '{language}'; each must be one of {sorted(known)}, once")


def _check_golden(folder: Path, manifest: Manifest, weights: Weights) -> None:
    for index, golden in enumerate(manifest.golden):
        found: Any = (
            np.abs(np.subtract(weights.score(golden.text), golden.scores, dtype=float))
            if len(golden.scores) == LABELS
            else np.inf
        )
        if not np.max(found) <= GOLDEN_TOLERANCE:
            raise ModelRefused(folder, f"does not give the scores that it was shipped with (golden text {index})")


def _words(normal: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the runs between blanks."""
    is_ink = np.array([not character.isspace() and character > " " for character in normal])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_ink, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2]
