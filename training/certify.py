"""From audited and reviewed comments to a certificate: folds by time, strata by language, tests in a fixed order.

The labels of the certify fold are opened once for each certificate. All choices before that (folds, strata, the grid of
levels, which audits are used) look at scores, times and inclusion probabilities only.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Literal
from uuid import uuid4

import msgspec
import numpy as np
from msgspec import Struct

from training.certification import Trial, fixed_sequence, sample_for_power, smallest_sample, upper_bounds
from training.errors import DataUnusable

# Most levels that are tested in a stratum.
GRID = 40
# At least this share of the comments that went to people must have been decided, because the others may differ.
LEAST_ANSWERED = 0.95
# Comments that came when audits were rarest may be left out, up to this share of all.
MOST_LEFT_OUT = 0.1
# Answers from which levels are chosen.
LEAST_TUNE = 200
BINS = 10
TARGETS = ("max_wrong_approve", "max_missed", "max_wrong_reject")
SIDES: Mapping[str, Literal["approve", "reject"]] = {
    "max_wrong_approve": "approve",
    "max_missed": "approve",
    "max_wrong_reject": "reject",
}

NOT_PROMISED = (
    "anything after the traffic changes: the watch notices that by audits, and so not at once",
    "truth beyond the judgement of the moderators: an error that they share is not counted",
    "the rate in a single language, section or group, except where a language has its own line",
    "that the entries of word lists stay as they were",
)


class Targets(Struct, frozen=True, omit_defaults=True):
    """The targets of a policy, as the service tells them."""

    max_wrong_approve: float | None = None
    max_wrong_reject: float | None = None
    max_missed: float | None = None
    confidence: float = 0.95
    when_broken: str = "review"

    @property
    def wanted(self) -> dict[str, float]:
        return {name: alpha for name in TARGETS if (alpha := getattr(self, name)) is not None}


class Certifiable(Struct, frozen=True):
    """GET /v1/policies/{name}/certifiable."""

    site: str
    policy: str
    decides: str
    model: str
    model_version: str
    targets: Targets | None
    lowest: int
    highest: int
    boldest_approve: int | None
    boldest_reject: list[int | None]
    reviewed: int
    answered: int


class SampleLine(Struct, frozen=True):
    """A line of GET /v1/policies/{name}/sample."""

    cursor: str
    id: str
    revision: int
    at: datetime
    verdict: str = ""
    decision: str | None = None
    inclusion: float = 1.0
    language: str | None = None
    approve_level: int | None = None
    reject_level: int | None = None
    risk: float | None = None
    retracts: str | None = None

    def level(self, side: str) -> int | None:
        return self.approve_level if side == "approve" else self.reject_level

    @property
    def violates(self) -> bool:
        return self.verdict == "reject"


class DrawLine(Struct, frozen=True):
    """A draw of GET /v1/review/draws."""

    comment: str
    revision: int
    at: datetime
    decision: str
    inclusion: float
    model: str
    state: str
    language: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class CertifyOptions:
    """`certify_share`: of the comments, by time. `begins`: the earliest time of the certify fold, because labels before
    were used. `by_language`: languages with enough audits get a stratum of their own, all others go to people.
    """

    certify_share: float = 0.7
    begins: datetime | None = None
    wait: timedelta = timedelta(hours=24)
    by_language: bool = True
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """`open`: audits drawn in this time that nobody answered, which count as wrong. `ends`: where the wait begins,
    whether or not anybody answered until then.
    """

    tune: list[SampleLine]
    certify: list[SampleLine]
    begins: datetime
    ends: datetime
    open: Sequence[SampleLine] = ()


def valid(lines: Iterable[SampleLine]) -> list[SampleLine]:
    """The newest answer to each revision that was not retracted, oldest first."""
    kept = list(lines)
    retracted = {(line.id, line.retracts) for line in kept if line.retracts}
    newest: dict[tuple[str, int], SampleLine] = {}
    drawn: dict[tuple[str, int], float] = {}
    for line in kept:
        if line.retracts or not line.verdict or (line.id, line.cursor) in retracted:
            continue
        key = (line.id, line.revision)
        drawn.setdefault(key, line.inclusion)
        newest[key] = msgspec.structs.replace(line, inclusion=drawn[key])
    return sorted(newest.values(), key=lambda line: line.at)


def placed(lines: Iterable[SampleLine], draws: Iterable[DrawLine]) -> list[SampleLine]:
    """Audits at the time of their draw, reviews at that of their answer; oldest first.

    So who answers an audit, or when, moves none into a fold or out of it.
    """
    drawn = {(draw.comment, draw.revision): draw.at for draw in draws}
    found = [msgspec.structs.replace(line, at=drawn.get((line.id, line.revision), line.at)) for line in lines]
    return sorted(found, key=lambda line: line.at)


def unanswered(draws: Sequence[DrawLine], about: Certifiable, fold: Fold) -> list[SampleLine]:
    """The audits drawn in the time of the fold that nobody answered, as lines that count as wrong whatever the level:
    what is appealed or erased is more often wrong than the rest. Those under other rules have no place in the sample.
    """
    others = _other_rules(draws, fold)
    return [
        SampleLine(
            cursor="",
            id=draw.comment,
            revision=draw.revision,
            at=draw.at,
            verdict="reject" if draw.decision == "approve" else "approve",
            decision=draw.decision,
            inclusion=draw.inclusion,
            language=draw.language or None,
            approve_level=about.lowest if draw.decision == "approve" else None,
            reject_level=about.lowest if draw.decision == "reject" else None,
        )
        for draw in draws
        if draw.state != "answered"
        and draw.model == about.model_version
        and draw.policy not in others
        and fold.begins <= draw.at <= fold.ends
    ]


def _other_rules(draws: Sequence[DrawLine], fold: Fold) -> set[str]:
    """Versions of the policy whose audits were answered, but whose answers are not in the sample."""
    found = {(line.id, line.revision) for line in (*fold.tune, *fold.certify)}
    answered = [draw for draw in draws if draw.state == "answered" and draw.at <= fold.ends]
    used = {draw.policy for draw in answered if (draw.comment, draw.revision) in found}
    return {draw.policy for draw in answered if draw.policy} - used


def folds(lines: Sequence[SampleLine], options: CertifyOptions) -> Fold:
    """Split by time: the newest answers certify. Raises DataUnusable if there are none.

    The fold ends where the wait begins, not at its last answer: audits that nobody answered since count, too.
    """
    until = (options.now or datetime.now(UTC)) - options.wait
    usable = [line for line in lines if line.at <= until]
    unused = [line for line in usable if options.begins is None or line.at > options.begins]
    if not unused:
        since = f" since {options.begins:%Y-%m-%d %H:%M} UTC" if options.begins else ""
        raise DataUnusable(f"no audit or review{since} is at least {options.wait} old")
    # Answers that certified before can choose levels; after a change of the rules there are too few, so newer ones do.
    has_older = len(usable) - len(unused) >= LEAST_TUNE
    first = 0 if has_older else min(len(unused) - 1, int(len(unused) * (1 - options.certify_share)))
    certify = unused[first:]
    tune = [line for line in usable if line.at < certify[0].at]
    # Nor does it begin at its first answer, if it follows an earlier fold.
    begins = certify[0].at if first or options.begins is None else options.begins + timedelta(microseconds=1)
    return Fold(tune, certify, begins, max(until, begins + timedelta(microseconds=1)))


def common_inclusion(lines: Sequence[SampleLine]) -> float:
    """The inclusion probability to which the lines are thinned, so that all of them are a simple random sample.

    The one that keeps most lines, if comments that were drawn more rarely are at most MOST_LEFT_OUT of all.
    """
    counts = Counter(line.inclusion for line in lines)
    total = sum(n / pi for pi, n in counts.items())
    allowed = [pi for pi in counts if sum(n / each for each, n in counts.items() if each < pi) <= MOST_LEFT_OUT * total]
    return max(allowed, key=lambda pi: sum(n * pi / each for each, n in counts.items() if each >= pi))


def thinned(lines: Sequence[SampleLine], inclusion: float) -> list[SampleLine]:
    """Keep each line with probability inclusion / its own. A hash decides, so that a repeated run keeps the same."""
    return [
        line
        for line in lines
        if line.inclusion == inclusion or (line.inclusion > inclusion and _draw(line) < inclusion / line.inclusion)
    ]


def _draw(line: SampleLine) -> float:
    digest = hashlib.blake2b(f"{line.id}\n{line.revision}".encode(), digest_size=7, person=b"certify").digest()
    return int.from_bytes(digest) / 2**56


def pool(lines: Sequence[SampleLine], target: str, most: int) -> list[SampleLine]:
    """A simple random sample of the comments that thresholds up to level `most` decide; for missed ones, of all.

    Comments that cannot be in a region do not enter, because they may have been drawn more rarely than the others.
    """
    side = SIDES[target]
    found = [line for line in lines if target == "max_missed" or _is_within(line, side, most)]
    return thinned(found, common_inclusion(found)) if found else []


def grid(tune: Sequence[SampleLine], side: str, most: int, first: tuple[int, int], scale: float) -> list[int]:
    """Levels from the safest to the boldest at quantiles of the tune fold; labels are not looked at.

    `first`: how many comments the first level should have in the certify fold, which is `scale` times as large as the
    tune fold: at least so many that it can pass at all; better so many that it may have a few errors, but no more than
    half of the fold, because the first failure ends the tests.
    """
    levels = sorted(level for line in tune if (level := line.level(side)) is not None and level <= most)
    if not levels:
        return [most]
    least, better = first
    expected = max(1.0, scale * len(levels))
    start = min(1.0, max(1.25 * least, min(better, expected / 2)) / expected)
    found = np.quantile(levels, np.linspace(start, 1, GRID), method="higher")
    return sorted({*map(int, found), most})


@dataclass(frozen=True, slots=True)
class TestedTarget:
    """`target`: its test, with the share of wrong decisions in the largest region, for advice."""

    target: str
    alpha: float
    delta: float
    trial: Trial

    @property
    def passed(self) -> list[int]:
        last = self.trial.chosen
        return [] if last is None else [step.level for step in self.trial.steps[: last + 1]]


def test(lines: Sequence[SampleLine], target: str, levels: Sequence[int], alpha: float, delta: float) -> TestedTarget:
    """The tests of one target on the labels of the certify fold."""
    side = SIDES[target]
    wrong = [line for line in lines if line.violates is (side == "approve")]
    base = wrong if target == "max_missed" else lines
    k = _decided(wrong, side, levels)
    n = [len(base)] * len(levels) if target == "max_missed" else _decided(base, side, levels)
    return TestedTarget(target, alpha, delta, fixed_sequence(levels, n, k, alpha, delta))


def _decided(lines: Iterable[SampleLine], side: str, levels: Sequence[int]) -> list[int]:
    """How many of the lines thresholds of each level decide."""
    lowest = np.sort([level for line in lines if (level := line.level(side)) is not None])
    return [int(each) for each in np.searchsorted(lowest, levels, side="right")]


def _is_within(line: SampleLine, side: str, level: int) -> bool:
    lowest = line.level(side)
    return lowest is not None and lowest <= level


def strata_of(
    tune: Sequence[SampleLine], certify: Sequence[SampleLine], least: int, options: CertifyOptions
) -> list[str | None]:
    """Languages that get a stratum of their own, by the number of answers; None: the only stratum, for all."""
    if not options.by_language:
        return [None]
    counts = Counter(line.language for line in (*tune, *certify) if line.language)
    return [language for language, n in counts.most_common() if n >= 2 * least] or [None]


def advice(tested: TestedTarget, days: float) -> str:
    """In plain words, how many more audits a target would take that failed; `days`: that the fold covers."""
    step = tested.trial.steps[0] if tested.trial.steps else None
    n, k = (step.n, step.k) if step else (0, 0)
    least = smallest_sample(tested.alpha, tested.delta, k)
    share = f"{tested.alpha:.3g}"
    if n and k / n >= tested.alpha:
        return (
            f"{tested.target}: {k} of {n} decisions that even the safest thresholds would make were wrong, which is "
            f"more than {share}. More audits will not help; set other thresholds, or train a better model."
        )
    likely = sample_for_power(tested.alpha, k / n if n else tested.alpha / 3, tested.delta)
    missing = max(1, (likely or least) - n)
    rate = n / days if days >= 1 else 0
    time = f", about {math.ceil(missing / rate)} more days at {rate:.0f} a day" if rate >= 1 else ""
    return (
        f"{tested.target}: {n} audits of such decisions were answered, {k} of them wrong. With as few wrong ones it "
        f"takes at least {least}; to pass in 8 of 10 cases, about {missing} more answers are needed{time}."
    )


def upper(trial: Trial, delta: float) -> float | None:
    if trial.chosen is None:
        return None
    step = trial.steps[trial.chosen]
    return float(upper_bounds(step.n, step.k, delta))


def histogram(lines: Sequence[SampleLine]) -> dict[str, list[float] | list[int]] | None:
    """Deciles of risk, each line counted for as many comments as it stands for."""
    found = [(line.risk, 1 / line.inclusion) for line in lines if line.risk is not None]
    if not found:
        return None
    risks, weights = (np.array(each) for each in zip(*sorted(found), strict=True))
    shares = np.cumsum(weights) / weights.sum()
    at = np.searchsorted(shares, np.arange(1, BINS) / BINS)
    bounds = np.unique(risks[np.minimum(at, len(risks) - 1)])
    counts = np.bincount(np.searchsorted(bounds, risks, side="right"), weights, minlength=len(bounds) + 1)
    return {"bounds": [float(each) for each in bounds], "counts": [round(each) for each in counts]}


def new_id() -> str:
    return f"c-{uuid4().hex[:16]}"


def code_version() -> str:
    return version("comment-steward")
