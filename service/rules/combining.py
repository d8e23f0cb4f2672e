"""Conditions as functions, and how they combine."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from service.rules.seen import Seen
from service.rules.triggers import Triggers, rarest
from service.rules.words import Found

Expression = tuple[Any, ...]
Value = bool | Expression
# What cannot be decided at all, as a list is missing, or a score.
MISSING: Expression = ("missing",)

Decide = Callable[[Seen], Value]
# Where the text fits a condition, and the list whose term is there.
Places = Callable[[Seen], Sequence[tuple[Found, str]]]


class Compiled(NamedTuple):
    """`decide`: see above. `cost`: cheap ones are decided first. `places`: where the text fits the condition.

    `triggers`: the condition can only hold, or stay open, if one of these happens; None: it always can. `counts`: what
    Redis counts for it. `is_steady`: what it decides depends only on whether the comment names an author, an article
    and a network.
    """

    decide: Decide
    cost: int
    triggers: Triggers | None = None
    places: tuple[Places, ...] = ()
    counts: frozenset[tuple[object, ...]] = frozenset()
    is_steady: bool = False


CHEAP, COUNTED, READ = 0, 1, 2


def all_of(parts: Sequence[Compiled]) -> Compiled:
    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined("all", parts, rarest(known) if known else None, settles=False)


def any_of(parts: Sequence[Compiled]) -> Compiled:
    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined("any", parts, Triggers().union(*known) if len(known) == len(parts) else None, settles=True)


def not_of(part: Compiled) -> Compiled:
    def decide(seen: Seen) -> Value:
        value = part.decide(seen)
        if isinstance(value, bool):
            return not value
        denied: Expression = value[1] if value[0] == "not" else ("not", value)
        return denied

    return Compiled(decide, part.cost, counts=part.counts, is_steady=part.is_steady)


def _combined(operator: str, parts: Sequence[Compiled], triggers: Triggers | None, *, settles: bool) -> Compiled:
    """`settles`: what one part decides for all of them."""
    decides = [each.decide for each in sorted(parts, key=lambda each: each.cost)]
    otherwise = not settles

    def decide(seen: Seen) -> Value:
        still_open: list[Value] = []
        for each in decides:
            value = each(seen)
            if value is settles:
                return settles
            if value is not otherwise:
                still_open.append(value)
        if not still_open:
            return otherwise
        return still_open[0] if len(still_open) == 1 else (operator, *still_open)

    return Compiled(
        decide,
        max(each.cost for each in parts),
        triggers,
        tuple(place for each in parts for place in each.places),
        frozenset[tuple[object, ...]]().union(*(each.counts for each in parts)),
        all(each.is_steady for each in parts),
    )
