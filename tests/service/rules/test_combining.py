"""Laws that hold for all rules, whatever they are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from combined import KNOWN, compiled, facts, rule, value
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.compiled import Facts
from service.rules.holding import Counters, counts_needed, holds
from service.values.domain import Action, Article, Author
from service.values.rules import AuthorStatus, FiredRule, Rule, RuleAction, most_severe

LEAVES: Sequence[Mapping[str, Any]] = (
    {"words": {"any": ["fool"]}},
    {"pattern": "b+"},
    {"links": {}},
    {"score": {"attribute": "toxicity", "at_least": 0.5}},
    {"author": {"trusted": True}},
    {"author": {"trusted": False}},
    {"author": {"new": 60}},
    {"author": {"approved_below": 3, "status": ["active"]}},
    {"author": {"rejected_share_above": 0.5}},
    {"author": {"rejected_at_least": 2}},
    {"velocity": {"by": "author", "more_than": 5, "s": 60}},
    {"velocity": {"by": "site", "more_than": 1, "s": 60}},
    {"duplicate": {"match": "near"}},
    {"text": {"longer_than": 10}},
    {"time": {"weekdays": [1, 2, 3]}},
    {"article": {"section": ["sport"]}},
)
WHENS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"all": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"any": some}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=8,
)
TEXTS = st.sampled_from(["fool", "b example.org", "f.o.o.l bb and more", "nothing of that kind", "x"])
FACTS = st.builds(
    lambda text, score, author, section: facts(
        text, scores={"toxicity": score}, author=author, article=Article(section=section)
    ),
    TEXTS,
    st.sampled_from([0.1, 0.9]),
    st.sampled_from([None, KNOWN, Author(id="a", trusted=True), Author(trusted=True)]),
    st.sampled_from([None, "sport"]),
)
COUNTERS = st.builds(
    lambda seen_s, approved, rejected, status, rate, same: Counters(
        seen_s=seen_s,
        approved=approved,
        rejected_by_days={30: rejected},
        decided_by_days={30: approved + rejected},
        status=status,
        velocity={("author", 60): rate, ("site", 60): rate},
        duplicates={("near", "site", 86_400): same},
    ),
    st.sampled_from([None, 10.0, 100.0]),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(list(AuthorStatus)),
    st.integers(1, 8),
    st.integers(1, 5),
)


def directly(when: Mapping[str, Any], of: Facts, counters: Counters) -> bool:
    """The whole condition, decided part by part with everything known."""
    ((name, asked),) = when.items()
    if name == "all":
        return all(directly(each, of, counters) for each in asked)
    if name == "any":
        return any(directly(each, of, counters) for each in asked)
    if name == "not":
        return not directly(asked, of, counters)
    found = value(when, of)
    return found if isinstance(found, bool) else holds(found, counters)


@given(WHENS, FACTS, COUNTERS)
@settings(max_examples=150, deadline=None)
def test_what_stays_open_means_the_same_as_the_whole_condition(
    when: Mapping[str, Any], of: Facts, counters: Counters
) -> None:
    found = value(when, of)
    whole = found if isinstance(found, bool) else holds(found, counters)
    assert whole is directly(when, of, counters)


@given(WHENS, FACTS, COUNTERS)
@settings(max_examples=150, deadline=None)
def test_no_rule_holds_unless_one_of_the_counts_that_it_needs_is_passed(
    when: Mapping[str, Any], of: Facts, counters: Counters
) -> None:
    found = value(when, of)
    needed = None if isinstance(found, bool) else counts_needed(found)
    if needed is not None and holds(found, counters):
        assert any(holds(each, counters) for each in needed)


def test_of_conditions_that_must_all_hold_the_fewest_counts_are_watched() -> None:
    few, many = ("velocity", "site", 1, 60), [("duplicate", match, "site", 3, 60) for match in ("near", "links")]
    assert counts_needed(("all", ("approved_below", 1), ("any", *many), few)) == (few,)
    assert counts_needed(("any", few, ("approved_below", 1))) is None
    assert counts_needed(("not", few)) is None


RULES = st.lists(
    st.tuples(WHENS, st.sampled_from(list(RuleAction)), st.sampled_from(["on", "on", "shadow"]), st.booleans()),
    max_size=5,
).map(
    lambda some: [
        rule(
            when,
            f"r{at}",
            state=state,
            then={"action": action.value, "override": does_override and action is RuleAction.APPROVE},
        )
        for at, (when, action, state, does_override) in enumerate(some)
    ]
)
SEVERITY = [Action.APPROVE, Action.REVIEW, Action.REJECT]


def decided(rules: Sequence[Rule], of: Facts, counters: Counters, model: Action) -> tuple[Action, set[FiredRule]]:
    found = compiled(*rules).evaluate(of)
    fired = found.fired + tuple(each.rule for each in found.open if holds(each.expression, counters))
    return most_severe(model, fired, is_unavailable=bool(found.unavailable)), set(fired)


@given(RULES, WHENS, FACTS, COUNTERS, st.sampled_from(SEVERITY))
@settings(max_examples=100, deadline=None)
def test_one_more_reject_rule_never_makes_a_decision_milder(
    rules: list[Rule], when: Mapping[str, Any], of: Facts, counters: Counters, model: Action
) -> None:
    before, _ = decided(rules, of, counters, model)
    after, _ = decided([*rules, rule(when, "more")], of, counters, model)
    assert SEVERITY.index(after) >= SEVERITY.index(before)


@given(RULES, FACTS, COUNTERS, st.sampled_from(SEVERITY), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rules_never_matters(
    rules: list[Rule], of: Facts, counters: Counters, model: Action, random: Any
) -> None:
    shuffled = random.sample(rules, len(rules))
    assert decided(rules, of, counters, model) == decided(shuffled, of, counters, model)


@given(RULES, st.lists(FACTS, min_size=2, max_size=4))
@settings(max_examples=80, deadline=None)
def test_what_a_comment_gets_never_depends_on_those_before_it(rules: list[Rule], some: list[Facts]) -> None:
    """What rules on counts alone leave open is remembered."""
    one = compiled(*rules)
    assert [one.evaluate(each) for each in some] == [compiled(*rules).evaluate(each) for each in some]


def test_rules_on_counts_alone_still_see_the_links_of_each_text() -> None:
    near = {"duplicate": {"match": "near"}}
    one = compiled(rule({"all": [{"links": {"at_least": 1}}, near]}, "a"), rule(near, "b"))
    texts = ("nothing", "b example.org", "nothing", "b example.com")
    found = [one.evaluate(facts(text)) for text in texts]
    assert [len(each.open) for each in found] == [1, 2, 1, 2]
    assert [[link.host for link in each.links or ()] for each in found] == [[], ["example.org"], [], ["example.com"]]
