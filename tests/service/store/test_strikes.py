"""Strikes against a model in memory: the status is the one that they give, whatever is decided and taken back."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shards
from service.store.review import Answer
from service.store.scripts import script
from service.store.strikes import StrikeTerms
from service.values.domain import Action, Author, Comment, Judgement, Reason, Urgency, Verdict, Why
from service.values.rules import AuthorStatus
from service.values.strikes import Strikes, StrikeStep, Trust

TERMS = StrikeTerms(
    strikes=Strikes(
        (StrikeStep(2, "premoderated"), StrikeStep(4, "muted", 30), StrikeStep(6, "banned")),
        {"light": 0, "heavy": 3},
    )
)
REASONS = ("", "light", "heavy")
JUDGEMENT = Judgement(Action.REVIEW, {"toxicity": 0.5}, (Reason("r", "toxicity", 0.5, 0.4, 0.9),), "m-1", "default@1")
DEEDS = st.lists(
    st.tuples(st.sampled_from(("reject", "approve", "undo", "reopen")), st.integers(0, 3), st.sampled_from(REASONS)),
    max_size=25,
)


@dataclass
class Modelled:
    """One comment. `strike`: the weight; `before`: the one before the last decision, which an undo restores."""

    is_decided: bool = False
    moderator: str = ""
    strike: int = 0
    before: int = 0
    holder: str = ""
    deeds: int = field(default=0)


def status_of(strikes: int) -> AuthorStatus:
    steps = [step.status for step in TERMS.strikes.at if strikes >= step.strikes] if TERMS.strikes else []
    return AuthorStatus(steps[-1]) if steps else AuthorStatus.ACTIVE


async def submit(store: Store, site: str, comment: str, author: str) -> None:
    sent = Comment("hello", author=Author(author))
    urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
    await store.comments.submit(site, comment, sent, JUDGEMENT, urgency=urgency, actor="site-key")


async def decide(store: Store, site: str, comment: str, by: str, verdict: Verdict, reason: str, **more: Any) -> None:
    version = (await store.comments.get(site, comment)).version
    answer = Answer(verdict, None, reason, digest=f"{by} {version}", version=version)
    found, _ = await store.queue.decide(site, comment, by, answer, may_overrule=True, terms=TERMS, **more)
    assert found == "ok"


async def play(store: Store, site: str, author: str, deeds: list[tuple[str, int, str]]) -> None:
    known = [Modelled() for _ in range(4)]
    for number in range(4):
        await submit(store, site, f"{author}-{number}", author)
    for what, number, reason in deeds:
        comment, now = f"{author}-{number}", known[number]
        now.deeds += 1
        if what in ("reject", "approve") and not now.is_decided:
            now.moderator = now.holder or f"m{number}-{now.deeds}"
            await decide(store, site, comment, now.moderator, Verdict(what), reason)
            weight = TERMS.strikes.weight(reason) if TERMS.strikes and what == "reject" else 0
            now.is_decided, now.holder, now.before, now.strike = True, "", now.strike, weight
        elif what == "undo" and now.is_decided:
            outcome, _ = await store.queue.undo(site, comment, now.moderator, 60, terms=TERMS)
            assert outcome == "ok"
            now.is_decided, now.holder, now.strike = False, now.moderator, now.before
        elif what == "reopen" and now.is_decided:
            assert (await store.queue.reopen(site, comment, "chief", sla_ms=1_000))[0] == "ok"
            now.is_decided, now.holder = False, ""
        if store.shards > 1:
            await store.strikes.weigh_noted(site, lambda _: TERMS)
        newest = await store.statuses.newest(site, author)
        want = status_of(sum(each.strike for each in known))
        assert (newest.status if newest else AuthorStatus.ACTIVE) == want, deeds
        stored = await store.pipe.call("HGET", f"cm:{{{site}}}:status:{author}", "status")
        assert (stored or b"active").decode() == want
    kept = {each.comment: each.weight for each in await store.strikes.of(site, author)}
    assert kept == {f"{author}-{number}": each.strike for number, each in enumerate(known) if each.strike}


@pytest.mark.parametrize("shards", [1, 3])
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEEDS)
def test_the_status_is_always_the_one_that_the_standing_strikes_give(
    redis_server: Any, settings: Settings, shards: int, deeds: list[tuple[str, int, str]]
) -> None:
    async def run() -> None:
        with redis_server.client() as client:
            client.flushall()
        long = msgspec.structs.replace(settings, undo_window_s=600, shards=shards)
        async with open_store(long, redis_server.url) as store:
            await play(store, "daily", "ann", deeds)

    asyncio.run(run())


async def test_rejections_at_the_same_moment_each_count_once_and_the_last_one_bans(store: Store, site: str) -> None:
    comments = [f"c-{number}" for number in range(12)]
    for each in comments:
        await submit(store, site, each, "ann")
    await asyncio.gather(*(decide(store, site, each, f"m-{each}", Verdict.REJECT, "") for each in comments))
    history = await store.statuses.history(site, "ann")
    assert [each.status for each in history] == ["banned", "muted", "premoderated"]
    assert [each.version for each in history] == [3, 2, 1]
    assert sum(each.weight for each in await store.strikes.of(site, "ann")) == len(comments)


@pytest.mark.parametrize("approvals", [1, 3])
async def test_trust_counts_what_stands_approved(store: Store, site: str, approvals: int) -> None:
    terms = StrikeTerms(trust=Trust(approvals))
    for number in range(approvals):
        await submit(store, site, f"c-{number}", "ann")
        answer = Answer(Verdict.APPROVE, None, digest=str(number), version=1)
        await store.queue.decide(site, f"c-{number}", "eve", answer, may_overrule=True, terms=terms)
        newest = await store.statuses.newest(site, "ann")
        assert (newest is not None) is (number + 1 == approvals)


class Held:
    """Holds the first weighing back when it has read the other shards."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.released, self._run = asyncio.Event(), asyncio.Event(), store.pipe.run
        monkeypatch.setattr(store.pipe, "run", self._call)

    async def _call(self, called: Any, *args: Any) -> Any:
        if called is script("weigh") and not self.reached.is_set():
            self.reached.set()
            await self.released.wait()
        return await self._run(called, *args)


@pytest.mark.parametrize("deed", ["strikes", "erasure"])
async def test_a_weighing_that_is_late_undoes_nothing_that_came_meanwhile(
    settings: Settings, site: str, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    settings = msgspec.structs.replace(settings, shards=3)
    async with open_store(settings, settings.redis_url or "") as store:

        async def reject(number: int, reason: str = "") -> None:
            await submit(store, site, f"c-{number}", "zed")
            await decide(store, site, f"c-{number}", "ann", Verdict.REJECT, reason)

        async def weigh() -> None:
            await store.strikes.weigh_noted(site, lambda _: TERMS, "zed")

        for number in range(3):
            await reject(number, "heavy" if deed == "erasure" else "light" if number else "")
        held = Held(store, monkeypatch)
        late = asyncio.create_task(weigh())
        await held.reached.wait()
        if deed == "erasure":
            await store.statuses.forget(site, "zed")
        else:
            for number in range(3, 6):
                await reject(number)
            await weigh()
        held.released.set()
        await late
        newest = await store.statuses.newest(site, "zed")
        assert (newest and newest.status) == (None if deed == "erasure" else AuthorStatus.MUTED)
        await weigh()
        assert not any([await store.pipe.call("HGETALL", each.key("struck")) for each in store.outbox.shards(site)])


@pytest.mark.parametrize(
    "newer",
    [
        {"status": "shadowed", "version": 1, "by": "chief", "at": "2026-11-01T12:00:00Z"},
        {"status": "banned", "version": 1, "by": "chief", "at": {"day": 1}},
    ],
)
async def test_a_status_that_only_a_newer_release_knows_stops_the_weighing_of_nobody_else(
    settings: Settings, site: str, newer: dict[str, Any]
) -> None:
    settings = msgspec.structs.replace(settings, shards=3)
    async with open_store(settings, settings.redis_url or "") as store:
        shards = Shards(store.pipe, 3)
        names = [f"c-{number}" for number in range(100)]
        for author, number in (("bob", 0), ("ann", 1), ("zed", 2)):  # read in this order
            for comment in [each for each in names if shards.of(site, each).number == number][:2]:
                await submit(store, site, comment, author)
                await decide(store, site, comment, "eve", Verdict.REJECT, "")
        await store.pipe.call("LPUSH", store.statuses.shard(site, "bob").key("statuses:bob"), json.dumps(newer))
        await store.strikes.weigh_noted(site, lambda _: TERMS)
        for author in ("ann", "zed"):
            newest = await store.statuses.newest(site, author)
            assert newest is not None
            assert newest.status is AuthorStatus.PREMODERATED
        noted = [await store.pipe.call("HKEYS", each.key("struck")) for each in store.outbox.shards(site)]
        assert noted == [[b"bob"], [], []], "for whoever can read it"
