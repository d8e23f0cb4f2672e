"""What is wrong with the rules of a policy. They are checked when they are saved, as a whole."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET

from service.rules.compiled import conditions
from service.rules.links import is_domain
from service.rules.patterns import (
    MAX_BYTES,
    MAX_BYTES_TOGETHER,
    TOO_LARGE,
    TRIED_CHARACTERS,
    Examined,
    examined,
    first_too_slow,
    fit_together,
)
from service.rules.words import is_findable
from service.values.rules import (
    MAX_DEPTH,
    MAX_RULES,
    ArticleCondition,
    AuthorCondition,
    Condition,
    LinksCondition,
    ListUse,
    Rule,
    RuleAction,
    RuleState,
    ScoreCondition,
    TextCondition,
    Then,
    TimeCondition,
    WordsCondition,
)

# Of all rules together, as JSON.
MAX_JSON_BYTES = 65_536
# More of them help nobody.
MOST_FAULTS = 100

Steps = tuple[str, ...]
Fault = tuple[Steps, str]


def faults(
    rules: Sequence[Rule], uses: Mapping[str, ListUse], list_names: Collection[str], attributes: Collection[str]
) -> list[Fault]:
    """Each with the steps of its JSON Pointer in the policy and the id of its rule; at most MOST_FAULTS.

    In the order of the rules. `uses`: how the policy uses its lists. `list_names`: those that the site has.
    `attributes`: those of the model.
    """
    too_much = list(_of_size(rules))
    if too_much:
        return too_much
    found: list[Fault] = [(("lists", name), "there is no such list") for name in uses if name not in list_names]
    found += _of_ids(rules)
    check = _Checks(list_names, attributes)
    for number, rule in enumerate(rules):
        at: Steps = ("rules", str(number))
        found += check.condition((*at, "when"), rule.when)
        found += check.action((*at, "then"), rule.then)
        if len(found) >= MOST_FAULTS:
            break
    found = found[:MOST_FAULTS] or list(_of_patterns(rules, fit=check.patterns_fit))
    return [(at, f"{why}{_in_rule(at, rules)}") for at, why in found]


def never_in_force(rules: Sequence[Rule], before: Sequence[Rule], today: date) -> list[Fault]:
    """Rules that somebody adds or changes so that they end before they begin, as `faults` tells them.

    `before`: the rules so far. Those of them that have ended meanwhile may stay as they are. `today`: in UTC.
    """
    return [
        (at, f"the last day, {rule.until}, is over, so the rule would never be in force{_in_rule(at, rules)}")
        for number, rule in enumerate(rules)
        for at in (("rules", str(number), "until"),)
        if rule.state is not RuleState.OFF and rule.has_ended(today) and rule not in before
    ]


def _in_rule(at: Steps, rules: Sequence[Rule]) -> str:
    """A place counts rules, which people know by their ids."""
    return f" (rule '{rules[int(at[1])].id}')" if at[0] == "rules" and len(at) > 1 else ""


def _of_patterns(rules: Sequence[Rule], *, fit: bool) -> Iterator[Fault]:
    """Of all patterns together, each of which RE2 accepts."""
    places: dict[str, Steps] = {}
    for number, rule in enumerate(rules):
        for each in conditions(rule.when):
            if each.pattern is not UNSET:
                places.setdefault(each.pattern, ("rules", str(number), "when"))
    if not fit or not fit_together(list(places)):
        yield (
            ("rules",),
            f"all patterns together are too large: they take more than {MAX_BYTES_TOGETHER // 1024**2} MiB",
        )
    elif (slow := first_too_slow(list(places))) is not None:
        of = "all patterns up to this one take" if slow else "the pattern takes"
        yield list(places.values())[slow], f"{of} too long for a text of {TRIED_CHARACTERS:,} characters"


def _of_size(rules: Sequence[Rule]) -> Iterator[Fault]:
    if len(rules) > MAX_RULES:
        yield ("rules",), f"has {len(rules)} rules; at most {MAX_RULES} are allowed"
    else:
        size = len(msgspec.json.encode(rules))
        if size > MAX_JSON_BYTES:
            yield ("rules",), f"has {size:,} bytes of JSON; at most {MAX_JSON_BYTES:,} are allowed"


def _of_ids(rules: Sequence[Rule]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if rule.id in first:
            yield ("rules", str(number), "id"), f"is the id of /rules/{first[rule.id]} too"
        first.setdefault(rule.id, number)


class _Checks:
    def __init__(self, list_names: Collection[str], attributes: Collection[str]) -> None:
        self._list_names, self._attributes = frozenset(list_names), frozenset(attributes)
        self._patterns: dict[str, Examined] = {}
        self._bytes_left = MAX_BYTES_TOGETHER

    @property
    def patterns_fit(self) -> bool:
        return self._bytes_left >= 0

    def action(self, at: Steps, then: Then) -> Iterator[Fault]:
        for name, attribute in (("due", then.due), ("label", then.label)):
            if attribute is not None:
                yield from self._attribute((*at, name), attribute)
        if then.override and then.action is not RuleAction.APPROVE:
            yield (*at, "override"), "only a rule that approves can override"
        if then.action is RuleAction.LABEL and then.label is None:
            yield at, "must have label, as its action is label"

    def condition(self, at: Steps, when: Condition, depth: int = 1) -> Iterator[Fault]:
        if depth > MAX_DEPTH:
            yield at, f"is nested more than {MAX_DEPTH} deep"
            return
        names = msgspec.structs.fields(Condition)
        had = [each for each in names if getattr(when, each.name) is not UNSET]
        if len(had) != 1:
            yield at, f"must have exactly one of {', '.join(each.encode_name for each in names)}"
            return
        name, asked = had[0].encode_name, getattr(when, had[0].name)
        if name in {"all", "any"}:
            for number, each in enumerate(asked):
                yield from self.condition((*at, name, str(number)), each, depth + 1)
        elif name == "not":
            yield from self.condition((*at, name), asked, depth + 1)
        else:
            yield from self._leaf((*at, name), name, asked)

    def _leaf(self, at: Steps, name: str, asked: Any) -> Iterator[Fault]:  # noqa: ANN401 - any condition
        checks: Mapping[str, Callable[[Steps, Any], Iterator[Fault]]] = {
            "words": self._words,
            "pattern": self._pattern,
            "links": _links,
            "score": self._score,
            "author": _author,
            "article": _article,
            "text": _text,
            "time": _time,
        }
        if name in checks:
            yield from checks[name](at, asked)

    def _words(self, at: Steps, words: WordsCondition) -> Iterator[Fault]:
        if (words.list is None) is not bool(words.any):
            yield at, "must have exactly one of list, any"
        elif words.list is not None and words.list not in self._list_names:
            yield (*at, "list"), f"there is no list {words.list}"
        for number, term in enumerate(words.any):
            if not is_findable(term):
                yield (*at, "any", str(number)), "has nothing that can be found: no letter, digit or sign"

    def _pattern(self, at: Steps, pattern: str) -> Iterator[Fault]:
        """Once all together are too large, no more are compiled: a large one takes a twentieth of a second."""
        if pattern not in self._patterns and self.patterns_fit:
            found = self._patterns[pattern] = examined(pattern)
            self._bytes_left -= MAX_BYTES if found.fault and TOO_LARGE in found.fault else found.bytes
        if pattern in self._patterns and (said := self._patterns[pattern].fault):
            yield at, said

    def _score(self, at: Steps, score: ScoreCondition) -> Iterator[Fault]:
        yield from self._attribute((*at, "attribute"), score.attribute)
        if score.at_least is None and score.below is None:
            yield at, "must have at_least or below"
        elif score.at_least is not None and score.below is not None and score.at_least >= score.below:
            yield at, "never holds: at_least must be less than below"

    def _attribute(self, at: Steps, attribute: str) -> Iterator[Fault]:
        if attribute not in self._attributes:
            yield at, f"the model has no attribute {attribute}"


def _links(at: Steps, links: LinksCondition) -> Iterator[Fault]:
    for name in ("domains", "not_domains"):
        for number, domain in enumerate(getattr(links, name)):
            if not is_domain(domain):
                yield (*at, name, str(number)), "must be a domain, such as example.org"


def _author(at: Steps, author: AuthorCondition) -> Iterator[Fault]:
    counted = (author.new, author.approved_below, author.rejected_share_above, author.rejected_at_least, author.trusted)
    if all(each is None for each in counted) and not author.status:
        yield at, "must have a field besides days"


def _article(at: Steps, article: ArticleCondition) -> Iterator[Fault]:
    if not (article.ids or article.section or article.older_than_s is not None):
        yield at, "must have ids, section or older_than_s"


def _text(at: Steps, text: TextCondition) -> Iterator[Fault]:
    if text.shorter_than is None and text.longer_than is None and text.capitals_above is None and not text.language:
        yield at, "must have shorter_than, longer_than, capitals_above or language"
    if text.shorter_than is not None and text.longer_than is not None and text.shorter_than <= text.longer_than + 1:
        yield at, "never holds: no length is more than longer_than and less than shorter_than"


def _time(at: Steps, time: TimeCondition) -> Iterator[Fault]:
    if time.hours is None and not time.weekdays:
        yield at, "must have hours or weekdays"
    if time.hours is not None and time.hours[0] == time.hours[1]:
        yield (*at, "hours"), "must differ"
    try:
        ZoneInfo(time.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield (*at, "zone"), "must be an IANA time zone, such as Europe/Berlin"
