"""Evaluates what rules leave open, given what Redis counts. The Lua script of the store must agree with this."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.rules.combining import Expression
from service.values.rules import AuthorStatus


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
