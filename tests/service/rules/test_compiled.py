"""Rules are decided as far as that goes without Redis, and what stays open means the same as the whole condition."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from combined import KNOWN, NOW, TODAY, compiled, condition, facts, rule, value

from service.rules.compiled import Facts, Findings
from service.values.domain import Article, Author
from service.values.lists import ListEntry, WordList
from service.values.rules import (
    FiredRule,
    ListUse,
    Match,
    Rule,
    RuleAction,
    RuleState,
    Then,
)


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
        ({"author": {"trusted": True}}, facts(author=KNOWN), ("status", "trusted")),
        ({"author": {"trusted": False}}, facts(author=KNOWN), ("not", ("status", "trusted"))),
        ({"author": {"trusted": False}}, facts(author=Author(id="a", trusted=True)), False),
        ({"author": {"trusted": True}}, facts(), False),
        ({"author": {"new": 60}}, facts(author=KNOWN), ("new", 60)),
        ({"author": {"new": 60}}, facts(author=Author(name="x")), True),
        ({"author": {"approved_below": 3}}, facts(author=KNOWN), ("approved_below", 3)),
        ({"author": {"approved_below": 3}}, facts(), True),
        ({"author": {"rejected_share_above": 0.5}}, facts(author=KNOWN), ("rejected_share_above", 0.5, 30)),
        ({"author": {"rejected_share_above": 0.5}}, facts(), False),
        ({"author": {"rejected_at_least": 3}}, facts(author=KNOWN), ("rejected_at_least", 3, 30)),
        ({"author": {"rejected_at_least": 3, "days": 7}}, facts(author=KNOWN), ("rejected_at_least", 3, 7)),
        ({"author": {"rejected_at_least": 3}}, facts(), False),
        (
            {"author": {"rejected_share_above": 0.5, "rejected_at_least": 3}},
            facts(author=KNOWN),
            ("all", ("rejected_share_above", 0.5, 30), ("rejected_at_least", 3, 30)),
        ),
        ({"velocity": {"by": "network", "more_than": 5, "s": 60}}, facts(), False),
        ({"author": {"status": ["active", "muted"]}}, facts(author=KNOWN), ("status", "active", "muted")),
        ({"author": {"status": ["active", "muted"]}}, facts(), True),
        ({"author": {"status": ["banned"]}}, facts(), False),
        (
            {"author": {"new": 60, "approved_below": 3}},
            facts(author=KNOWN),
            ("all", ("new", 60), ("approved_below", 3)),
        ),
        ({"article": {"ids": ["1", "2"]}}, facts(article=Article(id="2")), True),
        ({"article": {"ids": ["1", "2"]}}, facts(article=Article(id="3")), False),
        ({"article": {"section": ["sport"]}}, facts(article=Article(section="sport")), True),
        ({"article": {"section": ["sport"]}}, facts(), False),
        ({"article": {"older_than_s": 60}}, facts(article=Article(published_at=NOW - timedelta(seconds=61))), True),
        ({"article": {"older_than_s": 60}}, facts(article=Article(published_at=NOW - timedelta(seconds=60))), False),
        ({"article": {"older_than_s": 60}}, facts(article=Article(id="1")), False),
        ({"velocity": {"by": "site", "more_than": 5, "s": 60}}, facts(), ("velocity", "site", 5, 60)),
        ({"velocity": {"by": "author", "more_than": 5, "s": 60}}, facts(), False),
        ({"velocity": {"by": "article", "more_than": 5, "s": 60}}, facts(), False),
        ({"duplicate": {"match": "near"}}, facts(), ("duplicate", "near", "site", 3, 86_400)),
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
        ({"all": [{"text": {"longer_than": 1}}, {"author": {"new": 60}}]}, facts(author=KNOWN), ("new", 60)),
        ({"any": [{"links": {}}, {"author": {"new": 60}}]}, facts(author=KNOWN), ("new", 60)),
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
    assert expression == (
        "any",
        ("not", ("new", 60)),
        ("duplicate", "near", "site", 3, 86_400),
        ("velocity", "site", 2, 60),
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(expression))[1] == ["not", ["new", 60]]


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
    assert (found.open[0].rule.entry, found.open[0].expression) == ("fool", ("new", 60))


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


def test_links_of_one_text_are_not_those_of_the_next() -> None:
    rules = compiled(
        rule({"duplicate": {"match": "exact", "of": "site"}}),
        rule({"links": {"domains": ["bad.example"]}}, "two"),
    )
    found = [rules.evaluate(facts(text)).links for text in ("see https://good.example", "no link in this one")]
    assert [[each.host for each in some or ()] for some in found] == [["good.example"], []]
