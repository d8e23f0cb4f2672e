"""Audits in the real queue, 100 times with known truth, which the interval holds although the wrong are appealed."""

import asyncio
import random

from deeds import HOUR_MS
from scipy import stats

from service.cases.audits import audit_figures
from service.store import Store
from service.store.review import Answer, Filter
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Verdict, Why
from service.values.statistics import Estimate

RUNS, REJECTIONS, SHARE = 100, 80, 0.5
# Of harmless comments that were rejected, and of the others: the share whose authors appeal before anybody has looked.
APPEALS = {True: 0.6, False: 0.05}
JUDGEMENT = Judgement(Action.REJECT, {"toxicity": 0.99}, (Reason("r", "toxicity", 0.99),), "m-1", "default@1")
LEAST = int(stats.binom.ppf(0.001, RUNS, 0.95))


async def rejected(store: Store, site: str, number: int, draw: float) -> None:
    urgency = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=SHARE) if draw < SHARE else None
    comment, more = Comment(f"text {number}"), {"audit_share": SHARE, "draw": draw}
    await store.comments.submit(site, f"c-{number}", comment, JUDGEMENT, urgency=urgency, actor="key", **more)  # type: ignore[arg-type]


async def answer_all(store: Store, site: str, harmless: set[str]) -> None:
    """A moderator who is never mistaken decides what waits, audits and appeals alike."""
    while found := await store.queue.claim(site, "ann", 20, 60, Filter()):
        await asyncio.gather(
            *(
                store.queue.decide(
                    site,
                    each.id,
                    "ann",
                    Answer(Verdict.APPROVE if each.id in harmless else Verdict.REJECT, each.lease, digest="d"),
                    may_overrule=False,
                )
                for each in found
            )
        )


async def one_run(store: Store, seed: int) -> tuple[Estimate | None, float]:
    """The estimate, and the true share of rejections that are wrong."""
    chance, site = random.Random(seed), f"run-{seed}"  # noqa: S311 - a simulation
    names = [f"c-{number}" for number in range(REJECTIONS)]
    harmless = {name for name in names if chance.random() < 0.15}
    await asyncio.gather(*(rejected(store, site, number, chance.random()) for number in range(REJECTIONS)))
    appealed = [name for name in names if chance.random() < APPEALS[name in harmless]]
    await asyncio.gather(*(store.comments.appeal(site, name, "why?", sla_ms=HOUR_MS) for name in appealed))
    await answer_all(store, site, harmless)
    found = (await audit_figures(store, site, 24)).all.rejections
    assert found.audits.open == 0
    return found.wrong_share, len(harmless) / REJECTIONS


def covers(low: float | None, truth: float, high: float | None) -> bool:
    return (0.0 if low is None else low) <= truth <= (1.0 if high is None else high)


async def test_the_interval_holds_the_truth_and_the_estimate_is_unbiased(store: Store) -> None:
    runs = [await one_run(store, seed) for seed in range(RUNS)]
    found = [(estimate, truth) for estimate, truth in runs if estimate is not None]
    assert len(found) == RUNS
    assert sum(covers(each.low, truth, each.high) for each, truth in found) >= LEAST
    assert sum(covers(each.lowest, truth, each.highest) for each, truth in found) >= LEAST
    # Without the appealed ones it would be too low by 0.08.
    assert abs(sum(each.value - truth for each, truth in found)) / RUNS < 0.02
