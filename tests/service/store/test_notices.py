"""Readers' notices: each has a receipt, waits for a person, and hears what was decided; erased with what they name."""

import json
from typing import Any

import msgspec
import pytest
from deeds import AUDIT, HOUR_MS, claim, decide, judge

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.values.domain import Action, State, Status, Verdict
from service.values.notices import Notice, NoticeOutcome

YEAR_S = 365 * 86_400


async def give(
    store: Store, site: str, comment: str = "c-1", reader: str = "reader", text: str = "It names her street."
) -> tuple[Any, Notice]:
    outcome, notice = await store.notices.give(
        site, comment, reader, kind="private", text=text, keep_s=YEAR_S, sla_ms=HOUR_MS
    )
    assert notice is not None, outcome
    return outcome, notice


async def outcomes(store: Store, site: str, comment: str = "c-1") -> list[tuple[NoticeOutcome, bool]]:
    return [(each.outcome, each.is_automatic) for each in await store.notices.of(site, comment)]


async def waiting(store: Store, site: str) -> list[str]:
    return [each.id for each in await store.notices.waiting(site, 10)]


async def told(store: Store, site: str) -> list[tuple[str, str, int]]:
    """The events that tell of notices: type, outcome, how many."""
    found, _ = await store.events.page(site, "", 1000)
    said = [(each.details["type"], json.loads(each.details["notices"])) for each in found if "notices" in each.details]
    return [(kind, each["outcome"], len(each["ids"])) for kind, each in said]


async def test_a_notice_of_an_approved_comment_brings_it_to_a_person_at_once(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    outcome, notice = await give(store, site)
    record = await store.comments.get(site, "c-1")
    assert (outcome, record.state, record.status, record.why) == ("queued", State.QUEUED, Status.APPROVED, "reported")
    assert (notice.outcome, notice.kind, notice.text) == (NoticeOutcome.OPEN, "private", "It names her street.")
    assert record.reports == 1, "it is a report too"
    assert await waiting(store, site) == ["c-1"]
    assert await trail() == ["submitted", "noticed", "reopened"]


@pytest.mark.parametrize(("verdict", "expected"), [(Verdict.REJECT, "restricted"), (Verdict.APPROVE, "kept")])
async def test_the_decision_answers_every_notice_and_the_site_is_told(
    store: Store, site: str, submit: Any, verdict: Verdict, expected: str
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    for reader in ("r-1", "r-2"):
        await give(store, site, reader=reader)
    assert (await judge(store, site, "ann", verdict))[0] == "ok"
    assert await outcomes(store, site) == [(NoticeOutcome(expected), False)] * 2
    assert all(each.decided_at is not None for each in await store.notices.of(site, "c-1"))
    assert await told(store, site) == [("decision.created", expected, 2)]
    assert await waiting(store, site) == []


async def test_a_notice_repeated_is_one_notice_and_a_new_revision_takes_another(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    _, first = await give(store, site)
    assert await give(store, site, text="said otherwise") == ("duplicate", first)
    assert (await trail()).count("noticed") == 1
    await submit("c-1", "edited", decision=Action.APPROVE)
    assert (await give(store, site))[1].id != first.id


async def test_an_edit_does_not_take_a_comment_out_of_the_sight_of_a_person(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site)
    _, record = await submit("c-1", "edited", decision=Action.APPROVE)
    assert record is not None
    assert (record.revision, record.state, record.why) == (2, State.QUEUED, "reported")
    assert await waiting(store, site) == ["c-1"]
    await judge(store, site, "ann", Verdict.APPROVE)
    assert await outcomes(store, site) == [(NoticeOutcome.KEPT, False)]


async def test_an_automatic_rejection_after_an_edit_answers_and_says_that_nobody_decided(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site)
    await submit("c-1", "edited", decision=Action.REJECT)
    assert await outcomes(store, site) == [(NoticeOutcome.RESTRICTED, True)]
    assert await told(store, site) == [("decision.created", "restricted", 1)]
    assert await waiting(store, site) == []


async def test_expiry_answers_and_says_that_nobody_decided(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    await give(store, site)
    await store.pipe.call("ZADD", Shard(site).key("waiting"), 1, "c-1")
    assert (await store.queue.tend(site, expiry_s=60)).expired == 1
    assert await outcomes(store, site) == [(NoticeOutcome.RESTRICTED, True)]
    assert await told(store, site) == [("decision.created", "restricted", 1)]


async def test_a_notice_of_a_rejected_comment_is_answered_at_once(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.REJECT)
    outcome, notice = await give(store, site)
    assert (outcome, notice.outcome, notice.is_automatic) == ("ok", NoticeOutcome.RESTRICTED, True)
    assert await waiting(store, site) == []


async def test_an_undo_opens_the_notices_of_that_decision_again(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site, reader="r-1")
    await judge(store, site, "ann", Verdict.APPROVE)
    await give(store, site, reader="r-2")
    await judge(store, site, "bob")
    assert (await store.queue.undo(site, "c-1", "bob", 60))[0] == "ok"
    assert [each for each, _ in await outcomes(store, site)] == [NoticeOutcome.KEPT, NoticeOutcome.OPEN]
    assert await waiting(store, site) == ["c-1"]


async def test_a_blind_audit_that_agrees_answers_the_notice_too(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE, urgency=AUDIT)
    await give(store, site)
    assert (await decide(store, site, await claim(store, site), Verdict.APPROVE))[0] == "ok"
    assert await outcomes(store, site) == [(NoticeOutcome.KEPT, False)]
    assert await told(store, site) == [("decision.created", "kept", 1)]


async def test_a_first_opinion_and_an_escalation_leave_it_open(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site)
    await judge(store, site, "ann", Verdict.ESCALATE)
    assert await outcomes(store, site) == [(NoticeOutcome.OPEN, False)]
    assert await waiting(store, site) == ["c-1"]


@pytest.mark.parametrize("shards", [1, 3])
async def test_those_that_wait_longest_come_first_from_all_shards(settings: Settings, submit: Any, shards: int) -> None:
    async with open_store(msgspec.structs.replace(settings, shards=shards), settings.redis_url or "") as store:
        given = []
        for number in (3, 1, 2):
            await submit(f"c-{number}", decision=Action.APPROVE, to=store)
            _, notice = await give(store, "daily", f"c-{number}")
            given.append((notice.at, notice.comment))  # perhaps in the same millisecond
        assert await waiting(store, "daily") == [comment for _, comment in sorted(given)]
        assert await store.notices.count("daily") == 3


@pytest.mark.parametrize("decided", [False, True])
async def test_erasing_the_comment_erases_what_notices_say_and_keeps_their_outcome(
    store: Store, site: str, submit: Any, decided: bool
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site, text="Jo Doe lives there")
    if decided:
        await judge(store, site, "ann")
    assert await store.comments.erase(site, "c-1", "chief")
    (left,) = await store.notices.of(site, "c-1")
    assert (left.text, left.outcome) == ("", NoticeOutcome.RESTRICTED if decided else NoticeOutcome.WITHDRAWN)
    assert await store.notices.given(site, "reader") == []
    assert await waiting(store, site) == []
    raw = await store.pipe.call("HGETALL", Shard(site).key("notices:c-1"))
    assert b"Jo Doe" not in b"".join(raw)
    assert b"reader" not in b"".join(raw)


async def test_a_notice_can_be_erased_after_its_comment_was_forgotten(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site, text="Jo Doe lives there")
    await judge(store, site, "ann")
    await store.pipe.call("DEL", Shard(site).item("c-1"))
    assert (await store.notices.of(site, "c-1"))[0].outcome is NoticeOutcome.RESTRICTED
    assert await store.comments.erase(site, "c-1", "chief")
    assert (await store.notices.of(site, "c-1"))[0].text == ""


async def test_erasing_a_reader_erases_what_the_reader_said_and_the_notice_is_still_answered(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    _, notice = await give(store, site, text="I live there")
    await give(store, site, reader="other", text="so do I")
    assert [each.text for each in await store.notices.given(site, "reader")] == ["I live there"]
    await store.reports.forget(site, "reader")
    assert await store.notices.given(site, "reader") == []
    await judge(store, site, "ann")
    first, second = await store.notices.of(site, "c-1")
    assert (first.id, first.text, first.outcome) == (notice.id, "", NoticeOutcome.RESTRICTED)
    assert second.text == "so do I"


async def test_who_gave_notice_is_found_for_longer_than_the_notice_is_kept(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await give(store, site)
    await submit("c-2", decision=Action.APPROVE)
    await judge(store, site, "ann")
    await store.comments.report(site, "c-2", Reader("reader"), needed=3, sla_ms=HOUR_MS, reopen_judged=False)
    kept, known = [await store.pipe.call("TTL", Shard(site).key(name)) for name in ("notices:c-1", "reporter:reader")]
    assert YEAR_S - 60 < kept < known, "a later report must not shorten it"


async def test_a_comment_takes_a_bounded_number_of_notices(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    for number in range(200):
        await give(store, site, reader=f"r-{number}")
    outcome, notice = await store.notices.give(
        site, "c-1", "one more", kind="", text="x", keep_s=YEAR_S, sla_ms=HOUR_MS
    )
    assert (outcome, notice) == ("limit", None)


async def test_what_nobody_can_judge_is_refused(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    await store.pipe.call("DEL", Shard(site).text("c-1") + "1")
    for comment, expected in (("c-1", "expired"), ("c-9", "gone")):
        outcome, notice = await store.notices.give(
            site, comment, "reader", kind="", text="x", keep_s=YEAR_S, sla_ms=HOUR_MS
        )
        assert (outcome, notice) == (expected, None)
    assert await waiting(store, site) == []
