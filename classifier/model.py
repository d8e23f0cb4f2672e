"""A loaded model: text in, calibrated probabilities out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelRefused
from classifier.folder import read_folder
from classifier.kernel import LABELS, Weights
from classifier.manifest import Manifest
from classifier.normalise import origins, read

GOLDEN_TOLERANCE = 1e-6
FEWEST_BITS, MOST_BITS = 10, 24
# A word is worth showing when it moved a logit by this much: exp(0.3) is a third more in odds.
LEAST_SHOWN = 0.3


@dataclass(frozen=True, slots=True)
class Span:
    """A word that moved a label's logit up by `weight`; offsets count code points of the text as sent."""

    start: int
    end: int
    label: str
    weight: float


class Model:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, manifest: Manifest, weights: Weights) -> None:
        self.manifest = manifest
        self.version = manifest.version
        self.digest = manifest.digest
        judged = [index for index, label in enumerate(manifest.labels) if label not in manifest.unjudged]
        self.labels = tuple(manifest.labels[index] for index in judged)
        self._judged = judged if len(judged) < LABELS else None
        self._weights = weights

    def score(self, text: str) -> tuple[float, ...]:
        """Probability of each label, in the order of `labels`. Any str is a text, the empty one too."""
        row = self._weights.score(text)
        return row if self._judged is None else tuple(row[index] for index in self._judged)

    def score_many(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The same for each text, shape (len(texts), len(labels)); lets other threads run meanwhile."""
        rows = self._weights.score_many(texts)
        return rows if self._judged is None else rows[:, self._judged]

    def spans(self, text: str, limit: int = 20) -> tuple[Span, ...]:
        """The words that moved a label up most, at most `limit` of them, in the order of the text.

        Weights are exact: what all code points of a text contributed, and the bias, add up to the label's
        logit. A word stands once for each label that it moved by LEAST_SHOWN or more.
        """
        normal = read(text)
        if not normal:
            return ()
        shares = self._weights.contributions(normal)
        if self._judged is not None:
            shares = shares[:, self._judged]
        starts, ends = _words(normal)
        edges = np.ravel(np.column_stack([starts, ends]))
        sums = np.add.reduceat(np.vstack([shares, np.zeros((1, len(self.labels)))]), edges)
        found = sums[::2] if len(starts) else np.zeros((0, len(self.labels)))
        where = origins(text)
        chosen = sorted(zip(*np.nonzero(found >= LEAST_SHOWN), strict=True), key=lambda at: -found[at])[:limit]
        spans = [
            Span(where[starts[word]], where[ends[word] - 1] + 1, self.labels[label], float(found[word, label]))
            for word, label in chosen
        ]
        return tuple(sorted(spans, key=lambda span: (span.start, span.end, -span.weight)))


def load(folder: Path) -> Model:
    """A model from its folder. Raises ModelRefused for anything that is not whole, known and sound."""
    manifest, arrays = read_folder(folder)
    if len(manifest.labels) != LABELS or len(set(manifest.labels)) != LABELS:
        raise ModelRefused(
            folder, f"has labels {manifest.labels}; format {manifest.format} has {LABELS}, all different"
        )
    bits = int(arrays["rows"].shape[0]).bit_length() - 1
    if not FEWEST_BITS <= bits <= MOST_BITS:
        raise ModelRefused(folder, f"rows has {arrays['rows'].shape[0]} rows")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelRefused(folder, f"{name}.npy holds numbers that are not finite")
    try:
        weights = Weights(arrays["rows"], arrays["bias"], arrays["slope"], arrays["intercept"])
    except ValueError as error:
        raise ModelRefused(folder, str(error)) from error
    if not set(manifest.unjudged) < set(manifest.labels):
        raise ModelRefused(folder, f"does not judge {manifest.unjudged}; it must judge some of {manifest.labels}")
    _check_golden(folder, manifest, weights)
    return Model(manifest, weights)


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
