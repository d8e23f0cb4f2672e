"""What calmer thresholds hold."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.articles import ARTICLE_HEATED, Place, PlaceKind, calmer, held_if_heated, places_of
from service.values.domain import Action, Article
from service.values.policy import DEFAULT, Policy, Thresholds, decide
from service.values.review_settings import Reviewing

PROBABILITIES = st.floats(0, 1)
LIMITS = st.one_of(
    st.builds(Thresholds),
    st.builds(Thresholds, PROBABILITIES),
    st.tuples(PROBABILITIES, PROBABILITIES).map(lambda both: Thresholds(*sorted(both))),
    PROBABILITIES.map(lambda at: Thresholds(None, at)),
)
POLICIES = st.builds(
    lambda limits, factor: Policy(limits, review=Reviewing(heated_factor=factor)),
    st.dictionaries(st.sampled_from(sorted(DEFAULT.thresholds)), LIMITS, min_size=1),
    st.floats(0.01, 0.99),
)
SEVERITY = [Action.APPROVE, Action.REVIEW, Action.REJECT]


@given(POLICIES, st.fixed_dictionaries(dict.fromkeys(DEFAULT.thresholds, PROBABILITIES)))
def test_calmer_thresholds_never_make_a_decision_milder_and_never_reject_more(
    policy: Policy, scores: dict[str, float]
) -> None:
    before, after = decide(scores, policy).action, decide(scores, calmer(policy)).action
    assert SEVERITY.index(after) >= SEVERITY.index(before)
    assert (after is Action.REJECT) == (before is Action.REJECT)


def test_the_reason_is_the_score_furthest_above_its_calmer_threshold() -> None:
    policy = Policy({"toxicity": Thresholds(0.25, 0.98), "insult": Thresholds(0.3, 0.98)})
    scores = {"toxicity": 0.13, "insult": 0.29}
    assert decide(scores, policy).action is Action.APPROVE
    held = held_if_heated(scores, policy)
    assert held is not None
    (reason,) = held.reasons
    assert (reason.code, reason.attribute, reason.score) == (ARTICLE_HEATED, "insult", 0.29)
    assert (reason.review_at, reason.reject_at) == (0.15, 0.98)


def test_low_scores_are_approved_in_a_heated_article_too() -> None:
    assert held_if_heated(dict.fromkeys(DEFAULT.thresholds, 0.01), DEFAULT) is None


def test_where_only_rejections_have_a_threshold_people_look_from_a_part_of_it_on() -> None:
    policy = Policy({"insult": Thresholds(None, 0.8)})
    assert held_if_heated({"insult": 0.39}, policy) is None
    assert held_if_heated({"insult": 0.4}, policy) is not None


def test_toxicity_stands_in_for_a_kind_that_the_language_lacks() -> None:
    policy = msgspec.structs.replace(DEFAULT, thresholds={"toxicity": Thresholds(0.9), "threat": Thresholds(0.2)})
    held = held_if_heated({"toxicity": 0.15}, policy)
    assert held is not None
    assert held.reasons[0].attribute == "threat"


@pytest.mark.parametrize(
    ("article", "want"),
    [
        (None, ()),
        (Article(title="only a title"), ()),
        (Article("a:1"), (Place(PlaceKind.ARTICLE, "a:1"),)),
        (Article("a", section="s"), (Place(PlaceKind.ARTICLE, "a"), Place(PlaceKind.SECTION, "s"))),
    ],
)
def test_a_comment_stands_on_an_article_and_in_a_section(article: Article | None, want: tuple[Place, ...]) -> None:
    assert places_of(article) == want
