"""A model in shadow: how its decisions would have differed from those of the model in use. Values only."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from service.values.domain import Action


class Pair(NamedTuple):
    """What both models would have done with one comment. `champion`: the version of the model in use."""

    champion: str
    was: Action
    would: Action

    @property
    def differs(self) -> bool:
        return self.was is not self.would


class PairCount(Struct, frozen=True):
    """Comments for which the champion decided `was` and the challenger would have decided `would`."""

    champion: str
    was: Action
    would: Action
    comments: int


class ShadowFigures(Struct, frozen=True):
    days: Annotated[int, Meta(description="Days (UTC) on which at least one comment of the site was compared.")]
    first_day: date | None
    last_day: date | None
    comments: int
    differing: int
    differing_share: float | None
    pairs: list[PairCount]


def figures(by_day: Mapping[date, Mapping[Pair, int]]) -> ShadowFigures:
    total: Counter[Pair] = Counter()
    for counts in by_day.values():
        total.update(counts)
    days, comments = sorted(day for day, counts in by_day.items() if counts), total.total()
    differing = sum(count for pair, count in total.items() if pair.differs)
    return ShadowFigures(
        days=len(days),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        comments=comments,
        differing=differing,
        differing_share=differing / comments if comments else None,
        pairs=[PairCount(*pair, count) for pair, count in sorted(total.items())],
    )
