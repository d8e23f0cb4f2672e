"""Scores on their way from the model to the decision."""

import math
import random

from service.cases.moderation import TextScores
from service.values.domain import Action
from service.values.policy import DEFAULT, decide


def test_scores_are_rounded_to_six_decimals() -> None:
    chance = random.Random(1)  # noqa: S311 - the same numbers each time
    for _ in range(10_000):
        p = chance.random() ** 4
        assert TextScores(("toxicity",), (p,)).all() == {"toxicity": round(p, 6)}
        assert TextScores(("toxicity",), (p,)).of("toxicity") == round(p, 6)
    assert TextScores(("a", "b"), (0.0, 1.0)).all() == {"a": 0.0, "b": 1.0}


def test_what_is_no_probability_reaches_the_decision_and_there_a_person() -> None:
    labels = tuple(DEFAULT.thresholds)
    for wrong in (math.nan, math.inf, -math.inf, -0.1, 1.1):
        scores = TextScores(labels, (wrong, *[0.0] * (len(labels) - 1))).all()
        assert decide(scores, DEFAULT).action is Action.REVIEW
