"""Rules that cannot be meant are refused, with the place and the reason."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import pytest
from growth import assert_at_most

from service.rules import patterns
from service.rules.faults import MAX_JSON_BYTES, faults, never_in_force
from service.values.rules import ListUse, Rule

LINK: Mapping[str, Any] = {"links": {}}
# The slowest that RE2 compiles, and one that takes a fifth of the time.
SLOW, ACCEPTED = "(a?){1000}" * 5 + "z", "(a?){1000}z"


def told(rules: Sequence[Mapping[str, Any]], uses: Mapping[str, ListUse] | None = None) -> list[str]:
    found = faults(msgspec.convert(rules, list[Rule]), uses or {}, {"house"}, ["toxicity", "spam"])
    return [f"{''.join(f'/{step}' for step in steps)}: {said}" for steps, said in found]


def rule(when: Mapping[str, Any], name: str = "one", **then: Any) -> Mapping[str, Any]:
    return {"id": name, "when": when, "then": {"action": "reject", **then}}


def nested(depth: int) -> Mapping[str, Any]:
    return LINK if depth == 1 else {"not": nested(depth - 1)}


def test_rules_without_faults_pass() -> None:
    whens: list[Mapping[str, Any]] = [
        *({"words": {"list": "house"}}, {"words": {"any": ["a"]}}, {"pattern": r"(?i)\bviagra\b"}, nested(8), LINK),
        *({"links": {"domains": ["example.org", "ru", "m\u00fcnchen.de"]}}, {"time": {"weekdays": [1]}}),
        *({"score": {"attribute": "spam", "below": 0.5}}, {"author": {"trusted": False}}, {"article": {"ids": ["1"]}}),
        *({"velocity": {"by": "site", "more_than": 1, "s": 1}}, {"duplicate": {"match": "near"}}),
        *({"text": {"language": ["de"]}}, {"text": {"longer_than": 3, "shorter_than": 5}}),
        {"time": {"hours": [22, 6], "zone": "Europe/Berlin"}},
    ]
    assert told([rule(when, f"r{at}") for at, when in enumerate(whens)], {"house": ListUse()}) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"all": [LINK, {"pattern": "(ab"}]}, "/all/1/pattern: missing )"),
        ({"pattern": "a{1001}"}, "/pattern: invalid repetition size: {1001}"),
        ({"pattern": r"(a)\1"}, r"/pattern: invalid escape sequence: \1"),
        ({"pattern": "(?=a)"}, "/pattern: invalid perl operator: (?="),
        ({"pattern": "(" * 60_000}, "/pattern: missing )"),
        ({"pattern": r"(?:\pL{1,30}){1,30}"}, "/pattern: pattern too large - compile failed"),
        ({"pattern": SLOW}, ": the pattern takes too long for a text of 20,480 characters"),
        (nested(9), "/not" * 8 + ": is nested more than 8 deep"),
        ({"any": [{"not": {**LINK, "pattern": "a"}}]}, ("/any/0/not: must have exactly one of all, any, not, words, "
         "pattern, links, score, author, article, velocity, duplicate, text, time")),
        ({"words": {"list": "other"}}, "/words/list: there is no list other"),
        ({"words": {}}, "/words: must have exactly one of list, any"),
        ({"words": {"list": "house", "any": ["a"]}}, "/words: must have exactly one of list, any"),
        ({"words": {"any": ["a", " - "]}}, "/words/any/1: has nothing that can be found: no letter, digit or sign"),
        ({"links": {"not_domains": ["a.org", "https://b.org/"]}}, ("/links/not_domains/1: must be a domain, such as "
         "example.org")),
        ({"score": {"attribute": "spam"}}, "/score: must have at_least or below"),
        ({"score": {"attribute": "spam", "at_least": 0.5, "below": 0.5}}, ("/score: never holds: at_least must be less "
         "than below")),
        ({"score": {"attribute": "fun", "below": 0.5}}, "/score/attribute: the model has no attribute fun"),
        ({"author": {"days": 7}}, "/author: must have a field besides days"),
        ({"article": {}}, "/article: must have ids, section or older_than_s"),
        ({"text": {}}, "/text: must have shorter_than, longer_than, capitals_above or language"),
        ({"text": {"longer_than": 3, "shorter_than": 4}}, ("/text: never holds: no length is more than longer_than and "
         "less than shorter_than")),
        ({"time": {}}, "/time: must have hours or weekdays"),
        ({"time": {"hours": [3, 3]}}, "/time/hours: must differ"),
        ({"time": {"hours": [3, 4], "zone": "Mars/Base"}}, ("/time/zone: must be an IANA time zone, such as "
         "Europe/Berlin")),
        ({"time": {"hours": [3, 4], "zone": "../x"}}, "/time/zone: must be an IANA time zone, such as Europe/Berlin"),
        ({"time": {"hours": [3, 4], "zone": ""}}, "/time/zone: must be an IANA time zone, such as Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(when: Mapping[str, Any], expected: str) -> None:
    assert told([rule(LINK, "fine"), rule(when)]) == [f"/rules/1/when{expected} (rule 'one')"]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"due": "fun"}, "/due: the model has no attribute fun"),
        ({"label": "fun"}, "/label: the model has no attribute fun"),
        ({"override": True}, "/override: only a rule that approves can override"),
        ({"action": "label"}, ": must have label, as its action is label"),
    ],
)
def test_an_action_that_cannot_be_meant_is_refused(then: Mapping[str, Any], expected: str) -> None:
    assert told([rule(LINK, **then)]) == [f"/rules/0/then{expected} (rule 'one')"]


def test_a_rule_must_not_end_before_it_begins_unless_it_was_there() -> None:
    def rules(**more: Any) -> list[Rule]:
        return msgspec.convert([rule(LINK, "first"), {**rule(LINK), **more}], list[Rule])

    today = date(2026, 12, 1)
    over = rules(until="2026-11-30")
    ((steps, said),) = never_in_force(over, rules(), today)
    assert steps == ("rules", "1", "until")
    assert said == "the last day, 2026-11-30, is over, so the rule would never be in force (rule 'one')"
    assert never_in_force(over, over, today) == [], "it has ended since it was saved"
    assert never_in_force(over[::-1], over, today) == [], "another place is no other rule"
    for before in ({"state": "off"}, {"then": {"action": "approve"}}, {"note": "another"}):
        assert never_in_force(over, rules(until="2026-11-30", **before), today), "somebody changes it"
    assert never_in_force(rules(until="2026-11-30", state="off"), rules(), today) == []
    assert never_in_force(rules(until="2026-12-01"), rules(), today) == []


def test_ids_are_unique_and_lists_exist() -> None:
    assert told([rule(LINK), rule(LINK)], {"gone": ListUse()}) == [
        "/lists/gone: there is no such list",
        "/rules/1/id: is the id of /rules/0 too (rule 'one')",
    ]


def test_the_number_of_rules_and_their_size_are_limited() -> None:
    assert told([rule(LINK, f"r{at}") for at in range(501)]) == ["/rules: has 501 rules; at most 500 are allowed"]
    assert told([rule({"pattern": "a" * MAX_JSON_BYTES})])[0].endswith("bytes of JSON; at most 65,536 are allowed")


def test_patterns_that_are_slow_together_are_refused_soon() -> None:
    many = [rule({"pattern": rf"(a?){{{at + 500}}}a{{{at + 500}}}z"}, f"r{at}") for at in range(50)]
    ((_, said),) = [each.split(": ") for each in told(many)]
    assert re.search(r"too long for a text of 20,480 characters \(rule 'r\d'\)$", said), said
    one = [rule({"pattern": SLOW})]
    assert_at_most(6, lambda: told(many), lambda: told(one), "trying 50 patterns")


@pytest.mark.parametrize("times", [0.05, 1, 20])
def test_a_slow_and_a_fast_machine_refuse_the_same_patterns(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.thread_time
    monkeypatch.setattr(time, "thread_time", lambda: times * real())
    assert told([rule({"pattern": ACCEPTED})]) == []
    assert [each.split(" for ")[0] for each in told([rule({"pattern": SLOW})])] == [
        "/rules/0/when: the pattern takes too long"
    ]


def test_a_machine_that_becomes_slower_meanwhile_refuses_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    real, measured, slower = time.thread_time, patterns._measure_s, [1]  # noqa: SLF001 - what comes before

    def measure() -> float:
        found = measured()
        slower[0] = 20
        return found

    monkeypatch.setattr(time, "thread_time", lambda: slower[0] * real())
    monkeypatch.setattr(patterns, "_measure_s", measure)
    assert told([rule({"pattern": ACCEPTED})]) == []
    slower[0] = 1
    assert len(told([rule({"pattern": SLOW})])) == 1


@pytest.mark.parametrize("pattern", [r"\pL{1,40}x%d", r"\pL{1,400}x%d"])
def test_patterns_that_take_long_to_compile_are_refused_soon(pattern: str) -> None:
    """Each takes a twentieth of a second; 64 kB have room for 2,000 of them."""
    many = [rule({"any": [{"pattern": pattern % (50 * n + m)} for m in range(50)]}, f"r{n}") for n in range(30)]
    assert any("too large" in each for each in told(many))
    assert_at_most(6, lambda: told(many), lambda: told(many[:3]), "refusing ten times as many")


def test_all_patterns_together_are_limited() -> None:
    many = [rule({"pattern": rf"[a-z].{{{at + 300}}}[xyz]"}, f"r{at}") for at in range(80)]
    assert told(many) == ["/rules: all patterns together are too large: they take more than 8 MiB"]
