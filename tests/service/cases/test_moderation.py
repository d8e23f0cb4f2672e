"""Scores on their way from the model to the decision."""

import math
import random
from datetime import UTC, datetime
from typing import Any

import classifier
from service.cases.moderation import Moderation
from service.cases.scores import TextScores
from service.values.access import ApiKey, Scope
from service.values.domain import Action, Comment
from service.values.policy import DEFAULT, Policy, decide


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


class Fakes:
    """The models, directory and store that Moderation needs; counts how often the policy is looked up."""

    salt = b"salt"

    def __init__(self) -> None:
        self.current = classifier.load(classifier.SHIPPED)
        self.comments = self
        self.lookups = 0

    def of(self, site: str) -> classifier.Model:
        assert site == "news"
        return self.current

    def policy(self, site: str) -> Policy:
        assert site == "news"
        self.lookups += 1
        return DEFAULT

    async def rules(self, site: str, policy: Policy) -> None:
        assert (site, policy) == ("news", DEFAULT)

    async def submit(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        return "created", (args, kwargs)


async def test_one_version_of_the_policy_decides_all_about_a_comment() -> None:
    fakes: Any = Fakes()
    moderation = Moderation(fakes, fakes, fakes, fakes)
    try:
        key = ApiKey("abcdefgh", "news", frozenset(Scope), "admin", "", datetime.now(UTC))
        await moderation.submit(key, Comment("Thank you."))
        assert fakes.lookups == 1
        judgement = moderation.judge("news", "Thank you.")
        await moderation.record("news", Comment("Thank you."), judgement, actor="admin")
        assert fakes.lookups == 3
        await moderation.judge_all("news", "Thank you very much. " * 2_000)
        assert fakes.lookups == 4, "one for all windows of a long text"
    finally:
        moderation.executor.close()
