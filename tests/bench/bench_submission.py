"""make bench: what the rules of the default policy cost where a comment is recorded, in the same run.

Rounds take turns, so that a machine that slows down slows all. Each comment is another one of another author.
"""

import asyncio
import random
import statistics
import time
from datetime import UTC, datetime
from functools import partial

import bench_queue
import uvloop
from rich.console import Console
from rich.table import Table

from service.cases import ruling
from service.rules.compiled import CompiledRules, compile_rules
from service.store import Store
from service.store.asked import RulesAsked
from service.values.domain import Action, Article, Author, Comment, Judgement, Reason
from service.values.policy import DEFAULT, Decision, attention
from service.values.recommended_rules import RECOMMENDED_RULES

COMMENTS, ROUNDS, AT_ONCE = 1_500, 9, 64
SITE = "bench"
JUDGEMENT = Judgement(
    Action.APPROVE,
    dict.fromkeys(("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam"), 0.01),
    (Reason("score_below_review_band", "toxicity", 0.01, 0.25, 0.98),),
    "m",
    "default@1",
    language="en",
)


def main() -> None:
    uvloop.run(_measure(Console(width=100)))


async def _measure(console: Console) -> None:
    rules = compile_rules(RECOMMENDED_RULES, {}, {}, [*JUDGEMENT.scores], datetime.now(UTC).date())
    kinds = {
        "without rules": (None, ""),
        "default rules": (rules, ""),
        "default rules, a comment with a link": (rules, " See https://example.org/@ for more."),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    with bench_queue.redis_server(appendonly="yes", appendfsync="always") as redis:
        async with bench_queue.stores(redis, 1) as (store,):
            for number in range(ROUNDS + 1):
                for at, (name, (applied, ending)) in enumerate(kinds.items()):
                    taken = await _rate(store, applied, f"{number}-{at}", ending)
                    if number:  # the first round warms up
                        found[name].append(taken)
    table = Table("", "comments/s", "beside without", title="recorded and synced to disk, 64 at once, one process")
    first = found["without rules"]
    for name, rates in found.items():
        ratio = statistics.median(one / other for one, other in zip(rates, first, strict=True))
        table.add_row(name, f"{statistics.median(rates):,.0f}", f"{ratio:.2f}")
    console.print(table)


async def _rate(store: Store, rules: CompiledRules | None, name: str, ending: str) -> float:
    """Comments a second."""
    chance = random.Random(name)  # noqa: S311 - the same texts each time
    comments = [
        Comment(
            " ".join(chance.choices(bench_queue.WORDS, k=50)) + ending.replace("@", str(number)),
            author=Author(f"u-{name}-{number}"),
            article=Article(f"a-{number % 100}"),
        )
        for number in range(COMMENTS)
    ]
    numbers = iter(range(COMMENTS))

    async def submit() -> None:
        for number in numbers:
            await _submitted(store, rules, f"{name}-{number}", comments[number])

    started = time.perf_counter()
    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))
    return COMMENTS / (time.perf_counter() - started)


async def _submitted(store: Store, rules: CompiledRules | None, comment_id: str, comment: Comment) -> None:
    """As service.cases.moderation records it."""
    attend = partial(attention, policy=DEFAULT, section=None, draw=1.0)
    ask = None
    if rules is not None:
        ask = partial(ruling.ask, DEFAULT, rules, comment, JUDGEMENT, attend, now=datetime.now(UTC), is_soon=False)
    asked = ask(may_watch=True) if ask else None
    urgency = attend(Decision(JUDGEMENT.decision, JUDGEMENT.reasons))
    submit = partial(store.comments.submit, SITE, comment_id, comment, JUDGEMENT, urgency=urgency, actor="site")
    outcome, _ = await (submit(rules=asked) if isinstance(asked, RulesAsked) else submit(watch=asked))
    if outcome == "ask":
        found = ask() if ask else None
        assert isinstance(found, RulesAsked)
        await submit(rules=found)


if __name__ == "__main__":
    main()
