"""Rules are decided as far as that goes without Redis, and what stays open means the same as the whole condition."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.compiled import CompiledRules, Facts, Findings, compile_rules
from service.rules.holding import Counters, holds
from service.values.domain import Action, Article, Author
from service.values.lists import ListEntry, WordList
from service.values.rules import (
    AuthorStatus,
    Condition,
    FiredRule,
    ListUse,
    Match,
    Rule,
    RuleAction,
    RuleState,
    Then,
    most_severe,
)

TODAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
ATTRIBUTES = ("toxicity", "spam")


def condition(said: Mapping[str, Any]) -> Condition:
    return msgspec.convert(said, Condition)


def rule(when: Mapping[str, Any], name: str = "one", action: str = "reject", **more: Any) -> Rule:
    return msgspec.convert({"id": name, "when": when, "then": {"action": action}, **more}, Rule)


def compiled(*rules: Rule, uses: Mapping[str, ListUse] | None = None, lists: Sequence[WordList] = ()) -> CompiledRules:
    return compile_rules(rules, uses or {}, {each.name: each for each in lists}, ATTRIBUTES, TODAY)


def facts(
    text: str = "hello",
    *,
    language: str = "en",
    scores: Mapping[str, float] | None = None,
    author: Author | None = None,
    article: Article | None = None,
    now: datetime = NOW,
) -> Facts:
    return Facts(text, language, {"toxicity": 0.5, "spam": 0.1} if scores is None else scores, author, article, now)


def value(when: Mapping[str, Any], of: Facts | None = None, **more: Any) -> Any:
    """True, False, the open expression, or "unavailable"."""
    found = compiled(rule(when), **more).evaluate(of or facts())
    if found.unavailable:
        return "unavailable"
    return found.open[0].expression if found.open else bool(found.fired)


KNOWN = Author(id="a")


@pytest.mark.parametrize(
    ("when", "of", "expected"),
    [
        ({"words": {"any": ["fool"]}}, facts("a Fool!"), True),
        ({"words": {"any": ["fool"]}}, facts("foolish"), False),
        ({"words": {"any": ["fool"], "match": "stem"}}, facts("foolish"), True),
        ({"words": {"any": ["fool"], "unmask": False}}, facts("f.o.o.l"), False),
        ({"words": {"any": ["fool"]}}, facts("f.o.o.l"), True),
        ({"words": {"any": ["US"], "case": True}}, facts("us"), False),
        ({"pattern": "b+a"}, facts("xbbay"), True),
        ({"pattern": "^b"}, facts("ab"), False),
        ({"links": {}}, facts("see example.org"), True),
        ({"links": {"at_least": 2}}, facts("see example.org"), False),
        ({"links": {"domains": ["example.org"]}}, facts("https://www.example.org/x"), True),
        ({"links": {"domains": ["example.org"]}}, facts("https://notexample.org/x"), False),
        ({"links": {"not_domains": ["example.org"]}}, facts("https://example.org https://bit.ly/x"), True),
        ({"links": {"not_domains": ["example.org"]}}, facts("https://example.org"), False),
        ({"links": {"shortener": True}}, facts("https://bit.ly/x"), True),
        ({"links": {"shortener": True}}, facts("https://example.org/x"), False),
        ({"links": {"punycode": True}}, facts("https://xn--mnchen-3ya.de"), True),
        ({"links": {"punycode": True}}, facts("https://m\u00fcnchen.de"), True),
        ({"links": {"punycode": True}}, facts("https://example.org"), False),
        ({"links": {"bare": True}}, facts("see example.org"), True),
        ({"links": {"bare": True}}, facts("see https://example.org"), False),
        ({"links": {"email": True}}, facts("me@example.org"), True),
        ({"links": {"email": True}}, facts("https://example.org"), False),
        ({"links": {}}, facts("me@example.org"), False),
        ({"links": {"phone": True}}, facts("call +49 176 1234567"), True),
        ({"links": {"phone": True, "email": True}}, facts("me@example.org"), True),
        ({"score": {"attribute": "toxicity", "at_least": 0.5}}, facts(), True),
        ({"score": {"attribute": "toxicity", "below": 0.5}}, facts(), False),
        ({"score": {"attribute": "toxicity", "at_least": 0.5}}, facts(scores={}), "unavailable"),
        (
            {"score": {"attribute": "toxicity", "at_least": 0.5}},
            facts(scores={"toxicity": float("nan")}),
            "unavailable",
        ),
        ({"score": {"attribute": "gone", "at_least": 0.5}}, facts(scores={"gone": 0.9}), "unavailable"),
        ({"author": {"trusted": True}}, facts(author=Author(trusted=True)), True),
        ({"author": {"trusted": True}}, facts(author=KNOWN), ["status", "trusted"]),
        ({"author": {"trusted": False}}, facts(author=KNOWN), ["not", ["status", "trusted"]]),
        ({"author": {"trusted": False}}, facts(author=Author(id="a", trusted=True)), False),
        ({"author": {"trusted": True}}, facts(), False),
        ({"author": {"new": 60}}, facts(author=KNOWN), ["new", 60]),
        ({"author": {"new": 60}}, facts(author=Author(name="x")), True),
        ({"author": {"approved_below": 3}}, facts(author=KNOWN), ["approved_below", 3]),
        ({"author": {"approved_below": 3}}, facts(), True),
        ({"author": {"rejected_share_above": 0.5}}, facts(author=KNOWN), ["rejected_share_above", 0.5, 30]),
        ({"author": {"rejected_share_above": 0.5}}, facts(), False),
        ({"author": {"rejected_at_least": 3}}, facts(author=KNOWN), ["rejected_at_least", 3, 30]),
        ({"author": {"rejected_at_least": 3, "days": 7}}, facts(author=KNOWN), ["rejected_at_least", 3, 7]),
        ({"author": {"rejected_at_least": 3}}, facts(), False),
        (
            {"author": {"rejected_share_above": 0.5, "rejected_at_least": 3}},
            facts(author=KNOWN),
            ["all", ["rejected_share_above", 0.5, 30], ["rejected_at_least", 3, 30]],
        ),
        ({"velocity": {"by": "network", "more_than": 5, "s": 60}}, facts(), False),
        ({"author": {"status": ["active", "muted"]}}, facts(author=KNOWN), ["status", "active", "muted"]),
        ({"author": {"status": ["active", "muted"]}}, facts(), True),
        ({"author": {"status": ["banned"]}}, facts(), False),
        (
            {"author": {"new": 60, "approved_below": 3}},
            facts(author=KNOWN),
            ["all", ["new", 60], ["approved_below", 3]],
        ),
        ({"article": {"ids": ["1", "2"]}}, facts(article=Article(id="2")), True),
        ({"article": {"ids": ["1", "2"]}}, facts(article=Article(id="3")), False),
        ({"article": {"section": ["sport"]}}, facts(article=Article(section="sport")), True),
        ({"article": {"section": ["sport"]}}, facts(), False),
        ({"article": {"older_than_s": 60}}, facts(article=Article(published_at=NOW - timedelta(seconds=61))), True),
        ({"article": {"older_than_s": 60}}, facts(article=Article(published_at=NOW - timedelta(seconds=60))), False),
        ({"article": {"older_than_s": 60}}, facts(article=Article(id="1")), False),
        ({"velocity": {"by": "site", "more_than": 5, "s": 60}}, facts(), ["velocity", "site", 5, 60]),
        ({"velocity": {"by": "author", "more_than": 5, "s": 60}}, facts(), False),
        ({"velocity": {"by": "article", "more_than": 5, "s": 60}}, facts(), False),
        ({"duplicate": {"match": "near"}}, facts(), ["duplicate", "near", "site", 3, 86_400]),
        ({"duplicate": {"match": "exact", "of": "author"}}, facts(), False),
        ({"text": {"shorter_than": 6}}, facts("hello"), True),
        ({"text": {"shorter_than": 5}}, facts("hello"), False),
        ({"text": {"longer_than": 4}}, facts("hello"), True),
        ({"text": {"longer_than": 5}}, facts("hello"), False),
        ({"text": {"capitals_above": 0.5}}, facts("HELlo 123"), True),
        ({"text": {"capitals_above": 0.5}}, facts("HEllo!?"), False),
        ({"text": {"capitals_above": 0.5}}, facts("123"), False),
        ({"text": {"language": ["en", "de"]}}, facts(language="de"), True),
        ({"text": {"language": ["en", "de"]}}, facts(language=""), False),
        ({"time": {"hours": [22, 6]}}, facts(), True),
        ({"time": {"hours": [6, 22]}}, facts(), False),
        ({"time": {"hours": [0, 24]}}, facts(), True),
        ({"time": {"weekdays": [1]}}, facts(), True),
        ({"time": {"weekdays": [1], "zone": "Europe/Berlin"}}, facts(), False),
        ({"time": {"weekdays": [2], "hours": [0, 1], "zone": "Europe/Berlin"}}, facts(), True),
        ({"not": {"links": {}}}, facts(), True),
        ({"not": {"score": {"attribute": "spam", "below": 1}}}, facts(scores={}), "unavailable"),
        ({"all": [{"links": {}}, {"score": {"attribute": "spam", "below": 1}}]}, facts(scores={}), False),
        ({"any": [{"text": {"longer_than": 1}}, {"score": {"attribute": "spam", "below": 1}}]}, facts(scores={}), True),
        ({"all": [{"text": {"longer_than": 1}}, {"author": {"new": 60}}]}, facts(author=KNOWN), ["new", 60]),
        ({"any": [{"links": {}}, {"author": {"new": 60}}]}, facts(author=KNOWN), ["new", 60]),
    ],
)
def test_a_condition_is_decided_as_far_as_is_known(when: Mapping[str, Any], of: Facts, expected: Any) -> None:
    assert value(when, of) == expected


def test_the_shape_of_what_stays_open_can_be_packed() -> None:
    when = {
        "any": [
            {"not": {"author": {"new": 60}}},
            {"duplicate": {"match": "near"}},
            {"velocity": {"by": "site", "more_than": 2, "s": 60}},
        ]
    }
    expression = value(when, facts(author=KNOWN))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(expression)) == expression
    assert expression == [
        "any",
        ["not", ["new", 60]],
        ["duplicate", "near", "site", 3, 86_400],
        ["velocity", "site", 2, 60],
    ]


WORDS = WordList(
    "house", (ListEntry("fool"), ListEntry("trash", Match.PART), ListEntry("fools day", is_exception=True))
)
IN_LIST = {"words": {"list": "house"}}


def test_a_fired_rule_says_what_was_found_where() -> None:
    found = compiled(rule({"any": [IN_LIST, {"links": {}}]}), lists=[WORDS]).evaluate(
        facts("x trashy f00l example.org")
    )
    assert found.fired == (
        FiredRule("one", RuleAction.REJECT, spans=((2, 7), (9, 13), (14, 25)), list="house", entry="trash"),
    )


def test_what_a_condition_denies_is_no_place() -> None:
    found = compiled(rule({"all": [{"pattern": "x"}, {"not": {"pattern": "y{2}"}}]})).evaluate(facts("xy"))
    assert found.fired[0].spans == ((0, 1),)


def test_an_open_rule_says_what_it_will_say() -> None:
    found = compiled(rule({"all": [IN_LIST, {"author": {"new": 60}}]}), lists=[WORDS]).evaluate(
        facts("fool", author=KNOWN)
    )
    assert found.fired == ()
    assert (found.open[0].rule.entry, found.open[0].expression) == ("fool", ["new", 60])


def test_the_list_says_how_its_entries_match_and_exceptions_count() -> None:
    assert value(IN_LIST, facts("a fools day"), lists=[WORDS]) is False
    assert value(IN_LIST, facts("foolish"), lists=[WORDS]) is False
    assert value(IN_LIST, facts("foolish"), lists=[WORDS], uses={"house": ListUse(Match.STEM)}) is True
    assert value(IN_LIST, facts("Fool"), lists=[WORDS], uses={"house": ListUse(case=True)}) is False
    assert value(IN_LIST, facts("f.o.o.l"), lists=[WORDS], uses={"house": ListUse(unmask=False)}) is False
    stem = {"words": {"list": "house", "match": "stem", "unmask": True}}
    assert value(stem, facts("f.o.o.l.i.s.h"), lists=[WORDS], uses={"house": ListUse(unmask=False)}) is True


def test_an_entry_that_has_ended_is_not_found() -> None:
    ended = WordList("house", (ListEntry("fool", until=TODAY - timedelta(days=1)), ListEntry("ape", until=TODAY)))
    assert value(IN_LIST, facts("fool"), lists=[ended]) is False
    assert value(IN_LIST, facts("ape"), lists=[ended]) is True


def test_a_rule_whose_list_is_missing_is_unavailable_only_where_it_depends_on_it() -> None:
    both = {"all": [{"links": {}}, IN_LIST]}
    assert value(both, facts("no link")) is False
    assert value(both, facts("example.org")) == "unavailable"
    assert value({"all": [IN_LIST, {"author": {"new": 60}}]}, facts(author=KNOWN)) == "unavailable"
    shadow = compiled(rule(IN_LIST, state="shadow")).evaluate(facts())
    assert shadow == Findings()


def test_rules_that_are_off_or_over_do_nothing_and_shadow_rules_say_so() -> None:
    always = {"text": {"longer_than": 0}}
    rules = compiled(
        rule(always, "off", state="off"),
        rule(always, "over", until="2026-11-29"),
        rule(always, "last-day", until="2026-11-30"),
        rule(always, "shadow", state="shadow"),
    )
    fired = rules.evaluate(facts()).fired
    assert [(each.rule, each.state) for each in fired] == [("last-day", RuleState.ON), ("shadow", RuleState.SHADOW)]


def test_a_rule_carries_what_it_asks_for() -> None:
    one = Rule(
        "r", condition({"text": {"longer_than": 0}}), Then(RuleAction.APPROVE, "ok", "spam", "toxicity", override=True)
    )
    assert compiled(one).evaluate(facts()).fired == (
        FiredRule("r", RuleAction.APPROVE, RuleState.ON, True, "ok", "spam", "toxicity"),
    )


def test_what_rules_count_is_known_without_a_comment() -> None:
    rules = compiled(
        rule({"author": {"new": 60, "approved_below": 2, "rejected_share_above": 0.5, "days": 7, "trusted": True}}),
        rule({"not": {"velocity": {"by": "site", "more_than": 5, "s": 60}}}, "two"),
        rule({"any": [{"duplicate": {"match": "near"}}, {"links": {}}]}, "three", state="shadow"),
        rule({"duplicate": {"match": "exact", "of": "author"}}, "four", state="off"),
        rule({"author": {"rejected_at_least": 3, "days": 9}}, "five"),
    )
    assert rules.counts == {
        *(("new",), ("approved",), ("rejected", 7), ("status",), ("rejected", 9)),
        *(("velocity", "site", 60), ("duplicate", "near", "site", 86_400)),
    }
    assert compiled().counts == frozenset()


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
