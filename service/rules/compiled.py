"""The rules of a policy, compiled: what they say of a comment, as far as that goes without Redis."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct

from service.rules.combining import MISSING, Compiled, Expression, Value
from service.rules.conditions import NOWHERE, Compiler
from service.rules.holding import Dependence, dependence
from service.rules.links import TextLink, find_links
from service.rules.patterns import Patterns
from service.rules.seen import Facts, Seen
from service.rules.triggers import DOMAIN, LINKS, Index
from service.rules.words import Term, Terms, WordFinder, terms_of
from service.values.lists import WordList
from service.values.rules import Condition, FiredRule, ListUse, Match, Rule, RuleState, WordsCondition

# How many places of one rule are told.
MOST_SPANS = 20

__all__ = ["CompiledRules", "Expression", "Facts", "Findings", "OpenRule", "compile_rules"]


class OpenRule(Struct, frozen=True):
    """A rule that applies if `expression` holds (see service.rules.conditions for its shape)."""

    rule: FiredRule
    expression: Expression


class Findings(NamedTuple):
    """`unavailable`: ids of rules in force that cannot be decided, as a list is missing, or the text has no scores.

    `links`: those of the text; None: no rule asked for them. `depends`: what the open rules depend on.
    """

    fired: tuple[FiredRule, ...] = ()
    open: tuple[OpenRule, ...] = ()
    unavailable: tuple[str, ...] = ()
    links: tuple[TextLink, ...] | None = None
    depends: Dependence = Dependence()


_NOTHING = Findings()


class _Compiled(NamedTuple):
    as_fired: FiredRule
    when: Compiled


class CompiledRules:
    """Immutable and thread-safe. `counts`: what Redis must count for these rules.

    ("new",), ("approved",), ("rejected", days), ("status",), ("velocity", by, s), ("duplicate", match, of, s).

    `rates`: the velocities that have counters of their own, as (by, s); the index of authors counts those of an author.
    `window_s`: how long fingerprints are counted.
    """

    def __init__(self, rules: Sequence[_Compiled], words: WordFinder | None, patterns: Patterns | None) -> None:
        self._rules, self._words, self._patterns = rules, words, patterns
        self.counts: frozenset[tuple[Any, ...]] = frozenset().union(*(each.when.counts for each in rules))
        self.rates = tuple(each[1:] for each in self.counts if each[0] == "velocity" and each[1] != "author")
        self.window_s: int = max((each[3] for each in self.counts if each[0] == "duplicate"), default=0)
        self._index = Index([each.when.triggers for each in rules])
        # What rules on counts alone leave open is the same for nearly all comments.
        self._is_steady = all(rules[number].when.is_steady for number in self._index.always)
        self._steady: dict[tuple[bool, bool, bool], Findings] = {}
        self._is_quick = self._is_steady and not (words or patterns) and self._index.kinds <= {LINKS, DOMAIN}

    def evaluate(self, facts: Facts) -> Findings:
        """In the order of the rules."""
        if not self._rules:
            return _NOTHING
        links = None
        if self._is_quick:
            links = find_links(facts.text) if self._index.kinds else None
            if not links and (found := self._steady.get(facts.named)):
                return found
        seen = Seen(
            facts,
            self._words.find(facts.text) if self._words else {},
            self._patterns.find(facts.text) if self._patterns else {},
            self._words,
            _links=links,
        )
        possible = self._index.possible(seen)
        if not (self._is_steady and possible is self._index.always):
            return self._decided(possible, seen)
        found = self._steady.get(facts.named)
        if found is None:
            # As of a text without links, since other texts get the same answer.
            no_links = None if seen.known_links is None else ()
            found = self._steady[facts.named] = self._decided(possible, seen)._replace(links=no_links)
        return found._replace(links=seen.known_links) if seen.known_links else found

    def _decided(self, possible: Sequence[int], seen: Seen) -> Findings:
        fired: list[FiredRule] = []
        still_open: list[OpenRule] = []
        unavailable: list[str] = []
        for number in possible:
            rule = self._rules[number]
            value = rule.when.decide(seen)
            if value is True:
                fired.append(_with_places(rule, seen))
            elif value is not False:
                if _is_missing(value):
                    if rule.as_fired.state is RuleState.ON:
                        unavailable.append(rule.as_fired.rule)
                else:
                    still_open.append(OpenRule(_with_places(rule, seen), value))
        if not (fired or still_open or unavailable):
            return _NOTHING
        depends = dependence(tuple([each.expression for each in still_open]))
        return Findings(tuple(fired), tuple(still_open), tuple(unavailable), seen.known_links, depends)


def _is_missing(value: Value) -> bool:
    return value is MISSING or (
        isinstance(value, tuple) and value[0] in {"all", "any", "not"} and any(map(_is_missing, value[1:]))
    )


def _with_places(rule: _Compiled, seen: Seen) -> FiredRule:
    if not rule.when.places:
        return rule.as_fired
    found = [each for places in rule.when.places for each in places(seen)]
    if not found:
        return rule.as_fired
    spans = sorted({(each.start, each.end) for each, _ in found if each.start != NOWHERE})[:MOST_SPANS]
    first, of = min((each for each in found if each[0].term), default=(None, ""))
    entry = first.term if first else None
    return msgspec.structs.replace(rule.as_fired, spans=tuple(spans), entry=entry, list=of or None)


def compile_rules(
    rules: Sequence[Rule],
    uses: Mapping[str, ListUse],
    lists: Mapping[str, WordList],
    attributes: Collection[str],
    today: date,
) -> CompiledRules:
    """For rules that have no faults (see service.rules.faults). Takes about a second for 50,000 entries of lists.

    `uses`: how the policy uses its lists. `lists`: those that are there; a rule that needs another one is unavailable
    where it depends on it. `attributes`: scores of others are missing. `today`: in UTC; what ended before does not
    count, so compile anew each day.
    """
    in_force = [each for each in rules if each.state is not RuleState.OFF and not each.has_ended(today)]
    terms = _AllTerms(uses, lists, today)
    patterns = {
        found: number
        for number, found in enumerate(
            dict.fromkeys(
                each.pattern for rule in in_force for each in conditions(rule.when) if each.pattern is not UNSET
            )
        )
    }
    compiler = Compiler(terms.number, patterns, attributes)
    compiled = [_Compiled(_as_fired(rule), compiler.condition(rule.when)) for rule in in_force]
    return CompiledRules(
        compiled, WordFinder(terms.found) if terms.found else None, Patterns([*patterns]) if patterns else None
    )


def conditions(when: Condition) -> Iterator[Condition]:
    """The condition and all within it."""
    yield when
    for several in (when.all, when.any):
        for each in () if several is UNSET else several:
            yield from conditions(each)
    if when.not_ is not UNSET:
        yield from conditions(when.not_)


def _as_fired(rule: Rule) -> FiredRule:
    then = rule.then
    return FiredRule(rule.id, then.action, rule.state, then.override, then.reason, then.due, then.label)


class _AllTerms:
    """Numbers what words conditions look for; equal ones have one number."""

    def __init__(self, uses: Mapping[str, ListUse], lists: Mapping[str, WordList], today: date) -> None:
        self._uses, self._lists, self._today = uses, lists, today
        self._numbers: dict[tuple[object, ...], int] = {}
        self.found: list[Terms] = []

    def number(self, words: WordsCondition) -> int | None:
        """None: the list is missing."""
        use = self._uses.get(words.list or "", ListUse())
        match = words.match or use.match
        unmasks = use.unmask if words.unmask is None else words.unmask
        keeps_case = words.case or use.case
        if words.list and words.list not in self._lists:
            return None
        key = (words.list, words.any, match, unmasks, keeps_case)
        if key not in self._numbers:
            self._numbers[key] = len(self.found)
            self.found.append(Terms(tuple(self._terms(words, match)), unmasks and not keeps_case, keeps_case))
        return self._numbers[key]

    def _terms(self, words: WordsCondition, match: Match) -> Iterator[Term]:
        yield from (Term(each, match) for each in words.any)
        if words.list:
            yield from terms_of(self._lists[words.list].entries, match, self._today)
