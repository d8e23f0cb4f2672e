"""What was decided comes back: readers report it, its author appeals, somebody who may reopens it."""

import asyncio
from typing import Any

import msgspec
import pytest
from deeds import (
    ANY,
    AUDIT,
    AUTOMATIC,
    DRAWN,
    HOUR_MS,
    breaches,
    claim,
    decide,
    judge,
    labels,
    overrule,
    to_tell,
    told,
)

from service.settings import Settings
from service.store import Store, open_store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.values.domain import Action, DecidedBy, State, Status, Verdict

NEEDED = 3


async def report(store: Store, site: str, reader: str, *, sla_ms: int = HOUR_MS, judged: bool = False) -> Any:
    return await store.comments.report(site, "c-1", Reader(reader), needed=NEEDED, sla_ms=sla_ms, reopen_judged=judged)


async def appeal(store: Store, site: str, comment_id: str = "c-1", *, sla_ms: int = HOUR_MS) -> Any:
    return await store.comments.appeal(site, comment_id, "I meant no harm", sla_ms=sla_ms)


@pytest.fixture
async def approved(submit: Any) -> Record:
    _, record = await submit("c-1", decision=Action.APPROVE)
    return record


@pytest.fixture
async def rejected(store: Store, site: str, submit: Any) -> Record:
    """By ann."""
    await submit("c-1")
    _, record = await judge(store, site, "ann")
    return record


@pytest.mark.usefixtures("approved")
async def test_enough_readers_bring_a_comment_back_and_it_stays_up_meanwhile(
    store: Store, site: str, approved: Record, trail: Any
) -> None:
    outcomes = [(await report(store, site, f"reader-{n}"))[0] for n in range(NEEDED + 1)]
    assert outcomes == ["ok", "ok", "queued", "ok"]
    record = await store.comments.get(site, "c-1")
    assert (record.state, record.status, record.why) == (State.QUEUED, Status.APPROVED, "reported")
    assert (record.version, record.reports, record.priority) == (approved.version + 1, NEEDED + 1, 1)
    assert await told(store, site) == [("comment.queued", record.version)]
    assert await trail() == ["submitted", "reported", "reported", "reported", "reopened", "reported"]


@pytest.mark.usefixtures("approved")
async def test_one_reader_counts_once(store: Store, site: str, trail: Any) -> None:
    for _ in range(3 * NEEDED):
        outcome, record = await report(store, site, "reader")
        assert (outcome, record.reports, record.state) == ("ok", 1, State.DECIDED)
    assert (await trail()).count("reported") == 1


@pytest.mark.usefixtures("approved")
async def test_reports_at_once_bring_a_comment_back_once(store: Store, site: str, trail: Any) -> None:
    found = await asyncio.gather(*(report(store, site, f"reader-{n % 20}") for n in range(60)))
    assert [outcome for outcome, _ in found].count("queued") == 1
    assert (await store.comments.get(site, "c-1")).reports == 20
    assert (await trail()).count("reopened") == 1


async def test_a_report_makes_what_waits_due_earlier_and_never_later(store: Store, site: str, submit: Any) -> None:
    _, queued = await submit("c-1", sla_ms=2 * HOUR_MS)
    await submit("c-2", sla_ms=HOUR_MS)
    _, record = await report(store, site, "one", sla_ms=3 * HOUR_MS)
    assert record.due_at == queued.due_at
    _, record = await report(store, site, "two", sla_ms=60_000)
    assert record.due_at < queued.due_at
    assert (await report(store, site, "two", sla_ms=1))[1].due_at == record.due_at, "the same reader again"
    assert [each.id for each in await store.queue.items(site, State.QUEUED, 0, 10)] == ["c-1", "c-2"]
    assert (await claim(store, site)).due_at == record.due_at


async def test_what_is_not_up_is_not_brought_back(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.REJECT)
    for n in range(2 * NEEDED):
        outcome, record = await report(store, site, f"reader-{n}")
        assert (outcome, record.state, record.reports) == ("ok", State.DECIDED, n + 1)


@pytest.mark.parametrize("blindly", [False, True])
async def test_what_a_person_approved_stays_unless_the_site_wants_it_otherwise(
    store: Store, site: str, submit: Any, blindly: bool
) -> None:
    if blindly:
        await submit("c-1", decision=Action.APPROVE, urgency=AUDIT)
    else:
        await submit("c-1")
    await judge(store, site, "ann", Verdict.APPROVE)
    for n in range(2 * NEEDED):
        outcome, record = await report(store, site, f"reader-{n}")
        assert (outcome, record.state, record.reports) == ("ok", State.DECIDED, n + 1)
    outcome, record = await report(store, site, "one more", judged=True)
    assert (outcome, record.state) == ("queued", State.QUEUED)
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == [], "not for who judged it"


@pytest.mark.usefixtures("approved")
async def test_a_report_repeated_after_the_judgement_changes_nothing(store: Store, site: str) -> None:
    for n in range(NEEDED):
        await report(store, site, f"reader-{n}", judged=True)
    _, record = await judge(store, site, "ann", Verdict.APPROVE)
    for n in range(NEEDED):
        assert await report(store, site, f"reader-{n}", judged=True) == ("ok", record)


@pytest.mark.usefixtures("approved")
async def test_an_edit_forgets_the_reports_of_the_old_text(store: Store, site: str, submit: Any) -> None:
    for n in range(NEEDED - 1):
        await report(store, site, f"reader-{n}")
    _, revised = await submit("c-1", "edited", decision=Action.APPROVE)
    assert revised.reports == 0
    outcome, record = await report(store, site, "reader-0")
    assert (outcome, record.reports) == ("ok", 1)


async def test_what_is_not_there_is_neither_reported_nor_appealed_nor_reopened(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.REJECT)
    await store.comments.erase(site, "c-1", "site-key")
    for name in (site, "weekly"):
        assert await report(store, name, "reader") == ("gone", None)
        assert await appeal(store, name) == ("gone", None)
        assert await store.queue.reopen(name, "c-1", "chief", sla_ms=1) == ("gone", None)


async def test_a_full_queue_takes_nothing_back_and_says_so(
    redis_server: Any, settings: Settings, site: str, submit: Any
) -> None:
    async with open_store(msgspec.structs.replace(settings, max_queued=1), redis_server.url) as store:
        await submit("waits", to=store)
        await submit("c-1", to=store, decision=Action.APPROVE)
        await submit("c-2", to=store, decision=Action.REJECT)
        for n in range(NEEDED - 1):
            await report(store, site, f"reader-{n}")
        with redis_server.client() as client:
            before = {key: client.dump(key) for key in client.scan_iter()}
            counts = {"needed": 3, "sla_ms": 1, "reopen_judged": False}
            assert (await store.comments.report(site, "c-1", Reader("x"), **counts))[0] == "full"
            assert (await appeal(store, site, "c-2"))[0] == "full"
            assert {key: client.dump(key) for key in client.scan_iter()} == before
        await judge(store, site, "ann")
        assert (await report(store, site, "x"))[0] == "queued", "the same report again, when there is room"


async def test_an_appeal_brings_a_rejected_comment_back_with_what_the_author_says(
    store: Store, site: str, rejected: Record, trail: Any
) -> None:
    outcome, record = await appeal(store, site)
    assert outcome == "ok"
    assert (record.state, record.status, record.why) == (State.QUEUED, Status.REJECTED, "appeal")
    assert (record.version, record.appeal) == (rejected.version + 1, "I meant no harm")
    assert (await told(store, site))[-1] == ("comment.queued", record.version)
    assert (await claim(store, site, "bob")).appeal == "I meant no harm"
    assert (await trail())[-3:] == ["decided", "reopened", "claimed"]


@pytest.mark.usefixtures("rejected")
async def test_an_appeal_never_goes_to_who_rejected(store: Store, site: str) -> None:
    _, queued = await appeal(store, site)
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == []
    for verdict in Verdict:
        outcome, _ = await overrule(store, site, "c-1", verdict, by="ann", version=queued.version)
        assert outcome == "own"
    outcome, record = await judge(store, site, "bob", Verdict.APPROVE)
    assert (outcome, record.status, record.moderator) == ("ok", Status.APPROVED, "bob")


async def test_an_appeal_never_goes_to_whose_audit_upheld_the_rejection(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.REJECT, urgency=AUDIT)
    await judge(store, site, "ann", Verdict.REJECT)
    _, queued = await appeal(store, site)
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == []
    assert (await overrule(store, site, "c-1", Verdict.APPROVE, by="ann", version=queued.version))[0] == "own"
    await judge(store, site, "bob", Verdict.APPROVE)
    found, _ = await store.labels.page(site, "", 10)
    assert [(label.source, label.inclusion) for label in found] == [("audit", 0.25), ("moderator", None)]


async def test_an_appeal_never_goes_to_who_voted_to_reject(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann")
    await judge(store, site, "bob")
    await appeal(store, site)
    for moderator in ("ann", "bob"):
        assert await store.queue.claim(site, moderator, 1, 60, ANY) == []
    outcome, record = await judge(store, site, "eve", Verdict.APPROVE)
    assert (outcome, record.status) == ("ok", Status.APPROVED), "one person decides an appeal"


@pytest.mark.usefixtures("rejected")
async def test_a_revision_is_appealed_once(store: Store, site: str, submit: Any, trail: Any) -> None:
    _, first = await appeal(store, site)
    for _ in range(3):
        assert await appeal(store, site) == ("duplicate", first)
    await judge(store, site, "bob")
    assert (await appeal(store, site))[0] == "appealed"
    assert (await trail()).count("reopened") == 1
    await submit("c-1", "edited", decision=Action.REJECT)
    outcome, record = await appeal(store, site)
    assert (outcome, record.state, record.revision) == ("ok", State.QUEUED, 2)
    assert (await claim(store, site, "ann")).id == "c-1", "of the new text ann has said nothing"


async def test_only_what_is_rejected_can_be_appealed(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    assert (await appeal(store, site))[0] == "not_rejected"
    await submit("c-2")
    assert (await appeal(store, site, "c-2"))[0] == "not_rejected"


async def test_a_rejection_whose_text_is_gone_cannot_be_judged_again(
    store: Store, site: str, rejected: Record, redis_server: Any
) -> None:
    with redis_server.client() as client:
        client.delete(Shard(site).text("c-1") + "1")
    assert (await appeal(store, site))[0] == "expired"
    assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1))[0] == "expired"
    assert (await store.comments.get(site, "c-1")).version == rejected.version


async def test_an_appeal_against_a_rejection_that_is_being_audited_waits_as_an_appeal(
    store: Store, site: str, submit: Any
) -> None:
    _, queued = await submit("c-1", decision=Action.REJECT, urgency=AUDIT)
    outcome, record = await appeal(store, site, sla_ms=1000)
    assert (outcome, record.why, record.is_audit, record.version) == ("ok", "appeal", False, queued.version)
    assert record.due_at < queued.due_at
    outcome, record = await judge(store, site, "ann", Verdict.REJECT)
    assert (outcome, record.decided_by) == ("ok", DecidedBy.MODERATOR), "the author gets a person's answer"
    assert (await told(store, site))[-1] == ("decision.created", record.version)
    ((label,), _) = await store.labels.page(site, "", 10)
    assert (label.source, label.inclusion) == ("moderator", 0.25), "of those drawn, although not blind"


async def test_a_second_judgement_can_be_taken_back_and_the_first_stands_again(
    store: Store, site: str, rejected: Record
) -> None:
    await appeal(store, site)
    await judge(store, site, "bob", Verdict.APPROVE)
    outcome, record = await store.queue.undo(site, "c-1", "bob", 60)
    assert (outcome, record.status, record.decided_by) == ("ok", Status.REJECTED, DecidedBy.MODERATOR)
    assert (record.decided_at, record.appeal) == (rejected.decided_at, "I meant no harm")
    assert await labels(store, site) == [("moderator", "ann", "reject")]


async def test_somebody_who_may_reopens_a_decision_for_others(store: Store, site: str, rejected: Record) -> None:
    assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1, version=rejected.version - 1))[0] == "stale"
    outcome, first = await store.queue.reopen(site, "c-1", "chief", sla_ms=1, version=rejected.version)
    assert (outcome, first.state, first.status, first.why) == ("ok", State.QUEUED, Status.REJECTED, "reopened")
    assert await store.queue.reopen(site, "c-1", "chief", sla_ms=1, version=rejected.version) == ("duplicate", first)
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == []
    held = await claim(store, site, "bob")
    assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1))[0] == "stale", "it waits already"
    assert (await decide(store, site, held, Verdict.APPROVE))[1].status is Status.APPROVED


@pytest.mark.usefixtures("rejected")
async def test_a_judged_text_stays_as_long_as_its_label_though_it_is_edited_while_it_waits_again(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await appeal(store, site)
    await submit("c-1", "edited")
    assert [label.text for label in (await store.labels.page(site, "", 10))[0]] == ["hello"]
    with redis_server.client() as client:
        assert client.ttl(Shard(site).text("c-1") + "1") > 0
    assert await breaches(store, site) == []


async def test_of_two_labels_one_is_taken_back_and_the_text_stays_for_the_other(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.REJECT, urgency=AUDIT)
    await judge(store, site, "ann", Verdict.APPROVE, audit_overturns=False)
    await overrule(store, site, "c-1", Verdict.REJECT)
    await store.queue.undo(site, "c-1", "chief", 60)
    await submit("c-1", "edited")
    assert await labels(store, site) == [("audit", "ann", "approve")]


async def test_the_text_of_a_revision_goes_with_its_last_label(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    await judge(store, site, "ann")
    await store.queue.undo(site, "c-1", "ann", 60)
    await submit("c-1", "edited")
    with redis_server.client() as client:
        assert client.exists(Shard(site).text("c-1") + "1") == 0


@pytest.mark.usefixtures("rejected")
async def test_what_the_author_says_is_kept_while_the_comment_waits(store: Store, site: str, redis_server: Any) -> None:
    await appeal(store, site)
    await judge(store, site, "bob")
    with redis_server.client() as client:
        assert client.ttl(Shard(site).key("appeal:c-1")) > 0
        await store.queue.reopen(site, "c-1", "chief", sla_ms=1)
        assert client.ttl(Shard(site).key("appeal:c-1")) == -1
    assert (await claim(store, site, "eve")).appeal == "I meant no harm"


async def test_the_site_hears_of_a_comment_that_comes_back_in_order(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await store.outbox.endpoints.put(site, "https://site.example/hook", include_text=False, actor="chief")
    await submit("c-1", decision=AUTOMATIC["rejected"])
    await appeal(store, site)
    await judge(store, site, "bob", Verdict.APPROVE)
    with redis_server.client() as client:
        assert to_tell(client, site, "c-1") == [("comment.queued", 2), ("decision.created", 3)]
