"""How much a model would learn from a person's answer about a comment, and how probable its draw is for that.

thresholds.md, section 8: pi = eps + (1 - eps) * w, here times the share that the site names. w grows with the doubt of
the score and with the disagreement of the readers, and eps keeps a positive chance for every comment. So an estimate in
which each comment counts 1 / pi has no bias (Horvitz and Thompson, JASA 47, 1952; Hajek, 1971).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from service.values.domain import Urgency
from service.values.policy import Policy, Thresholds

# The part of the share that is drawn without regard to the scores.
EPS = 0.2
# Draws from one cluster of near copies in a day (UTC). Each of them divides the probability of the next copy by four.
MOST_OF_CLUSTER = 3
_LEAST = 1e-6


class LearningDraw(NamedTuple):
    """A comment whose draw lies in the reach of `inclusion`; Redis draws it unless the day's or the cluster's number is
    used up, or the probability fell for that. `most`: a day. `fingerprints`: of the cluster, at least one.
    """

    inclusion: float
    most: int
    fingerprints: tuple[str, ...]
    urgency: Urgency


def teaching(scores: Mapping[str, float], limits: Mapping[str, Thresholds], disagreement: float) -> float:
    """w, in [0, 1]: 0 for a comment on which all is certain.

    `disagreement`: of the readers, in [0, 1]. Doubt and disagreement are combined so that either is enough.
    """
    return 1 - (1 - doubt(scores, limits)) * (1 - min(1.0, max(0.0, disagreement)))


def doubt(scores: Mapping[str, float], limits: Mapping[str, Thresholds]) -> float:
    """The largest of all attributes with thresholds, in [0, 1]; 1: a score is at a threshold, or at 0.5.

    Near a threshold it is the ratio of the odds of both; else the entropy of the score in bits.
    """
    most = 0.0
    nearest = 0.5  # the distance to 0.5, from which the entropy follows
    for attribute, limit in limits.items():
        score = scores.get(attribute, math.nan)
        if not 0 <= score <= 1:
            continue
        distance = abs(score - 0.5)
        nearest = min(nearest, distance)
        odds = _odds(score)
        for threshold in (limit.review_at, limit.reject_at):
            if threshold is None:
                continue
            ratio = odds / _odds(threshold)
            if (closeness := ratio if ratio < 1 else 1 / ratio) > most:
                most = closeness
    return max(most, _entropy(0.5 - nearest))


def _odds(p: float) -> float:
    if p < _LEAST:
        p = _LEAST
    elif p > 1 - _LEAST:
        p = 1 - _LEAST
    return p / (1 - p)


def _entropy(p: float) -> float:
    """In bits."""
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p) if 0 < p < 1 else 0.0


def learning_inclusion(policy: Policy, weight: float) -> float:
    """The probability of a draw before the day's number and near copies are looked at. `weight`: see `teaching`.

    Audits take the lowest draws and these the highest, so it is at most what audits leave.
    """
    review = policy.review
    audited = max(review.audit_approved or 0.0, review.audit_rejected or 0.0)
    return max(0.0, min((review.learning_share or 0.0) * (EPS + (1 - EPS) * weight), 1.0 - audited))
