"""make bench: what rules cost beside a score of the same comment, in the same run.

Rounds of scoring and of rules alternate, so that a machine that slows down slows both. Lists have made-up words.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

import classifier
from service.rules.compiled import CompiledRules, Facts, compile_rules
from service.rules.repetition import fingerprints
from service.values.domain import Article, Author
from service.values.lists import ListEntry, WordList
from service.values.rules import Rule

TODAY, NOW = date(2026, 11, 30), datetime(2026, 11, 30, tzinfo=UTC)
COMMENT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the lifts "
    "running again by six in the morning. The minister said in March that the transformers were already on the way. It "
    "is November now. Somebody should be made to resign over this, the sooner the better for us."
)
SYLLABLES = ("ba", "ko", "ti", "re", "mi", "sa", "no", "lu", "che", "str", "en", "ing", "er", "tion", "un", "de")
ENTRIES, RULES = 50_000, 500
ROUNDS, CALLS = 15, 200


def main() -> None:
    model = classifier.load(classifier.SHIPPED, both=False)
    words = made_up(ENTRIES)
    facts = Facts(COMMENT, "en", {"spam": 0.1}, Author(id="a"), Article(id="1", section="x"), NOW)
    in_list = {"words": {"list": "words"}}
    measured: dict[str, Callable[[], object]] = {"a score of the fast reader": lambda: model.score(COMMENT)}
    for count in (0, 100, ENTRIES):
        measured[f"{count:,} entries"] = evaluating([in_list] if count else [], words[:count], facts)
    mixed = [*(kind(at, words) for at in range(RULES - 1) for kind in [KINDS[at % len(KINDS)]]), in_list]
    measured[f"{RULES} rules and {ENTRIES:,} entries"] = evaluating(mixed, words, facts)
    measured["fingerprints"] = lambda: fingerprints(COMMENT)
    found = rounds(measured)
    first = next(iter(found))
    table = Table("", "µs", "share of the score", title=f"rules: a comment of {len(COMMENT)} characters, one core")
    for name, us in found.items():
        share = statistics.median(one / other for one, other in zip(us, found[first], strict=True))
        table.add_row(name, f"{statistics.median(us):,.1f}", f"{share:.1%}")
    Console(width=100).print(table)


KINDS: Sequence[Callable[[int, Sequence[str]], dict[str, Any]]] = (
    lambda at, words: {"words": {"any": [words[at], words[-at]]}},
    lambda at, words: {"words": {"any": [words[at]], "match": "stem"}},
    lambda at, words: {"pattern": rf"(?i)\b{words[at]}\w*\d+"},
    lambda at, _: {"all": [{"links": {"domains": [f"x{at}.example"]}}, {"author": {"new": 600}}]},
    lambda at, _: {
        "all": [{"score": {"attribute": "spam", "at_least": 0.5 + at / 1_000}}, {"text": {"longer_than": at}}]
    },
    lambda at, _: {"all": [{"article": {"section": [f"s{at}"]}}, {"words": {"list": "words"}}]},
    lambda at, words: {"all": [{"author": {"approved_below": 3}}, {"words": {"any": [words[at]]}}]},
)


def made_up(count: int) -> list[str]:
    chance = random.Random(1)  # noqa: S311 - made-up words, the same each time
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = [chance.choice(SYLLABLES) for _ in range(chance.randint(2, 4))]
        words[f"{''.join(syllables)}{chance.choice('abcdefghijklmnopqrstuvwxyz')}"] = None
    return list(words)


def evaluating(whens: Sequence[dict[str, Any]], words: Sequence[str], facts: Facts) -> Callable[[], object]:
    rules = [
        msgspec.convert({"id": f"r{at}", "when": when, "then": {"action": "review"}}, Rule)
        for at, when in enumerate(whens)
    ]
    a_list = WordList("words", tuple(map(ListEntry, words)))
    compiled: CompiledRules = compile_rules(rules, {}, {"words": a_list}, ["spam"], TODAY)
    return lambda: compiled.evaluate(facts)


def rounds(measured: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Microseconds of processor time a call. The measured take turns."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(ROUNDS + 1):
        for name, run in measured.items():
            started = time.thread_time()
            for _ in range(CALLS):
                run()
            if number:  # the first round warms up
                found[name].append((time.thread_time() - started) / CALLS * 1e6)
    return found


if __name__ == "__main__":
    main()
