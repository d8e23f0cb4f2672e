"""What time alone brings, as the service looks after it beside the requests."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from service import metrics
from service.cases.directory import Directory
from service.cases.upkeep import Upkeep
from service.cases.watch import Watch
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Status, Urgency, Verdict, Why
from service.values.errors import StoreUnavailable
from service.values.learning import LearningDraw
from service.values.policy import Policy, Thresholds
from service.values.review_settings import Expiry, Reviewing
from service.values.targets import Targets

SITE = "daily"


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store:
        _, key = mint("daily", frozenset(Scope), "chief", datetime.now(UTC))
        await store.access.keep(key)
        judgement = Judgement(Action.REVIEW, {"spam": 0.5}, (), "m-1", "default@1")
        for number in range(3):
            await store.comments.submit(
                SITE,
                f"c-{number}",
                Comment("hello"),
                judgement,
                urgency=Urgency(Why.UNCERTAIN, 0.5, 60_000),
                actor="site",
            )
        yield store


@pytest.fixture
async def directory(store: Store, tmp_path: Path) -> Directory:
    directory = Directory(store.access, tmp_path / "access.json", Policy({"spam": Thresholds(0.1)}), store.background)
    await directory.refresh()
    return directory


async def test_a_lease_that_ended_goes_back_though_nobody_claims(
    store: Store, directory: Directory, redis_server: Any
) -> None:
    (held,) = await store.queue.claim(SITE, "ann", 1, 60, Filter())
    with redis_server.client() as client:
        client.zadd(Shard(SITE).key("lease"), {held.id: 1000})
    await Upkeep(store, directory).once()
    assert (await store.comments.get(SITE, held.id)).expiries == 1
    assert (await store.queue.stats(SITE, 1))["leased"] == 0


async def test_a_lease_ends_though_the_policy_cannot_be_read(store: Store, redis_server: Any, tmp_path: Path) -> None:
    (held,) = await store.queue.claim(SITE, "ann", 1, 60, Filter())
    with redis_server.client() as client:
        client.hset(Shard(SITE).key("policies"), "2", b"{")
        client.zadd(Shard(SITE).key("lease"), {held.id: 1000})
    directory = Directory(store.access, tmp_path / "access.json", Policy({"spam": Thresholds(0.1)}), store.background)
    await directory.refresh()
    with pytest.raises(StoreUnavailable, match="cannot read the policy"):
        directory.policy(SITE)
    await Upkeep(store, directory).once()
    assert (await store.queue.stats(SITE, 1))["leased"] == 0
    assert directory.shows_scores(SITE) is None


async def test_what_waited_longer_than_the_policy_allows_is_decided(
    store: Store, directory: Directory, redis_server: Any
) -> None:
    await Upkeep(store, directory).once()
    assert (await store.comments.get(SITE, "c-0")).status is Status.PENDING, "by default nothing expires"
    expiring = Policy({"spam": Thresholds(0.1)}, version=2, review=Reviewing(expiry=Expiry(60, "approve")))
    assert await store.access.keep_policy(SITE, expiring, "chief")
    await directory.refresh()
    with redis_server.client() as client:
        client.zadd(Shard(SITE).key("waiting"), {"c-0": 1000})
    await Upkeep(store, directory).once()
    assert [(await store.comments.get(SITE, f"c-{n}")).status for n in range(2)] == [Status.APPROVED, Status.PENDING]


async def test_operators_see_what_waits(store: Store, directory: Directory) -> None:
    await store.queue.claim(SITE, "ann", 1, 60, Filter())
    await Upkeep(store, directory).measure()
    shown = dict(
        re.findall(r'^steward_queue\{site="daily",state="(\w+)"\} (\S+)$', metrics.render().decode(), re.MULTILINE)
    )
    assert shown == {"queued": "2.0", "leased": "1.0", "escalated": "0.0", "overdue": "0.0"}


@pytest.mark.usefixtures("store")
async def test_operators_are_warned_once_of_a_queue_that_is_nearly_full(
    settings: Settings, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    def shown() -> str:
        return re.search(r'^steward_queue_fullness\{site="daily"\} (\S+)$', metrics.render().decode(), re.MULTILINE)[1]  # type: ignore[index]

    def warned() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "service.cases.upkeep"]

    assert settings.redis_url is not None
    async with open_store(msgspec.structs.replace(settings, max_queued=3), settings.redis_url) as small:
        upkeep = Upkeep(small, directory)
        await upkeep.measure()
        await upkeep.measure()
        assert warned() == ["daily: the queue is 100 % full; a full queue refuses comments"]
        assert shown() == "1.0"
        (held,) = await small.queue.claim(SITE, "ann", 1, 60, Filter())
        await small.queue.decide(SITE, held.id, "ann", Answer(Verdict.APPROVE, held.lease), may_overrule=False)
        await upkeep.measure()
        assert shown().startswith("0.66")
        late = Judgement(Action.REVIEW, {}, (), "m", "p")
        await small.comments.submit(
            SITE, "late", Comment("hello"), late, urgency=Urgency(Why.UNCERTAIN, 0.5, 60_000), actor="site"
        )
        await upkeep.measure()
        assert len(warned()) == 2, "it was better meanwhile"


async def test_it_goes_on_after_redis_was_away(own_server: Any, tmp_path: Path) -> None:
    settings = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=5)
    async with open_store(settings, own_server.url) as store:
        _, key = mint("daily", frozenset(Scope), "chief", datetime.now(UTC))
        await store.access.keep(key)
        directory = Directory(
            store.access, tmp_path / "access.json", Policy({"spam": Thresholds(0.1)}), store.background
        )
        await directory.refresh()
        await store.comments.submit(
            SITE,
            "c-1",
            Comment("hello"),
            Judgement(Action.REVIEW, {}, (), "m", "p"),
            urgency=Urgency(Why.UNCERTAIN, 0.5, 60_000),
            actor="site",
        )
        await store.queue.claim(SITE, "ann", 1, 60, Filter())
        async with Upkeep(store, directory, every_s=0.02).running():
            own_server.kill()
            own_server.start()
            with own_server.client() as client:
                client.zadd(Shard(SITE).key("lease"), {"c-1": 1000})
            async with asyncio.timeout(60):
                while await _leased(own_server):
                    await asyncio.sleep(0.02)


async def _leased(server: Any) -> int:
    with server.client() as client:
        return int(client.zcard(Shard(SITE).key("lease")))


async def test_a_site_that_never_said_whether_it_wants_audits_is_asked_once_in_the_log(
    store: Store, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    upkeep = Upkeep(store, directory)
    await upkeep.measure_audits()
    await upkeep.measure_audits()
    asked = [each.getMessage() for each in caplog.records if "no blind audits" in each.getMessage()]
    assert len(asked) == 1
    assert asked[0].startswith("daily: ")
    caplog.clear()
    said = Policy({"spam": Thresholds(0.1)}, version=2, review=Reviewing(audit_approved=0.0, audit_rejected=0.0))
    assert await store.access.keep_policy(SITE, said, "chief")
    await directory.refresh()
    await Upkeep(store, directory).measure_audits()
    assert [each for each in caplog.records if "no blind audits" in each.getMessage()] == []


async def test_the_metrics_say_what_became_of_audits_and_what_they_found(store: Store, directory: Directory) -> None:
    judgement = Judgement(Action.APPROVE, {"spam": 0.1}, (), "m-1", "default@1")
    audit = Urgency(Why.AUDIT, 0.5, 1, inclusion=0.5)
    for number in range(3):
        comment = Comment(f"hi {number}")
        await store.comments.submit(SITE, f"a-{number}", comment, judgement, urgency=audit, actor="site")
    for held, verdict in zip(
        await store.queue.claim(SITE, "ann", 2, 60, Filter()), (Verdict.APPROVE, Verdict.REJECT), strict=True
    ):
        await store.queue.decide(SITE, held.id, "ann", Answer(verdict, held.lease, digest="d"), may_overrule=False)
    await store.comments.erase(SITE, "a-2", "chief")
    learning = LearningDraw(0.5, 10, ("p",), audit)
    await store.comments.submit(
        SITE, "l-1", Comment("hi"), judgement, urgency=None, actor="site", draw=0.9, learning=learning
    )
    await Upkeep(store, directory).measure_audits()
    text = metrics.render().decode()
    for state, count in (("answered", 0), ("open", 1), ("lost", 0)):
        assert f'steward_learning_draws{{site="daily",state="{state}"}} {count}.0' in text
    for state, count in (("answered", 2), ("open", 0), ("lost", 1)):
        assert f'steward_audits{{decision="approve",site="daily",state="{state}"}} {count}.0' in text
    assert 'steward_audited_wrong_share{bound="value",decision="approve",site="daily"} 0.5' in text
    assert 'steward_audited_wrong_share{bound="value",decision="reject",site="daily"} NaN' in text


async def test_measuring_many_audits_lets_other_work_go_on(
    store: Store, directory: Directory, redis_server: Any
) -> None:
    now = datetime.now(UTC)
    ms = str(int(now.timestamp() * 1000))
    about = (ms, "approve", "0.01", "toxicity 0.1, insult 0.2", "en", "m-1", "default@1", "model")
    draw = msgspec.msgpack.encode((*about, "answered", "approve", ms, "1"))
    with redis_server.client() as client:
        key = Shard(SITE).key(f"draws:{int(now.timestamp()) // 86_400}")
        client.hset(key, mapping={f"c-{number}\n1": draw for number in range(30_000)})
        client.expire(key, 3600)
    measuring, longest_s = asyncio.create_task(Upkeep(store, directory).measure_audits()), 0.0
    began, last = time.process_time(), time.thread_time()
    while not measuring.done():
        await asyncio.sleep(0)
        # Of the event loop's own time: how long others kept the processor is no matter of ours.
        longest_s, last = max(longest_s, time.thread_time() - last), time.thread_time()
    await measuring
    assert 30_000 in {each.value for found in metrics.AUDITS.collect() for each in found.samples}
    assert longest_s < (time.process_time() - began) / 3


async def test_the_metrics_say_nothing_of_a_target_that_the_site_gave_up(store: Store, directory: Directory) -> None:
    watch = Watch(store, directory, lambda _: "0" * 64)

    async def shown(version: int, targets: Targets | UnsetType) -> set[tuple[str, float]]:
        await store.access.keep_policy(
            SITE, Policy({"spam": Thresholds(0.1)}, version=version, targets=targets), "chief"
        )
        await directory.refresh()
        await watch.once()
        samples = [each for found in metrics.PROMISES.collect() for each in found.samples]
        return {(each.labels["state"], each.value) for each in samples if each.labels["target"] == "max_missed"}

    assert ("unknown", 1.0) in await shown(2, Targets(max_missed=0.1))
    assert {value for _, value in await shown(3, UNSET)} == {0.0}
