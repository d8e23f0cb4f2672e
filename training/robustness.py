"""Measures recall on disguised words, at a fixed false positive rate."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.disguise import KINDS, disguised
from training.metrics import Answers, Estimate, Numbers

# Toxicity of texts, (n,).
Scorer = Callable[[Sequence[str]], Numbers]
# The share of harmless comments, at natural base rates, that the threshold flags.
FALSE_POSITIVES = 0.02
# Toxic comments that are disguised in each way.
DISGUISED = 1_500
REPEATS = 1_000


@dataclass(frozen=True, slots=True)
class Flagging:
    """A scorer, and the threshold from which it flags a text."""

    toxicity: Scorer
    threshold: float

    def flags(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        return np.asarray(self.toxicity(texts) >= self.threshold)


@dataclass(frozen=True, slots=True)
class DisguiseFigures:
    """`recall` on the disguised texts at the clean texts' threshold; `lost`: the drop in recall, as a share."""

    kind: str
    recall: float
    lost: float
    textbook_lost: float | None


@dataclass(frozen=True, slots=True)
class Robustness:
    texts: int
    recall_clean: float
    kinds: list[DisguiseFigures]
    average_lost: Estimate
    textbook_average_lost: float | None


def threshold_at(
    scores: Numbers, answers: Answers, weights: Numbers, false_positives: float = FALSE_POSITIVES
) -> float:
    """The lowest threshold that flags at most that share of the harmless texts, by weight."""
    harmless = answers == 0
    order = np.argsort(-scores[harmless])
    ordered, mass = scores[harmless][order], np.cumsum(weights[harmless][order])
    allowed = np.searchsorted(mass / mass[-1], false_positives, side="right")
    return float(np.nextafter(ordered[allowed], np.inf)) if allowed < len(ordered) else 0.0


def robustness(
    texts: Sequence[str], words: Sequence[Collection[str]], ours: Flagging, textbook: Flagging | None, seed: int
) -> Robustness:
    """`texts`: toxic texts. `words`: the words of each text to disguise, in lower case."""
    texts, words = texts[:DISGUISED], words[:DISGUISED]
    found = [_lost(texts, words, each, seed) for each in (ours, textbook) if each is not None]
    kinds = [
        DisguiseFigures(
            kind,
            round(found[0].recall(at), 4),
            round(float(found[0].lost[at].mean()), 4),
            round(float(found[1].lost[at].mean()), 4) if textbook else None,
        )
        for at, kind in enumerate(KINDS)
    ]
    average = found[0].average(np.random.default_rng(seed))
    theirs = found[1].average(np.random.default_rng(seed)).value if textbook else None
    return Robustness(len(texts), round(float(found[0].clean.mean()), 4), kinds, average, theirs)


@dataclass(frozen=True, slots=True)
class _Lost:
    """`clean`: (texts,), flagged without disguise. `lost`: (kinds, texts), 1 if the disguise loses the flag, -1 if it
    adds one.
    """

    clean: NDArray[np.float64]
    lost: NDArray[np.float64]

    def recall(self, kind: int) -> float:
        return float((self.clean - self.lost[kind]).mean())

    def average(self, rng: np.random.Generator) -> Estimate:
        """The mean over the kinds; a gain in one kind does not offset a loss in another."""
        count = self.lost.shape[1]
        drawn = [self._mean(rng.integers(count, size=(count,))) for _ in range(REPEATS)]
        low, high = np.quantile(drawn, (0.025, 0.975))
        return Estimate(*(round(float(each), 4) for each in (self._mean(np.arange(count)), low, high)))

    def _mean(self, texts: NDArray[np.integer]) -> float:
        return float(np.maximum(self.lost[:, texts].mean(axis=1), 0).mean())


def _lost(texts: Sequence[str], words: Sequence[Collection[str]], flagging: Flagging, seed: int) -> _Lost:
    clean = flagging.flags(texts).astype(np.float64)
    lost = []
    for kind in KINDS:
        hidden = [
            disguised(text, kind, random.Random(f"{seed}:{at}"), chosen)  # noqa: S311 - no secret
            for at, (text, chosen) in enumerate(zip(texts, words, strict=True))
        ]
        lost.append(clean - flagging.flags(hidden))
    return _Lost(clean, np.array(lost))
