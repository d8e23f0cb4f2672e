"""Counts what Redis would have counted while comments of the past came again, so that rules can be tried on them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from service.rules.holding import Copies, Counters
from service.values.domain import Status
from service.values.rules import DAY_S


class Arrival(NamedTuple):
    """A comment that comes again. `author`, `article`: ids, or ""; `prints`: fingerprints, by what they tell."""

    at: datetime
    author: str
    article: str
    prints: Mapping[Copies, Sequence[str]]


class CountReplay:
    """Comments must come oldest first. Counts begin with the first one: earlier comments are not known.

    The status that an author had is not known either: it counts as active. Nor are networks: none is fast.
    """

    def __init__(self, counts: Collection[tuple[Any, ...]]) -> None:
        """`counts`: what the rules count (CompiledRules.counts)."""
        self._days = [each[1] for each in counts if each[0] == "rejected"]
        self._velocities = [each[1:] for each in counts if each[0] == "velocity"]
        self._duplicates = [each[1:] for each in counts if each[0] == "duplicate"]
        self._seen: dict[str, float] = {}
        self._stands: defaultdict[tuple[str, Status], list[float]] = defaultdict(list)
        self._rates: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._prints: defaultdict[str, list[float]] = defaultdict(list)

    def counters(self, comment: Arrival) -> Counters:
        """What is counted when a comment comes that has not been added yet."""
        at, author = comment.at, comment.author
        approved, rejected = (self._stands[author, status] for status in (Status.APPROVED, Status.REJECTED))
        rejected_by = {days: _within(rejected, at, days * DAY_S) for days in self._days}
        who = {"author": author, "article": comment.article, "site": "site"}
        return Counters(
            seen_s=at.timestamp() - self._seen[author] if author in self._seen else None,
            approved=len(approved),
            rejected_by_days=rejected_by,
            decided_by_days={days: n + _within(approved, at, days * DAY_S) for days, n in rejected_by.items()},
            velocity={
                (by, s): _within(self._rates[by, who[by]], at, s) + 1 for by, s in self._velocities if who.get(by)
            },
            duplicates={
                (match, of, s): 1
                + max(
                    (_within(self._prints[each], at, s) for each in comment.prints.get(Copies(match, of), ())),
                    default=0,
                )
                for match, of, s in self._duplicates
            },
        )

    def add(self, comment: Arrival, status: Status) -> None:
        """Count a comment that stands so today."""
        now = comment.at.timestamp()
        if comment.author:
            self._seen.setdefault(comment.author, now)
            self._stands[comment.author, status].append(now)
        for by, who in (("author", comment.author), ("article", comment.article), ("site", "site")):
            if who:
                self._rates[by, who].append(now)
        for each in {each for some in comment.prints.values() for each in some}:
            self._prints[each].append(now)


def _within(times: list[float], now: datetime, s: float) -> int:
    return len(times) - bisect_left(times, now.timestamp() - s)
