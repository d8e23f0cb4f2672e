"""Rules that need not be tried are the same as those that do not hold."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.compiled import Facts, compile_rules
from service.values.domain import Article, Author
from service.values.lists import ListEntry, WordList
from service.values.rules import Rule

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LISTS = {"house": WordList("house", (ListEntry("fool"), ListEntry("white trash"), ListEntry("$$$")))}
LEAVES: tuple[Mapping[str, Any], ...] = (
    *(
        {"words": {"list": "house"}},
        {"words": {"list": "gone"}},
        {"words": {"any": ["fool", "ape"]}},
        {"pattern": "b+"},
    ),
    *({"links": {}}, {"links": {"domains": ["example.org"]}}, {"links": {"at_least": 2}}, {"links": {"email": True}}),
    *({"score": {"attribute": "spam", "at_least": each}} for each in (0.2, 0.5, 0.9)),
    *({"score": {"attribute": "spam", "below": 0.5}}, {"score": {"attribute": "spam", "at_least": 0.3, "below": 0.6}}),
    *({"score": {"attribute": "toxicity", "at_least": 0.5}}, {"author": {"new": 60}}, {"author": {"trusted": True}}),
    *({"article": {"ids": ["1"]}}, {"article": {"section": ["sport"]}}, {"article": {"older_than_s": 60}}),
    *({"text": {"longer_than": each}} for each in (4, 5, 30)),
    *({"text": {"shorter_than": each}} for each in (4, 5, 30)),
    *(
        {"text": {"capitals_above": 0.5}},
        {"text": {"language": ["en"], "longer_than": 2}},
        {"time": {"hours": [0, 13]}},
    ),
    *({"velocity": {"by": "site", "more_than": 1, "s": 60}}, {"duplicate": {"match": "near"}}),
)
WHENS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"all": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"any": some}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=5,
)
FACTS = st.builds(
    Facts,
    st.sampled_from(["fool", "FOOL bb", "see example.org", "a@example.org, other.net", "white trash $$$", "nothing"]),
    st.sampled_from(["", "en", "de"]),
    st.sampled_from([{}, {"spam": 0.2}, {"spam": 0.5, "toxicity": 0.4}, {"spam": 0.95, "toxicity": 0.9}]),
    st.sampled_from([None, Author(id="a"), Author(id="a", trusted=True)]),
    st.sampled_from([None, Article(id="1"), Article(section="sport", published_at=NOW - timedelta(hours=1))]),
    st.just(NOW),
)


@given(st.lists(WHENS, min_size=1, max_size=6), FACTS)
@settings(max_examples=300, deadline=None)
def test_each_rule_says_among_others_what_it_says_when_it_is_always_tried(
    whens: list[Mapping[str, Any]], facts: Facts
) -> None:
    def said(some: list[Mapping[str, Any]]) -> tuple[Any, ...]:
        rules = [
            msgspec.convert({"id": f"r{at}", "when": when, "then": {"action": "review"}}, Rule)
            for at, when in enumerate(some)
        ]
        found = compile_rules(rules, {}, LISTS, ["spam", "toxicity"], date(2026, 11, 30)).evaluate(facts)
        open_rules = {(each.rule.rule, repr(each.expression)) for each in found.open}
        return {each.rule for each in found.fired}, open_rules, set(found.unavailable)

    # A denial is always tried, and two of them change nothing.
    assert said(whens) == said([{"not": {"not": when}} for when in whens])
