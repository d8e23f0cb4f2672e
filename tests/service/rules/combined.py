"""Rules as tests write them, and the comments that they are tried on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from service.rules.compiled import CompiledRules, Facts, compile_rules
from service.values.domain import Article, Author
from service.values.lists import WordList
from service.values.rules import Condition, ListUse, Rule

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
