"""Blind audits: what was drawn, what became of it, and the estimates that follow.

The audited comments are a random sample of the automatic decisions (docs/queue.md). Some are never answered, because
the comment was edited or erased first. Comments that are changed or appealed are wrong more often than others. So an
estimate has two intervals: one as if the unanswered were like the answered, and one for the worst that they could be.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from service.values.domain import Action, DecidedBy, Verdict
from service.values.statistics import Estimate, Stratum, clopper_pearson, found_share, pooled, share_of_all


class DrawState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    LOST = "lost"


class ModelPair(NamedTuple):
    """The digests of a model in use and of one in shadow, which were compared."""

    champion: str
    challenger: str


class Draw(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An automatic decision that was drawn for a blind audit, or to learn from, and what became of it.

    `inclusion`: the probability of the draw. `scores`: of the attributes that led to the decision. `lost`: why nobody
    can answer: `edited`, `erased` or `queue_full`. `is_blind`: whoever answered did not see the decision; false after
    an appeal or an undo. `would`: what the model in shadow of these `models` would have done, if that was the cause of
    the draw.
    """

    comment: str
    revision: int
    at: datetime
    decision: Action
    inclusion: float
    scores: dict[str, float]
    language: str
    model: str
    policy: str
    decided_by: DecidedBy
    state: DrawState
    verdict: Verdict | None = None
    lost: str | None = None
    settled_at: datetime | None = None
    is_blind: bool = True
    would: Action | None = None
    models: ModelPair | None = None

    @property
    def is_wrong(self) -> bool | None:
        """Whether the person contradicts the decision; None: nobody has answered."""
        return None if self.verdict is None else self.verdict.value != self.decision.value


class DrawnStratum(Struct, frozen=True):
    """Decisions drawn with one share: of `total`, `drawn` were to be audited and `answered` were.

    `hits`: the answered ones that have the property in question.
    """

    total: float
    drawn: int
    answered: int
    hits: int

    def as_answered(self) -> Stratum:
        """As if the unanswered were like the answered."""
        return Stratum(max(self.total, self.answered), self.answered, self.hits)

    def fewest(self) -> Stratum:
        """As if no unanswered one had the property."""
        return Stratum(max(self.total, self.drawn), self.drawn, self.hits)

    def most(self) -> Stratum:
        """As if every unanswered one had the property."""
        return Stratum(max(self.total, self.drawn), self.drawn, self.hits + self.drawn - self.answered)


class AuditCounts(Struct, frozen=True):
    """What became of the audits drawn: `answered`, still `open`, or `lost` because nobody can answer any more."""

    drawn: int
    answered: int
    open: int
    lost: Annotated[dict[str, int], Meta(description="By what happened: edited, erased, queue_full.")]


class AuditGroup(Struct, frozen=True):
    """The audits of some automatic decisions of one kind, and the share of these decisions that people contradict."""

    audits: AuditCounts
    wrong: Annotated[int, Meta(description="Answers that contradict the decision.")]
    wrong_share: Estimate | None


def audited_share(strata: Sequence[DrawnStratum]) -> Estimate | None:
    """The share with the property among the decisions of one kind that could be drawn; None: no answer yet.

    The interval is that of Clopper and Pearson; for several shares with the effective sample size (see `pooled`).
    """
    found, fewest, most = (
        pooled([count(each) for each in strata if each.drawn])
        for count in (DrawnStratum.as_answered, DrawnStratum.fewest, DrawnStratum.most)
    )
    if found is None or fewest is None or most is None:
        return None
    low, high = clopper_pearson(found.hits, found.sampled)
    lowest, _ = clopper_pearson(fewest.hits, fewest.sampled)
    _, highest = clopper_pearson(most.hits, most.sampled)
    return Estimate(found.share, low, high, min(lowest, low), max(highest, high))


Kinds = Sequence[Sequence[DrawnStratum]]


def share_of_kinds(kinds: Kinds) -> Estimate | None:
    """The share with the property among decisions of several kinds, each with its strata."""
    return _bounded(
        share_of_all(_each(kinds, DrawnStratum.as_answered)),
        share_of_all(_each(kinds, DrawnStratum.fewest)),
        share_of_all(_each(kinds, DrawnStratum.most)),
    )


def found_share_of_kinds(found: Kinds, missed: Kinds) -> Estimate | None:
    """Recall: the share of all that have the property that lies in the kinds `found`."""
    return _bounded(
        found_share(_each(found, DrawnStratum.as_answered), _each(missed, DrawnStratum.as_answered)),
        found_share(_each(found, DrawnStratum.fewest), _each(missed, DrawnStratum.most)),
        found_share(_each(found, DrawnStratum.most), _each(missed, DrawnStratum.fewest)),
    )


def _each(kinds: Kinds, count: Callable[[DrawnStratum], Stratum]) -> list[Stratum]:
    """One stratum for each kind. A kind of which nothing was drawn has no sample, so that nothing is claimed."""
    found = []
    for strata in kinds:
        counted = [count(each) for each in strata if each.total]
        total = sum(each.total for each in counted)
        if total:
            found.append(pooled(counted) or Stratum(total, 0, 0))
    return found


def _bounded(as_answered: Estimate | None, least: Estimate | None, most: Estimate | None) -> Estimate | None:
    if as_answered is None or least is None or most is None:
        return as_answered
    low = least.value if least.low is None else least.low
    high = most.value if most.high is None else most.high
    value = as_answered
    return Estimate(
        value.value,
        value.low,
        value.high,
        min(low, value.value if value.low is None else value.low),
        max(high, value.value if value.high is None else value.high),
    )


def counts(draws: Iterable[Draw]) -> AuditCounts:
    states: Counter[DrawState] = Counter()
    lost: Counter[str] = Counter()
    for draw in draws:
        states[draw.state] += 1
        if draw.lost is not None:
            lost[draw.lost] += 1
    return AuditCounts(states.total(), states[DrawState.ANSWERED], states[DrawState.OPEN], dict(lost))


def strata_of(draws: Iterable[Draw], is_hit: Callable[[Draw], bool]) -> list[DrawnStratum]:
    """One stratum for each inclusion probability. How many decisions it stands for is estimated from the draws."""
    by_share: dict[float, list[Draw]] = {}
    for draw in draws:
        by_share.setdefault(draw.inclusion, []).append(draw)
    found = []
    for share, some in sorted(by_share.items()):
        answered = [draw for draw in some if draw.state is DrawState.ANSWERED]
        found.append(DrawnStratum(len(some) / share, len(some), len(answered), sum(map(is_hit, answered))))
    return found


def group(draws: Sequence[Draw]) -> AuditGroup:
    """`draws`: of decisions of one kind."""
    return AuditGroup(
        counts(draws),
        sum(draw.is_wrong is True for draw in draws),
        audited_share(strata_of(draws, lambda draw: draw.is_wrong is True)),
    )


def attributes_of(draw: Draw) -> Sequence[str]:
    return list(draw.scores)


# What audits can be told apart by.
GROUPINGS: Mapping[str, Callable[[Draw], Sequence[str]]] = {
    "attribute": attributes_of,
    "language": lambda draw: [draw.language] if draw.language else [],
    "model": lambda draw: [draw.model],
    "policy": lambda draw: [draw.policy],
}


def grouped(draws: Iterable[Draw], names: Callable[[Draw], Sequence[str]]) -> dict[str, list[Draw]]:
    found: dict[str, list[Draw]] = {}
    for draw in draws:
        for name in names(draw):
            found.setdefault(name, []).append(draw)
    return found
