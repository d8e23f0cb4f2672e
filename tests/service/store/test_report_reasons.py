"""What readers say in reports, and how much a reader counts whose reports were mostly dismissed."""

from functools import partial
from typing import Any

import msgspec
import pytest
from deeds import HOUR_MS, overrule

from service.settings import Settings
from service.store import Store, open_store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.values.domain import Action, State, Verdict

pytestmark = pytest.mark.asyncio

NEEDED = 3


async def report(
    store: Store, site: str, comment: str, reader: str, kind: str = "", text: str = "", *, discounts: bool = False
) -> tuple[Any, Record]:
    outcome, record = await store.comments.report(
        site,
        comment,
        Reader(reader, kind, text),
        needed=NEEDED,
        sla_ms=HOUR_MS,
        reopen_judged=True,
        discounts=discounts,
    )
    assert record is not None
    return outcome, record


async def judge(store: Store, site: str, comment: str, verdict: Verdict) -> None:
    record = await store.comments.get(site, comment)
    outcome, _ = await overrule(store, site, comment, verdict, version=record.version)
    assert outcome == "ok"


async def has_wrongly_reported(store: Store, site: str, submit: Any, reader: str, times: int, right: int = 0) -> None:
    """Gives a reader a past: so many reports that people dismissed, and so many that they upheld."""
    for n in range(times + right):
        name = f"{reader}-{n}"
        await submit(name)
        await report(store, site, name, reader)
        await judge(store, site, name, Verdict.APPROVE if n < times else Verdict.REJECT)


async def test_reasons_are_kept_and_counted_by_kind(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await report(store, site, "c-1", "r-1", "spam", "buys links")
    await report(store, site, "c-1", "r-2", "hate")
    await report(store, site, "c-1", "r-3", "spam")
    await report(store, site, "c-1", "r-3", "other", "the same reader again")
    await report(store, site, "c-1", "r-4")
    found = await store.reports.of(site, "c-1")
    assert list(found.kinds.items()) == [("spam", 2), ("hate", 1)]
    assert [(each.kind, each.text) for each in found.reasons] == [("spam", "buys links"), ("hate", ""), ("spam", "")]
    assert (await store.comments.get(site, "c-1")).reports == 4


async def test_how_many_reasons_and_kinds_are_kept_is_bounded(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    for n in range(60):
        await report(store, site, "c-1", f"r-{n}", f"kind_{n}", "x" * 500)
    found = await store.reports.of(site, "c-1")
    assert (len(found.reasons), len(found.kinds), sum(found.kinds.values())) == (50, 21, 60)
    assert found.kinds["other"] == 40


async def test_what_readers_say_is_erased_with_the_comment_and_forgotten_with_an_edit(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await report(store, site, "c-1", "r-1", "spam", "secret words")
    await submit("c-1", "edited", decision=Action.APPROVE)
    assert (await store.reports.of(site, "c-1")).reasons == []
    await report(store, site, "c-1", "r-1", "spam", "secret words")
    await store.comments.erase(site, "c-1", "chief")
    with redis_server.client() as client:
        assert list(client.scan_iter("*reasons:*")) == []


async def test_all_keys_of_reports_expire(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await report(store, site, "c-1", "r-1", "spam", "words")
    with redis_server.client() as client:
        for pattern in ("*reports:*", "*reasons:*", "*reporter:*"):
            (key,) = client.scan_iter(pattern)
            assert client.ttl(key) > 0


async def test_a_reader_is_found_as_long_as_what_the_reader_said_is_kept(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    """Others may report a comment again and again, so that its reports are kept for long."""
    await submit("c-1", decision=Action.APPROVE)
    await report(store, site, "c-1", "r-0", "spam", "buys links")
    names = [Shard(site).key(each) for each in ("reporter:r-0", "reports:c-1", "reasons:c-1")]
    with redis_server.client() as client:
        life_s = client.ttl(names[1])
        for number in range(1, 4):
            for each in names:  # half of the time passes
                client.expire(each, client.ttl(each) - life_s // 2)
            await report(store, site, "c-1", f"r-{number}", "spam")
            reader, reports, reasons = map(client.ttl, names)
            assert reader >= reports >= reasons > life_s - 86_400
    await store.reports.forget(site, "r-0")
    assert "buys links" not in str(await store.reports.of(site, "c-1"))


async def test_a_reader_with_more_reports_than_are_remembered_is_nowhere_once_forgotten(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for name in ("c-1", "c-2", "c-3"):
        await submit(name, decision=Action.APPROVE)
    await report(store, site, "c-1", "r-many", "spam", "buys links")
    with redis_server.client() as client:
        client.hset(Shard(site).key("reporter:r-many"), mapping={f"c:x-{n}": "o9999999999999" for n in range(2_000)})
    await report(store, site, "c-2", "r-many", "spam", "buys more links")
    await report(store, site, "c-3", "r-many")
    await store.reports.forget(site, "r-many")
    assert [(await store.comments.get(site, name)).reports for name in ("c-1", "c-2", "c-3")] == [1, 1, 1]
    with redis_server.client() as client:
        for name in ("c-1", "c-2", "c-3"):
            assert client.scard(Shard(site).key(f"reports:{name}")) == 1
            assert not client.sismember(Shard(site).key(f"reports:{name}"), "r-many")
            assert client.hkeys(Shard(site).key(f"reasons:{name}")) in ([], ["k:spam", "n"])


async def test_a_forgotten_reader_is_nowhere_and_the_report_still_counts(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for n in range(3):
        await submit(f"c-{n}", decision=Action.APPROVE)
        await report(store, site, f"c-{n}", "reader-1", "spam", "my own words")
        await report(store, site, f"c-{n}", "reader-2", "spam", "other words")
    given = await store.reports.given(site, "reader-1")
    assert [(each.comment, each.kind, each.text) for each in given] == [
        (f"c-{n}", "spam", "my own words") for n in range(3)
    ]
    assert await store.reports.forget(site, "reader-1") == 3
    assert await store.reports.forget(site, "reader-1") == 0
    with redis_server.client() as client:
        everything = [(key, client.dump(key)) for key in client.scan_iter()]
        assert not [key for key, value in everything if b"reader-1" in key.encode() + value or b"my own" in value]
    found = await store.reports.of(site, "c-0")
    assert ([each.text for each in found.reasons], found.kinds) == (["other words"], {"spam": 2})
    _, record = await report(store, site, "c-0", "reader-3")
    assert (record.reports, record.state) == (3, State.QUEUED)


@pytest.mark.parametrize(
    ("dismissed", "upheld", "halved"), [(4, 0, 0), (5, 0, 1), (3, 2, 1), (2, 3, 0), (3, 3, 0), (6, 5, 1)]
)
async def test_a_reader_whose_reports_were_mostly_dismissed_counts_half(
    store: Store, site: str, submit: Any, dismissed: int, upheld: int, halved: int
) -> None:
    await has_wrongly_reported(store, site, submit, "wrong", dismissed, upheld)
    await submit("c-1", decision=Action.APPROVE)
    _, record = await report(store, site, "c-1", "wrong", discounts=True)
    assert (record.reports, record.halved) == (1, halved)
    for n in range(NEEDED - 1):
        outcome, record = await report(store, site, "c-1", f"r-{n}", discounts=True)
    assert outcome == ("ok" if halved else "queued")
    outcome, _ = await report(store, site, "c-1", "one more", discounts=True)
    assert (outcome == "queued") == bool(halved)


async def test_everybody_counts_fully_unless_the_site_wants_it_otherwise(store: Store, site: str, submit: Any) -> None:
    await has_wrongly_reported(store, site, submit, "wrong", 9)
    await submit("c-1", decision=Action.APPROVE)
    _, record = await report(store, site, "c-1", "wrong")
    assert (record.reports, record.halved) == (1, 0)


async def test_halves_that_a_person_has_judged_do_not_count_again(store: Store, site: str, submit: Any) -> None:
    await has_wrongly_reported(store, site, submit, "wrong", 5)
    await submit("c-1", decision=Action.APPROVE)
    for reader in ("wrong", "r-1", "r-2", "r-3"):
        outcome, _ = await report(store, site, "c-1", reader, discounts=True)
    assert outcome == "queued"
    await judge(store, site, "c-1", Verdict.APPROVE)
    outcomes = [(await report(store, site, "c-1", f"s-{n}", discounts=True))[0] for n in range(NEEDED)]
    assert outcomes == ["ok", "ok", "queued"]


async def test_an_undone_decision_judges_no_report(store: Store, site: str, submit: Any) -> None:
    await has_wrongly_reported(store, site, submit, "wrong", 4)
    await submit("c-1")
    await report(store, site, "c-1", "wrong")
    await judge(store, site, "c-1", Verdict.APPROVE)
    assert await judged(store, site, "wrong") == (0, 5)
    assert (await store.queue.undo(site, "c-1", "chief", lease_s=60))[0] == "ok"
    assert await judged(store, site, "wrong") == (0, 4)
    await judge(store, site, "c-1", Verdict.REJECT)
    assert await judged(store, site, "wrong") == (1, 4)
    await store.queue.reopen(site, "c-1", "chief", sla_ms=HOUR_MS)
    record = await store.comments.get(site, "c-1")
    assert (await overrule(store, site, "c-1", Verdict.APPROVE, by="head", version=record.version))[0] == "ok"
    assert await judged(store, site, "wrong") == (0, 5)


async def judged(store: Store, site: str, reader: str) -> tuple[int, int]:
    found = await store.pipe.call("HMGET", Shard(site).key(f"reporter:{reader}"), "u", "d")
    return int(found[0] or 0), int(found[1] or 0)


async def test_reports_of_all_shards_count_for_a_reader(settings: Settings, site: str, submit: Any) -> None:
    assert settings.redis_url is not None
    of_three = msgspec.structs.replace(settings, shards=3, undo_hold_s=0)
    async with open_store(of_three, settings.redis_url) as store:
        await has_wrongly_reported(store, site, partial(submit, to=store), "wrong", 5)
        shards = store.outbox.shards(site)
        counted = [int(await store.pipe.call("HGET", each.key("reporter:wrong"), "d") or 0) for each in shards]
        assert (sum(counted), max(counted) < 5) == (5, True)
        await submit("c-1", decision=Action.APPROVE, to=store)
        _, record = await report(store, site, "c-1", "wrong", discounts=True)
        assert record.halved == 1
        assert len(await store.reports.given(site, "wrong")) == 6
        assert await store.reports.forget(site, "wrong") == 6
