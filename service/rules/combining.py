"""Conditions as functions, and how they combine."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from service.rules.seen import Seen
from service.rules.triggers import Triggers, rarest
from service.rules.words import Found

Expression = list[Any]
Value = bool | Expression
# What cannot be decided at all, as a list is missing, or a score.
MISSING: Expression = ["missing"]

Decide = Callable[[Seen], Value]
# Where the text fits a condition, and the list whose term is there.
Places = Callable[[Seen], Sequence[tuple[Found, str]]]


class Compiled(NamedTuple):
    """`decide`: see above. `cost`: cheap ones are decided first. `places`: where the text fits the condition.

    `triggers`: the condition can only hold, or stay open, if one of these happens; None: it always can. `counts`: what
    Redis counts for it.
    """

    decide: Decide
    cost: int
    triggers: Triggers | None = None
    places: tuple[Places, ...] = ()
    counts: frozenset[tuple[object, ...]] = frozenset()


CHEAP, COUNTED, READ = 0, 1, 2


def all_of(parts: Sequence[Compiled]) -> Compiled:
    decides = [each.decide for each in sorted(parts, key=lambda each: each.cost)]

    def decide(seen: Seen) -> Value:
        still_open: list[Value] = []
        for each in decides:
            value = each(seen)
            if value is False:
                return False
            if value is not True:
                still_open.append(value)
        return _one_or("all", still_open) if still_open else True

    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined(decide, parts, rarest(known) if known else None)


def any_of(parts: Sequence[Compiled]) -> Compiled:
    decides = [each.decide for each in sorted(parts, key=lambda each: each.cost)]

    def decide(seen: Seen) -> Value:
        still_open: list[Value] = []
        for each in decides:
            value = each(seen)
            if value is True:
                return True
            if value is not False:
                still_open.append(value)
        return _one_or("any", still_open) if still_open else False

    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined(decide, parts, Triggers().union(*known) if len(known) == len(parts) else None)


def not_of(part: Compiled) -> Compiled:
    def decide(seen: Seen) -> Value:
        value = part.decide(seen)
        if isinstance(value, bool):
            return not value
        denied: Expression = value[1] if value[0] == "not" else ["not", value]
        return denied

    return Compiled(decide, part.cost, counts=part.counts)


def _one_or(operator: str, some: list[Value]) -> Value:
    return some[0] if len(some) == 1 else [operator, *some]


def _combined(decide: Decide, parts: Sequence[Compiled], triggers: Triggers | None) -> Compiled:
    return Compiled(
        decide,
        max(each.cost for each in parts),
        triggers,
        tuple(place for each in parts for place in each.places),
        frozenset[tuple[object, ...]]().union(*(each.counts for each in parts)),
    )
