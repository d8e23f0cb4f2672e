"""How two scores of the same texts agree, and which threshold of the one does what one of the other did."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from training.charts import NORMAL_975, Bar, interval
from training.metrics import Estimate, bootstrap_auc

Numbers = NDArray[np.float64]

# Below this nothing is said; below the other it is said with a warning.
FEWEST, FEW = 50, 500
# So few texts above a threshold say little of what lies there.
FEW_FLAGGED = 10
REPEATS = 200
# Scores have six decimals, so what lies between two of them has seven.
DECIMALS = 7


@dataclass(frozen=True, slots=True)
class Match:
    """What the site's threshold did, and ours that does the same: shares are of all texts.

    Theirs flags what is above `theirs`; `ours` what reaches it (as the policy's review_at and reject_at do); None where
    no text was flagged. Of the flagged: `both` by either, the others by one alone.
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
class Agreement:
    attribute: str
    label: str
    texts: int
    rank_correlation: Estimate | None
    auc_theirs: Estimate | None
    auc_ours: Estimate | None
    matches: tuple[Match, ...]
    warnings: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two scores of n texts, each (n,), and the answers of people where there are any (NaN: none)."""

    theirs: Numbers
    ours: Numbers
    answers: Numbers | None = None


def compare(attribute: str, label: str, pair: Pair, thresholds: Sequence[float], rng: np.random.Generator) -> Agreement:
    """`pair` holds at least FEWEST texts."""
    count = len(pair.ours)
    warnings = [f"only {count} texts: all figures are rough"] if count < FEW else []
    auc = [_auc(scores, pair.answers, rng) for scores in (pair.theirs, pair.ours)]
    matches = tuple(match(pair, threshold, rng) for threshold in sorted(thresholds))
    return Agreement(attribute, label, count, rank_correlation(pair), auc[0], auc[1], matches, tuple(warnings))


def rank_correlation(pair: Pair) -> Estimate | None:
    """Spearman's, with the interval of Bonett and Wright 2000; None where one of the two is always the same."""
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


def match(pair: Pair, threshold: float, rng: np.random.Generator) -> Match:
    """The threshold of ours that flags as many of the texts as theirs did, as near as ties let it."""
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
        estimate = Estimate(found, min(low, found), max(high, found))  # it was rounded within its gap
    flagged_theirs, flagged_ours, both, only_theirs, only_ours = shares
    warnings = tuple(_warnings(wanted, int(ours.sum()), count))
    return Match(threshold, estimate, flagged_theirs, flagged_ours, both, only_theirs, only_ours, warnings)


def _warnings(wanted: int, got: int, count: int) -> list[str]:
    said = []
    if wanted == 0:
        said.append("no text was above it: there is nothing to match")
    elif wanted < FEW_FLAGGED:
        said.append(f"only {wanted} of the texts were above it")
    if wanted and abs(got - wanted) > max(1, count // 200):
        said.append("many texts have the same score here, so no threshold flags the same share")
    return said


def _threshold(scores: Numbers, wanted: int) -> float | None:
    """What `wanted` of the scores reach, or as near as can be; the number between two scores with the fewest digits."""
    if wanted == 0:
        return None
    values, counts = np.unique(scores, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1]
    # Of two that are as near the one that flags fewer.
    at = len(values) - 1 - int(np.argmin(np.abs(reaching[::-1] - wanted)))
    return _roundest(float(values[at - 1]) if at else 0.0, float(values[at]))


def _roundest(above: float, upto: float) -> float:
    """Of the numbers above the one and up to the other one with the fewest decimals, next to the middle."""
    for decimals in range(DECIMALS):
        step = 10.0**-decimals
        rounded = round(round((above + upto) / 2 / step) * step, DECIMALS)
        if above < rounded <= upto:
            return rounded
    return upto


def _resampled(pair: Pair, threshold: float, rng: np.random.Generator) -> tuple[float, float]:
    """95 % of the thresholds that other texts of the same kind would have led to."""
    count, found = len(pair.ours), []
    for _ in range(REPEATS):
        rows = rng.integers(count, size=count)
        wanted = int((pair.theirs[rows] > threshold).sum())
        if wanted:
            # Half-way between the lowest that is flagged and the highest that is not.
            around = [count - wanted, max(count - wanted - 1, 0)]
            found.append(np.partition(pair.ours[rows], around)[around].mean())
    low, high = np.quantile(found or [threshold], (0.025, 0.975))
    return round(float(low), 6), round(float(high), 6)


def _share(some: int, count: int) -> Estimate:
    share = some / count
    return Estimate(share, *interval(Bar(share, share, count)))


# Quantiles that a map goes through: most of them where thresholds are, far up.
_QUANTILES = 1 / (1 + np.exp(-np.linspace(-4.5, 6.5, 45)))


def score_map(pair: Pair, thresholds: Sequence[float] = ()) -> list[tuple[float, float]]:
    """Pairs (our score, the one to answer) from (0, 0) to (1, 1), straight lines between them.

    Ours rises from pair to pair, the answered never falls. What is answered is spread as Perspective's scores were, and
    above each of `thresholds` lie as many texts as did there.
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


def _between(pair: Pair, threshold: float) -> float | None:
    """Half-way between our scores that lie above and those that do not."""
    wanted = int((pair.theirs > threshold).sum())
    if not 0 < wanted < len(pair.ours) or not 0 < threshold < 1:
        return None
    values, counts = np.unique(pair.ours, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1]
    at = len(values) - 1 - int(np.argmin(np.abs(reaching[::-1] - wanted)))
    return round(float(values[at - 1] + values[at]) / 2, DECIMALS) if at else None


def _is_in_order(point: tuple[float, float], anchor: tuple[float, float]) -> bool:
    """Strictly, so that what lies above the threshold does so clearly."""
    (x, y), (at, threshold) = point, anchor
    return (x < at and y < threshold) or (x > at and y > threshold)


def mapped(scores: Numbers, pairs: Sequence[tuple[float, float]]) -> Numbers:
    """What is answered for our scores under a map."""
    x, y = zip(*pairs, strict=True)
    return np.asarray(np.interp(scores, x, y))
