"""Whether comments and decisions changed since a certificate. Needs no labels."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from service.cases.figures import HOUR_S, HourCounts, figures
from service.store import Store
from service.store.watch import WatchState
from service.values.ladder import risk
from service.values.policy import Policy
from service.values.targets import Certificate, RiskHistogram
from service.values.watching import Departure, departure, drift

# Comments that are compared with the fold of the certificate.
NEWEST = 1_000
AT_ONCE = 100
# Of fewer comments, chance alone makes a large index.
LEAST_COMPARED = 200
WEEK_HOURS = 7 * 24
# Redis keeps the counts of this many weeks.
WEEKS = 8
# In an hour with fewer comments, shares say little.
LEAST_COMMENTS = 30


async def measured(  # noqa: PLR0917 - what is measured, and against what
    store: Store, site: str, policy: Policy, certificate: Certificate, state: WatchState, now: datetime
) -> WatchState:
    """The state with new figures, or with those before if too little can be seen."""
    found = None
    if certificate.risks is not None:
        counts = await _histogram(store, site, policy, certificate.risks, certificate.model_version)
        found = drift(certificate.risks.counts, counts) if sum(counts) >= LEAST_COMPARED else None
    hours = (await figures(store, site, WEEKS * WEEK_HOURS + 2)).decisions_per_hour
    coverage, inflow = departures(hours, now)
    return msgspec.structs.replace(
        state,
        measured_at=now.replace(microsecond=0),
        drift=found or state.drift,
        coverage=coverage or state.coverage,
        inflow=inflow or state.inflow,
    )


async def _histogram(store: Store, site: str, policy: Policy, reference: RiskHistogram, model: str) -> list[int]:
    """Of the comments that this model judged: soon after a promotion, the scores of others are among the newest."""
    counts = [0] * len(reference.counts)
    async for _, said in store.recent.newest(site, NEWEST, at_once=AT_ONCE):
        if said.scores and said.model == model:
            counts[bisect_right(reference.bounds, risk(said.scores, policy))] += 1
    return counts


def departures(hours: Sequence[HourCounts], now: datetime) -> tuple[Departure | None, Departure | None]:
    """Coverage and inflow of the last full hour against the same hour of the weeks before."""
    by_hour = {each.hour: each for each in hours}
    last = now.replace(minute=0, second=0, microsecond=0) - timedelta(seconds=HOUR_S)
    same = [by_hour.get(last - timedelta(hours=week * WEEK_HOURS)) for week in range(WEEKS + 1)]
    return _coverage(same), _inflow(same)


def _coverage(same: Sequence[HourCounts | None]) -> Departure | None:
    now, *earlier = ((each, _comments(each)) for each in same)
    if now[0] is None or now[0].automated is None or now[1] < LEAST_COMMENTS:
        return None
    kept = [each.automated for each, n in earlier if each and each.automated is not None and n >= LEAST_COMMENTS]
    usual = sum(kept) / len(kept) if kept else 0.0
    return departure(now[0].automated, kept, math.sqrt(max(usual * (1 - usual), 1 / now[1]) / now[1]))


def _inflow(same: Sequence[HourCounts | None]) -> Departure | None:
    now, *earlier = same
    kept = [float(each.inflow) for each in earlier if each]
    usual = sum(kept) / len(kept) if kept else 0.0
    return departure(float(now.inflow if now else 0), kept, math.sqrt(max(usual, 1.0)))


def _comments(hour: HourCounts | None) -> int:
    return sum(hour.automatic.values()) if hour else 0
