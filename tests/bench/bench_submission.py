"""make bench: what the rules of the default policy cost where a comment is recorded, in the same run.

Each row is compared with one that does the same without rules: records what the model approved, scores it first, or
records what the model leaves to a person. With a link in it, the default rules hold each comment but the first ones.
Before that, whole requests with these rules and without: as the service ships, with both readers of the model, and with
the fast one alone, beside which the same rules are a larger share. Rounds take turns, so that a machine that slows down
slows all; where others use it, the ratio of processor time, of this process and Redis together, is the steadier one:
0.92 means that 8 % of it is due to the rules. Each comment is another one, and of another author, except in the rows of
those who return: each of them has one comment in each round.
"""

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import bench_queue
import bench_service
import httpx
import load
import msgspec
import processes
import uvloop
from rich.console import Console
from rich.table import Table

import classifier
from service.cases import ruling
from service.process.garbage import COLLECT_AFTER
from service.rules.compiled import CompiledRules, compile_rules
from service.store import Store
from service.values.attention import attention
from service.values.domain import Action, Article, Author, Comment, Judgement, Reason
from service.values.policy import DEFAULT, Decision
from service.values.recommended_rules import RECOMMENDED_RULES

COMMENTS, ROUNDS, AT_ONCE = 1_500, 9, 64
# Of each round, by the readers that score a comment.
REQUESTS = {"both": 1_500, "fast": 4_000}
POLICY = f"/v1/policies/{DEFAULT.name}"
LINK = " See https://example.org/@ for more."
SITE = "bench"
JUDGEMENT = Judgement(
    Action.APPROVE,
    dict.fromkeys(("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam"), 0.01),
    (Reason("score_below_review_band", "toxicity", 0.01, 0.25, 0.98),),
    "m",
    "default@1",
    language="en",
)
HELD = msgspec.structs.replace(
    JUDGEMENT,
    decision=Action.REVIEW,
    scores={**JUDGEMENT.scores, "toxicity": 0.5},
    reasons=(Reason("score_in_review_band", "toxicity", 0.5, 0.25, 0.98),),
)


class Kind(NamedTuple):
    """How comments are recorded. `ending`: of each text. `score`: as the service does, before it decides.

    `returns`: the same authors write in each round.
    """

    rules: CompiledRules | None = None
    ending: str = ""
    judgement: Judgement = JUDGEMENT
    score: Callable[[str], object] | None = None
    returns: bool = False


class Round(NamedTuple):
    """`own_us`, `redis_us`: processor time for each comment, of this process and of Redis."""

    per_second: float
    own_us: float
    redis_us: float

    @property
    def cpu_us(self) -> float:
        return self.own_us + self.redis_us


def main() -> None:
    gc.set_threshold(*COLLECT_AFTER)  # as in the service
    console = Console(width=130)
    for readers, requests in REQUESTS.items():
        _compare_requests(console, readers, requests)
    uvloop.run(_measure(console))


def _compare_requests(console: Console, readers: str, requests: int) -> None:
    with (
        processes.service(readers) as steward,
        httpx.Client(
            base_url=f"http://127.0.0.1:{steward.port}", headers={"Authorization": f"Bearer {steward.key}"}
        ) as client,
    ):
        thresholds = client.get(POLICY).raise_for_status().json()["thresholds"]
        policies = {
            name: {"thresholds": thresholds, "rules": msgspec.to_builtins(rules)}
            for name, rules in {"none": (), "default": RECOMMENDED_RULES}.items()
        }
        found: dict[str, list[load.Measured]] = {name: [] for name in policies}
        for number in range(ROUNDS + 1):
            for name, policy in policies.items():
                client.put(POLICY, json=policy).raise_for_status()
                body = bench_service.COMMENT.replace(b"ROUND", f"{name}-{number}".encode())
                found[name].append(bench_service.measure(steward, "v1/comments", body, requests))
    columns = ("rules", "requests/s", "beside none", "CPU µs", "Redis CPU µs", "CPU beside none")
    table = Table(*columns, title=f"POST /v1/comments, one process, STEWARD_READERS={readers}")
    for name, rounds in found.items():
        ratio = statistics.median(
            o.per_second / b.per_second for o, b in zip(rounds[1:], found["none"][1:], strict=True)
        )
        own, redis = (statistics.median(each.cpu_us[which] for each in rounds[1:]) for which in (0, 1))
        cpu = statistics.median(
            sum(b.cpu_us) / sum(o.cpu_us) for o, b in zip(rounds[1:], found["none"][1:], strict=True)
        )
        per_second = statistics.median(each.per_second for each in rounds[1:])
        table.add_row(name, f"{per_second:,.0f}", f"{ratio:.2f}", f"{own:.0f}", f"{redis:.0f}", f"{cpu:.2f}")
    console.print(table)


async def _measure(console: Console) -> None:
    rules = compile_rules(RECOMMENDED_RULES, {}, {}, [*JUDGEMENT.scores], datetime.now(UTC).date())
    score = classifier.load(classifier.SHIPPED, both=False).score
    beside = {
        "without rules": {"without rules": Kind(), "default rules": Kind(rules)},
        "scored, without rules": {
            "scored, without rules": Kind(score=score),
            "scored, default rules": Kind(rules, score=score),
        },
        "authors return, without rules": {
            "authors return, without rules": Kind(returns=True),
            "authors return, default rules": Kind(rules, returns=True),
        },
        "held by the model": {
            "held by the model": Kind(ending=LINK, judgement=HELD),
            "held by the default rules": Kind(rules, LINK),
        },
    }
    kinds = {name: kind for some in beside.values() for name, kind in some.items()}
    found: dict[str, list[Round]] = {name: [] for name in kinds}
    with bench_queue.redis_server(appendonly="yes", appendfsync="always") as redis:
        pid = int(redis.info("server")["process_id"])
        async with bench_queue.stores(redis, 1) as (store,):
            for number in range(ROUNDS + 1):
                for at, (name, kind) in enumerate(kinds.items()):
                    taken = await _measured(store, pid, kind, str(at), number)
                    if number:  # the first round warms up
                        found[name].append(taken)
    table = Table("", "comments/s", "beside without", "CPU µs", "more", "Redis CPU µs", "more", "CPU beside without")
    table.title = "recorded and synced to disk, 64 at once, one process"
    for first, some in beside.items():
        for name in some:
            table.add_row(name, *_row(found[name], found[first]))
    console.print(table)


def _row(rounds: Sequence[Round], without: Sequence[Round]) -> list[str]:
    def median(value: Callable[[Round, Round], float]) -> float:
        return statistics.median(value(each, other) for each, other in zip(rounds, without, strict=True))

    return [
        f"{median(lambda each, _: each.per_second):,.0f}",
        f"{median(lambda each, other: each.per_second / other.per_second):.2f}",
        f"{median(lambda each, _: each.own_us):.0f}",
        f"{median(lambda each, other: each.own_us - other.own_us):+.1f}",
        f"{median(lambda each, _: each.redis_us):.0f}",
        f"{median(lambda each, other: each.redis_us - other.redis_us):+.1f}",
        f"{median(lambda each, other: other.cpu_us / each.cpu_us):.2f}",
    ]


async def _measured(store: Store, redis_pid: int, kind: Kind, name: str, number: int) -> Round:
    """One round. `number`: of the round."""
    chance = random.Random(f"{number}-{name}")  # noqa: S311 - the same texts each time
    authors = f"u-{name}" if kind.returns else f"u-{name}-{number}"
    comments = [
        Comment(
            " ".join(chance.choices(bench_queue.WORDS, k=50)) + kind.ending.replace("@", str(at)),
            author=Author(f"{authors}-{at}"),
            article=Article(f"a-{at % 100}"),
        )
        for at in range(COMMENTS)
    ]
    numbers = iter(range(COMMENTS))

    async def submit() -> None:
        for at in numbers:
            await _submitted(store, kind, f"{name}-{number}-{at}", comments[at])

    started, own_s, redis_s = time.perf_counter(), time.process_time(), processes.cpu_s(redis_pid)
    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))
    wall_s = time.perf_counter() - started
    own_s, redis_s = time.process_time() - own_s, processes.cpu_s(redis_pid) - redis_s
    return Round(COMMENTS / wall_s, own_s / COMMENTS * 1e6, redis_s / COMMENTS * 1e6)


async def _submitted(store: Store, kind: Kind, comment_id: str, comment: Comment) -> None:
    """As service.cases.moderation records it."""
    rules, judgement = kind.rules, kind.judgement
    if kind.score is not None:
        kind.score(comment.text)
    attend = partial(attention, policy=DEFAULT, section=None, draw=1.0)
    looked = ruling.look(rules, comment, judgement, datetime.now(UTC)) if rules is not None else None
    watch = ruling.limits_in(looked) if looked is not None else None
    urgency = attend(Decision(judgement.decision, judgement.reasons))
    submit = partial(store.comments.submit, SITE, comment_id, comment, judgement, urgency=urgency, actor="site")
    asked = None
    if looked is not None and watch is None:
        asked = ruling.ask(DEFAULT, looked, comment, judgement, attend, is_soon=False, is_first=True)
    outcome, _ = await submit(rules=asked, watch=watch)
    if outcome == "ask" and looked is not None:
        await submit(rules=ruling.ask(DEFAULT, looked, comment, judgement, attend, is_soon=False))


if __name__ == "__main__":
    main()
