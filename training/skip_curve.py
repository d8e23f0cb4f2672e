"""What is lost if comments about which the fast reader is sure skip the deep one.

The fast reader is sure of a comment whose scores are all far below the review thresholds, or one of which is far above.
Each point of the curve lets the deep reader read the given share of the texts, the least sure ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import classifier
from classifier.deep.stack import logit
from training import contrast
from training.contrast.frames import HARMFUL_FROM
from training.datasets import DATA_SETS, load
from training.examples import FIRST_LANGUAGE, column
from training.metrics import Answers, roc_auc

NATURAL, OWN = "jigsaw_toxic_train", "contrast_en"
# The most texts of a curve, and the shares that the deep reader reads.
MOST = 3_000
SHARES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
LIKELY = 0.5
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SkipPoint:
    """`read`: the share of texts that the deep reader reads. `missed`: of the harmful ones, the share that is approved.

    `held`: of the harmless ones, the share that is not approved. `lost`: the share of the gain in ROC AUC by the deep
    reader that skipping loses; None if it gains nothing.
    """

    read: float
    auc: float
    missed: float
    held: float
    lost: float | None


@dataclass(frozen=True, slots=True)
class SkipCurve:
    data_set: str
    texts: int
    points: list[SkipPoint]


@dataclass(frozen=True, slots=True)
class JudgedTexts:
    """The scores of both readers together and of the fast one alone, (n, labels), and the right answers."""

    both: Floats
    fast: Floats
    answers: Answers
    thresholds: Floats


def skip_curves(model: classifier.Model, folder: Path, seed: int) -> list[SkipCurve]:
    """Toxicity in the first language; empty for a model without a deep reader."""
    alone = model.without_deep_reader()
    if not model.has_deep_reader or model.languages[FIRST_LANGUAGE] != alone.languages[FIRST_LANGUAGE]:
        return []
    labels = model.languages[FIRST_LANGUAGE]
    limits = [min(model.manifest.thresholds.get(label, {}).values(), default=1.0) for label in labels]
    found = []
    for name, texts, answers in _texts(folder, seed):
        judged = JudgedTexts(model.score_many(texts), alone.score_many(texts), answers, np.array(limits, np.float64))
        if points := curve(judged, labels.index("toxicity")):
            found.append(SkipCurve(name, len(texts), points))
    return found


def curve(judged: JudgedTexts, at: int) -> list[SkipPoint]:
    """`at`: the label whose AUC is measured. [] if all answers are the same."""
    margins = (logit(judged.fast) - logit(judged.thresholds)).max(axis=1)
    least_sure = np.argsort(np.abs(margins), kind="stable")
    nothing, everything = (roc_auc(scores[:, at], judged.answers) for scores in (judged.fast, judged.both))
    if nothing is None or everything is None:
        return []
    gain = everything - nothing
    points = []
    for share in SHARES:
        scores = judged.fast.copy()
        read = least_sure[: round(share * len(least_sure))]
        scores[read] = judged.both[read]
        auc = roc_auc(scores[:, at], judged.answers) or 0.0
        is_held = np.asarray((scores >= judged.thresholds).any(axis=1))
        harmful = np.flatnonzero(judged.answers == 1)
        harmless = np.flatnonzero(judged.answers == 0)
        lost = round((everything - auc) / gain, 4) if gain > 0 else None
        points.append(_point(share, auc, float(1 - is_held[harmful].mean()), float(is_held[harmless].mean()), lost))
    return points


def _point(share: float, auc: float, missed: float, held: float, lost: float | None) -> SkipPoint:
    return SkipPoint(share, round(auc, 4), round(missed, 4), round(held, 4), lost)


def _texts(folder: Path, seed: int) -> Iterator[tuple[str, Sequence[str], Answers]]:
    if DATA_SETS[NATURAL].files(folder):
        held_out = load(NATURAL, folder).held_out().sampled(MOST, seed)
        toxicity = held_out.labels[:, column("toxicity")]
        yield NATURAL, held_out.texts, (toxicity > LIKELY).astype(np.int8)
    rows = [row for row in contrast.rows(FIRST_LANGUAGE) if row.is_test and not row.labels.get("spam")]
    order = np.random.default_rng(seed).permutation(len(rows))[:MOST]
    harmful = np.array([rows[at].labels.get("toxicity", 0) >= HARMFUL_FROM for at in order], np.int8)
    yield OWN, [rows[at].text for at in order], harmful
