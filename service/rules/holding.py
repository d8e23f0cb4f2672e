"""Evaluates what rules leave open, given what Redis counts. The Lua script of the store must agree with this."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from service.rules.combining import Expression
from service.values.rules import AuthorStatus


class Copies(NamedTuple):
    """Which copies are counted, and of whom: `near`, of the `site`."""

    match: str
    of: str

    @property
    def name(self) -> str:
        return f"{self.match}:{self.of}"


class Needed(NamedTuple):
    """Counts of which at least one must be passed for any rule to hold.

    Velocities as (by, more than, seconds), copies as (which, at least, seconds).
    """

    velocities: tuple[tuple[str, int, int], ...] = ()
    copies: tuple[tuple[Copies, int, int], ...] = ()


class Dependence(NamedTuple):
    """What rules that are left open depend on.

    `copies`: those of the author come first. `needed`: None: a rule may hold without. Most comments pass none of these
    counts, so that nothing else need be known of them.
    """

    copies: tuple[Copies, ...] = ()
    needed: Needed | None = Needed()
    compares_near: bool = False


@lru_cache(maxsize=1_024)
def dependence(expressions: tuple[Expression, ...]) -> Dependence:
    counts = (each for expression in expressions for each in leaves(expression) if each[0] == "duplicate")
    copies = {Copies(each[1], each[2]) for each in counts}
    needed = counts_needed(("any", *expressions))
    return Dependence(
        tuple(sorted(copies, key=lambda each: (each.of != "author", each.match))),
        None if needed is None else _sorted_out(needed),
        any(each.match == "near" for each in copies),
    )


def _sorted_out(counts: tuple[Expression, ...]) -> Needed:
    return Needed(
        tuple(each[1:] for each in counts if each[0] == "velocity"),
        tuple((Copies(each[1], each[2]), *each[3:]) for each in counts if each[0] == "duplicate"),
    )


def leaves(expression: Expression) -> Iterator[Expression]:
    """The conditions of an expression that Redis answers."""
    if expression[0] in ("all", "any", "not"):
        for each in expression[1:]:
            yield from leaves(each)
    else:
        yield expression


def counts_needed(expression: Expression) -> tuple[Expression, ...] | None:
    """Velocities and copies of which at least one must be passed for the expression to hold; None: there are none."""
    operator, *rest = expression
    if operator in ("velocity", "duplicate"):
        return (expression,)
    if operator not in ("all", "any"):
        return None
    parts = [counts_needed(each) for each in rest]
    known = [each for each in parts if each is not None]
    if operator == "all":
        return min(known, key=len, default=None)
    return tuple(dict.fromkeys(each for some in known for each in some)) if len(known) == len(parts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """`seen_s`: seconds since the author's first comment; None: there is none. `approved`: comments that stand so.

    By days: decided comments of the last so many days. `velocity`: comments by (by, s), `duplicates`: by (match, of,
    s); both count this comment too.
    """

    seen_s: float | None = None
    approved: int = 0
    rejected_by_days: Mapping[int, int] = field(default_factory=dict)
    decided_by_days: Mapping[int, int] = field(default_factory=dict)
    status: AuthorStatus = AuthorStatus.ACTIVE
    velocity: Mapping[tuple[str, int], int] = field(default_factory=dict)
    duplicates: Mapping[tuple[str, str, int], int] = field(default_factory=dict)


def holds(expression: Expression, counters: Counters) -> bool:
    """For an expression of service.rules.conditions."""
    operator, *rest = expression
    match operator:
        case "all":
            return all(holds(each, counters) for each in rest)
        case "any":
            return any(holds(each, counters) for each in rest)
        case "not":
            return not holds(rest[0], counters)
        case _:
            return _holds(expression, counters)


def _holds(expression: Expression, counters: Counters) -> bool:
    found: bool
    match expression:
        case ["new", seconds]:
            found = counters.seen_s is None or counters.seen_s < seconds
        case ["approved_below", least]:
            found = counters.approved < least
        case ["rejected_share_above", share, days]:
            decided = counters.decided_by_days.get(days, 0)
            found = decided > 0 and counters.rejected_by_days.get(days, 0) / decided > share
        case ["rejected_at_least", least, days]:
            found = counters.rejected_by_days.get(days, 0) >= least
        case ["status", *some]:
            found = counters.status in some
        case ["velocity", by, most, s]:
            found = counters.velocity.get((by, s), 1) > most
        case ["duplicate", match, of, least, s]:
            found = counters.duplicates.get((match, of, s), 1) >= least
        case _:
            raise ValueError(f"no condition that Redis can answer: {expression[0]}")
    return found
