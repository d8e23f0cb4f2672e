"""Measures how two scores of the same texts agree, and finds equivalent thresholds."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from training.charts import NORMAL_975, ReliabilityBar, interval
from training.metrics import Estimate, bootstrap_auc

Numbers = NDArray[np.float64]

# With fewer texts than the first there is no comparison; with fewer than the second there is a warning.
FEWEST, FEW = 50, 500
# With fewer texts above a threshold there is a warning.
FEW_FLAGGED = 10
REPEATS = 200
# Scores have six decimals, so a threshold between two of them needs seven.
DECIMALS = 7


@dataclass(frozen=True, slots=True)
class ThresholdMatch:
    """A threshold of the site, and the equivalent one of ours; shares are of all texts.

    Perspective's score flags a text if it is above `theirs`; ours flags it if it reaches `ours`, like the policy's
    review_at and reject_at. `ours` is None if no text was flagged. `both`: flagged by both scores; the others: by one
    alone.
    """

    theirs: float
    ours: Estimate | None
    flagged_theirs: Estimate
    flagged_ours: Estimate
    both: Estimate
    only_theirs: Estimate
    only_ours: Estimate
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreAgreement:
    attribute: str
    label: str
    texts: int
    rank_correlation: Estimate | None
    auc_theirs: Estimate | None
    auc_ours: Estimate | None
    matches: tuple[ThresholdMatch, ...]
    warnings: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ScorePair:
    """The two scores of n texts, each (n,), and people's answers if there are any (NaN: none)."""

    theirs: Numbers
    ours: Numbers
    answers: Numbers | None = None


def compare(
    attribute: str, label: str, pair: ScorePair, thresholds: Sequence[float], rng: np.random.Generator
) -> ScoreAgreement:
    """`pair` must have at least FEWEST texts."""
    count = len(pair.ours)
    warnings = [f"only {count} texts: all figures are imprecise"] if count < FEW else []
    auc = [_auc(scores, pair.answers, rng) for scores in (pair.theirs, pair.ours)]
    matches = tuple(match(pair, threshold, rng) for threshold in sorted(thresholds))
    return ScoreAgreement(attribute, label, count, rank_correlation(pair), auc[0], auc[1], matches, tuple(warnings))


def rank_correlation(pair: ScorePair) -> Estimate | None:
    """Spearman's rho with the interval of Bonett and Wright 2000; None if one of the scores is constant."""
    if np.ptp(pair.theirs) == 0 or np.ptp(pair.ours) == 0:
        return None
    rho = float(spearmanr(pair.theirs, pair.ours).statistic)
    if abs(rho) >= 1:
        return Estimate(rho)
    half = NORMAL_975 * math.sqrt((1 + rho * rho / 2) / (len(pair.ours) - 3))
    return Estimate(rho, math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half))


def _auc(scores: Numbers, answers: Numbers | None, rng: np.random.Generator) -> Estimate | None:
    if answers is None:
        return None
    known = ~np.isnan(answers)
    return bootstrap_auc(scores[known], answers[known].astype(int), REPEATS, rng) if known.any() else None


def match(pair: ScorePair, threshold: float, rng: np.random.Generator) -> ThresholdMatch:
    """The threshold of ours that flags as many texts as theirs, as near as ties allow."""
    count = len(pair.ours)
    theirs = pair.theirs > threshold
    wanted = int(theirs.sum())
    found = _threshold(pair.ours, wanted)
    ours = np.zeros(count, bool) if found is None else pair.ours >= found
    counts = (theirs, ours, theirs & ours, theirs & ~ours, ours & ~theirs)
    shares = [_share(int(each.sum()), count) for each in counts]
    estimate = None
    if found is not None:
        low, high = _resampled(pair, threshold, rng)
        estimate = Estimate(found, min(low, found), max(high, found))  # rounding may have moved it out of the interval
    flagged_theirs, flagged_ours, both, only_theirs, only_ours = shares
    warnings = tuple(_warnings(wanted, int(ours.sum()), count))
    return ThresholdMatch(threshold, estimate, flagged_theirs, flagged_ours, both, only_theirs, only_ours, warnings)


def _warnings(wanted: int, got: int, count: int) -> list[str]:
    found = []
    if wanted == 0:
        found.append("no text was above it, so there is nothing to match")
    elif wanted < FEW_FLAGGED:
        found.append(f"only {wanted} of the texts were above it")
    if wanted and abs(got - wanted) > max(1, count // 200):
        found.append("many texts have the same score here, so no threshold flags the same share")
    return found


def _threshold(scores: Numbers, wanted: int) -> float | None:
    """A threshold that `wanted` of the scores reach, or nearly; the one with the fewest digits between two scores."""
    if wanted == 0:
        return None
    values, counts = np.unique(scores, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1]
    # If two are equally near, the one that flags fewer texts.
    at = len(values) - 1 - int(np.argmin(np.abs(reaching[::-1] - wanted)))
    return _roundest(float(values[at - 1]) if at else 0.0, float(values[at]))


def _roundest(above: float, upto: float) -> float:
    """The number with the fewest decimals in (above, upto], near the middle."""
    for decimals in range(DECIMALS):
        step = 10.0**-decimals
        rounded = round(round((above + upto) / 2 / step) * step, DECIMALS)
        if above < rounded <= upto:
            return rounded
    return upto


def _resampled(pair: ScorePair, threshold: float, rng: np.random.Generator) -> tuple[float, float]:
    """The bootstrap interval (95 %) of the threshold."""
    count, found = len(pair.ours), []
    for _ in range(REPEATS):
        rows = rng.integers(count, size=count)
        wanted = int((pair.theirs[rows] > threshold).sum())
        if wanted:
            # Halfway between the lowest flagged score and the highest other one.
            around = [count - wanted, max(count - wanted - 1, 0)]
            found.append(np.partition(pair.ours[rows], around)[around].mean())
    low, high = np.quantile(found or [threshold], (0.025, 0.975))
    return round(float(low), 6), round(float(high), 6)


def _share(some: int, count: int) -> Estimate:
    share = some / count
    return Estimate(share, *interval(ReliabilityBar(share, share, count)))


# The quantiles that a map passes through; most are high, where thresholds are.
_QUANTILES = 1 / (1 + np.exp(-np.linspace(-4.5, 6.5, 45)))


def score_map(pair: ScorePair, thresholds: Sequence[float] = ()) -> list[tuple[float, float]]:
    """A piecewise linear map from (0, 0) to (1, 1), as pairs (our score, the score to answer).

    The first is strictly increasing, the second never decreases. Answered scores have the distribution of
    Perspective's, and the same number of texts is above each of `thresholds`.
    """
    anchors = [(at, threshold) for threshold in thresholds if (at := _between(pair, threshold)) is not None]
    ours, theirs = (np.quantile(scores, _QUANTILES) for scores in (pair.ours, pair.theirs))
    points = [(round(float(x), DECIMALS), round(float(y), DECIMALS)) for x, y in zip(ours, theirs, strict=True)]
    fitting = [point for point in points if all(_is_in_order(point, anchor) for anchor in anchors)]
    found = [(0.0, 0.0)]
    for x, y in sorted({*fitting, *anchors}):
        if found[-1][0] < x < 1 and y <= 1:
            found.append((x, max(y, found[-1][1])))
    return [*found, (1.0, 1.0)]


def _between(pair: ScorePair, threshold: float) -> float | None:
    """The point halfway between our flagged and other scores, for the same number of flagged texts."""
    wanted = int((pair.theirs > threshold).sum())
    if not 0 < wanted < len(pair.ours) or not 0 < threshold < 1:
        return None
    values, counts = np.unique(pair.ours, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1]
    at = len(values) - 1 - int(np.argmin(np.abs(reaching[::-1] - wanted)))
    return round(float(values[at - 1] + values[at]) / 2, DECIMALS) if at else None


def _is_in_order(point: tuple[float, float], anchor: tuple[float, float]) -> bool:
    """Whether the point is strictly on the same side of the anchor in both scores."""
    (x, y), (at, threshold) = point, anchor
    return (x < at and y < threshold) or (x > at and y > threshold)


def mapped(scores: Numbers, pairs: Sequence[tuple[float, float]]) -> Numbers:
    """Our scores under the map."""
    x, y = zip(*pairs, strict=True)
    return np.asarray(np.interp(scores, x, y))
