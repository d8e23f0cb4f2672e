"""Watches promises: whether audits contradict one, and whether comments or decisions changed. Pure functions.

Sources: Ville 1939; Waudby-Smith & Ramdas, JRSS B 86 (2023), for the e-process; Lin, IEEE Trans. Inf. Theory 37 (1991),
for the Jensen-Shannon distance. PSI is the population stability index of credit scoring, with its usual limits. All
commands load this module through the store: no numpy here.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import accumulate
from statistics import fmean, stdev

from msgspec import Struct

# The bets of the e-process: shares of wrong decisions, as multiples of the promised one, for which it grows fastest.
MULTIPLES = (2.0, 5.0)
# Of the population stability index: from the first value on look, from the second on act.
PSI_LOOK, PSI_ACT = 0.1, 0.25
# Standard deviations by which coverage or inflow may differ from the same hour of earlier weeks.
SIGMAS = 3.0
LEAST_WEEKS = 4
# Audits after which another product of the evidence begins, and how many of these blocks are kept apart.
BLOCK, MOST_BLOCKS = 50, 400
# Points of evidence that are kept for the plot.
MOST_POINTS = 240


class PromiseState(StrEnum):
    """`unknown`: nothing is promised, or no audit has checked it yet."""

    HOLDING = "holding"
    AT_RISK = "at_risk"
    BROKEN = "broken"
    UNKNOWN = "unknown"


def bet(alpha: float, share: float) -> float:
    """The stake that grows fastest if `share` of the decisions is wrong; it stays below 1 / alpha."""
    return (share - alpha) / (alpha * (1 - alpha))


def bets(alpha: float) -> tuple[float, ...]:
    return tuple(bet(alpha, min(multiple * alpha, (1 + alpha) / 2)) for multiple in MULTIPLES)


def log_product(audits: float, wrong: float, alpha: float, stake: float) -> float:
    """The logarithm of prod(1 + g (x - alpha)) over so many audits, of which so many were wrong. Also of arrays."""
    return wrong * math.log1p(stake * (1 - alpha)) + (audits - wrong) * math.log1p(-stake * alpha)


def log_evidence(blocks: Sequence[tuple[int, int]], alpha: float) -> float:
    """The logarithm of the e-process after these blocks of audits, each with its number of wrong ones.

    One product begins with each block, because after many good audits a single one would take long to recover. Their
    weights, 1 / ((m + 1)(m + 2)) for block m, add up to 1, and the weight of products that have not begun counts as it
    is. So this is a mixture of e-processes: if at most a share of alpha is wrong, the probability that it ever reaches
    1 / delta is at most delta, although every audit is looked at.
    """
    logs = []
    for stake in bets(alpha):
        gains = [log_product(n, k, alpha, stake) for n, k in blocks]
        since = [*accumulate(reversed(gains))][::-1]
        logs.append(_log_sum(gain - math.log((m + 1) * (m + 2)) for m, gain in enumerate(since)))
    not_begun = -math.log(len(blocks) + 1)
    return _log_sum((_log_sum(logs) - math.log(len(logs)), not_begun))


def _log_sum(logs: Iterable[float]) -> float:
    """The logarithm of the sum of what these are the logarithms of."""
    kept = [*logs]
    highest = max(kept, default=-math.inf)
    return highest if math.isinf(highest) else highest + math.log(math.fsum(math.exp(log - highest) for log in kept))


class Evidence(Struct, frozen=True, omit_defaults=True):
    """What audits say about one promise since its certificate.

    `blocks`: numbers of audits and of wrong ones, BLOCK audits each. `peak`: the highest logarithm of the evidence so
    far. `points`: audits, wrong ones and the logarithm after each look; at most MOST_POINTS, thinned out evenly.
    """

    blocks: tuple[tuple[int, int], ...] = ()
    peak: float = 0.0
    points: tuple[tuple[int, int, float], ...] = ()

    @property
    def audits(self) -> int:
        return sum(n for n, _ in self.blocks)

    @property
    def wrong(self) -> int:
        return sum(k for _, k in self.blocks)

    @property
    def log(self) -> float:
        return self.points[-1][2] if self.points else 0.0

    def with_outcome(self, is_wrong: bool, alpha: float) -> "Evidence":
        """After one more audit."""
        blocks = self.blocks
        if not blocks or blocks[-1][0] >= BLOCK:
            blocks = (*_fewer(blocks), (0, 0))
        n, k = blocks[-1]
        return self._after((*blocks[:-1], (n + 1, k + is_wrong)), alpha)

    def without_outcome(self, is_wrong: bool, alpha: float) -> "Evidence":
        """After a moderator took an answer back: one such outcome leaves the newest block that has one."""
        for place in range(len(self.blocks) - 1, -1, -1):
            n, k = self.blocks[place]
            if (k if is_wrong else n - k) > 0:
                kept = (n - 1, k - is_wrong)
                return self._after((*self.blocks[:place], kept, *self.blocks[place + 1 :]), alpha)
        return self

    def _after(self, blocks: tuple[tuple[int, int], ...], alpha: float) -> "Evidence":
        log = round(log_evidence(blocks, alpha), 4)
        points = (*self.points, (sum(n for n, _ in blocks), sum(k for _, k in blocks), log))
        if len(points) > MOST_POINTS:
            points = (*points[:-1:2], points[-1])
        return Evidence(blocks, max(self.peak, log), points)


def _fewer(blocks: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """At most MOST_BLOCKS: neighbors among the older half become one. Products that began between them are given up,
    which only lowers the evidence.
    """
    if len(blocks) < MOST_BLOCKS:
        return blocks
    half = len(blocks) // 4 * 2
    pairs = zip(blocks[:half:2], blocks[1:half:2], strict=True)
    return (*((n + m, k + j) for (n, k), (m, j) in pairs), *blocks[half:])


def state_of(evidence: Evidence, delta: float, *, is_drifting: bool = False) -> PromiseState:
    """`broken` from evidence of 1 / delta on, also if later audits are better: recovery is a person's decision.

    `at_risk`: half way there, on the logarithmic scale; or comments changed (`is_drifting`).
    """
    if evidence.peak >= -math.log(delta):
        return PromiseState.BROKEN
    if not evidence.audits:
        return PromiseState.UNKNOWN
    is_near = evidence.log >= -math.log(delta) / 2
    return PromiseState.AT_RISK if is_drifting or is_near else PromiseState.HOLDING


# What an empty bin counts as, so that the logarithms exist.
_TINY = 1e-6


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """The population stability index of two histograms over the same bins."""
    return math.fsum((q - p) * math.log(q / p) for p, q in zip(_shares(reference), _shares(current), strict=True))


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> float:
    """The Jensen-Shannon distance, base 2, of two histograms: 0 for equal ones, 1 for ones without a common bin."""
    pairs = [*zip(_shares(reference), _shares(current), strict=True)]
    divergence = math.fsum(each * math.log2(2 * each / (p + q)) for p, q in pairs for each in (p, q)) / 2
    return math.sqrt(max(0.0, divergence))


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    if total <= 0:
        raise ValueError("a histogram of nothing")
    shares = [max(count / total, _TINY) for count in counts]
    return [share / sum(shares) for share in shares]


class Drift(Struct, frozen=True, omit_defaults=True):
    """How the newest comments differ from those that the certificate was made from. No labels are needed."""

    comments: int
    psi: float
    jensen_shannon: float

    @property
    def must_act(self) -> bool:
        return self.psi > PSI_ACT


def drift(reference: Sequence[int], current: Sequence[int]) -> Drift | None:
    """None: one of the histograms is empty."""
    if not sum(reference) or not sum(current):
        return None
    return Drift(sum(current), psi(reference, current), jensen_shannon(reference, current))


class Departure(Struct, frozen=True, omit_defaults=True):
    """A figure of the last full hour, and the same hour of earlier weeks. `sigmas`: the distance in deviations."""

    now: float
    usual: float
    sigmas: float

    @property
    def is_notable(self) -> bool:
        return abs(self.sigmas) > SIGMAS


def departure(now: float, earlier: Sequence[float], least_deviation: float) -> Departure | None:
    """None: too few earlier weeks. `least_deviation`: what chance alone makes of such a figure."""
    if len(earlier) < LEAST_WEEKS:
        return None
    usual = fmean(earlier)
    deviation = max(stdev(earlier), least_deviation)
    if deviation <= 0:
        return Departure(now, usual, 0.0 if now == usual else math.copysign(math.inf, now - usual))
    return Departure(now, usual, (now - usual) / deviation)
