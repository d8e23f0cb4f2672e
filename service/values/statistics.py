"""Statistics that the service shows, exact where that is cheap. They need no scipy.

Sources: Clopper & Pearson, Biometrika 26 (1934); Horvitz & Thompson, JASA 47 (1952); McNemar, Psychometrika 12 (1947).
The tests compare them with scipy and worked examples. Policies and so all commands load this module: no numpy here.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

Z95 = 1.959963984540054


class Estimate(Struct, frozen=True):
    """A share and its 95 % interval; `low` and `high` are null if the sample is too small for an interval.

    `lowest` and `highest`: the interval for the worst that audits without an answer could have found, in either
    direction; null where nothing is missing by design.
    """

    value: float
    low: float | None = None
    high: float | None = None
    lowest: float | None = None
    highest: float | None = None


class Stratum(Struct, frozen=True):
    """A random sample: of `total` comments `sampled` were judged, and `hits` of those have the property.

    Not whole numbers where several samples were pooled into one (see `pooled`).
    """

    total: float
    sampled: float
    hits: float

    @property
    def share(self) -> float:
        return self.hits / self.sampled

    @property
    def estimated(self) -> float:
        """The estimated number of hits among `total` (Horvitz and Thompson)."""
        return self.total * self.share

    @property
    def variance(self) -> float | None:
        """The variance of `estimated` for sampling without replacement; None: this sample does not show it.

        For a sample without hits, or of hits only, the formula gives 0, which claims certainty.
        """
        if self.sampled >= self.total:
            return 0.0
        if not 0 < self.hits < self.sampled:
            return None
        spread = self.sampled / (self.sampled - 1) * self.share * (1 - self.share)
        return self.total**2 * (1 - self.sampled / self.total) * spread / self.sampled


def pooled(strata: Sequence[Stratum]) -> Stratum | None:
    """Samples of one kind of comments, drawn with different shares, as one sample; None: nothing was sampled.

    Each comment counts for as many as it stands for. `sampled` is the effective size of Kish (Survey Sampling, 1965),
    smaller than the number of comments by what unequal weights cost; with it the exact interval of a share holds
    approximately (Korn and Graubard, Survey Methodology 24, 1998). Strata without a sample, which are small if each
    comment had a chance, are taken to be like the others.
    """
    some = [each for each in strata if each.sampled]
    if not some:
        return None
    if len(some) == 1:
        total = sum(each.total for each in strata)
        return Stratum(total, some[0].sampled, some[0].hits)
    stands_for = sum(each.total for each in some)
    share = sum(each.estimated for each in some) / stands_for
    size = stands_for**2 / sum(each.total**2 / each.sampled for each in some)
    return Stratum(sum(each.total for each in strata), size, share * size)


def known(strata: Sequence[Stratum]) -> bool:
    """Whether every stratum that has comments was sampled."""
    return all(stratum.sampled for stratum in strata if stratum.total)


def share_of_all(strata: Sequence[Stratum]) -> Estimate | None:
    """The share of hits in all strata; for one stratum with the interval of Clopper and Pearson."""
    strata = [stratum for stratum in strata if stratum.total]
    if not strata or not known(strata):
        return None
    if len(strata) == 1:
        return Estimate(strata[0].share, *clopper_pearson(strata[0].hits, strata[0].sampled))
    total = sum(stratum.total for stratum in strata)
    return _with_interval(sum(each.estimated for each in strata) / total, [(1.0, each) for each in strata], total)


def found_share(found: Sequence[Stratum], missed: Sequence[Stratum]) -> Estimate | None:
    """The share of all hits that lie in the strata `found`: recall, as a ratio of two estimated totals."""
    found, missed = ([each for each in strata if each.total] for strata in (found, missed))
    if not known(found) or not known(missed):
        return None
    hits = sum(stratum.estimated for stratum in found)
    everything = hits + sum(stratum.estimated for stratum in missed)
    if not everything:
        return None
    ratio = hits / everything
    # Linearized: a hit that was found raises the ratio by 1 - ratio; a hit that was missed lowers it by ratio.
    return _with_interval(
        ratio, [*((1 - ratio, each) for each in found), *((-ratio, each) for each in missed)], everything
    )


def standard_error(weighted: Sequence[tuple[float, Stratum]], divisor: float) -> float | None:
    variances = [stratum.variance for _, stratum in weighted]
    if any(variance is None for variance in variances):
        return None
    return math.sqrt(sum(w * w * (v or 0.0) for (w, _), v in zip(weighted, variances, strict=True))) / divisor


def _with_interval(value: float, weighted: Sequence[tuple[float, Stratum]], divisor: float) -> Estimate:
    """The interval is computed on the logit scale, so that it stays within 0 and 1."""
    error = standard_error(weighted, divisor)
    if error is None or not 0 < value < 1:
        return Estimate(value)
    middle, width = math.log(value / (1 - value)), Z95 * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-(middle + side * width))) for side in (-1, 1))
    return Estimate(value, low, high)


def clopper_pearson(hits: float, sampled: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share: all values that a binomial test at (1 - level) / 2 per side does not reject."""
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _beta_quantile(tail, hits, sampled - hits + 1)
    high = 1.0 if hits >= sampled else _beta_quantile(1 - tail, hits + 1, sampled - hits)
    return low, high


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value for pairs in which exactly one of two is wrong."""
    pairs = only_first + only_second
    fewer = min(only_first, only_second)
    if only_first == only_second:
        return 1.0
    # P(Bin(n, 1/2) <= k) is a regularized incomplete beta function.
    return min(1.0, 2 * beta_cdf(0.5, pairs - fewer, fewer + 1))


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function by its continued fraction (DLMF 8.17.22), accurate to about 1e-14."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Evaluates the continued fraction with Lentz's algorithm."""
    tiny = 1e-300
    numerator, denominator = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1), tiny)
    value = denominator
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            denominator = 1 / _apart(1 + term * denominator, tiny)
            numerator = _apart(1 + term / numerator, tiny)
            step = numerator * denominator
            value *= step
        if abs(step - 1) < 1e-15:  # noqa: PLR2004 - the precision of a float
            break
    return value


def _apart(number: float, tiny: float) -> float:
    return number if abs(number) > tiny else tiny


def _beta_quantile(p: float, a: float, b: float) -> float:
    """By bisection: sixty steps exceed the precision of a float."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(middle, a, b) < p else (low, middle)
    return (low + high) / 2
