"""steward rebuild: a Redis that was lost with everything in it, and what the exported trail brings back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from losing import Lost

from service.cases.directory import Directory
from service.settings import Settings
from service.store import Store, open_store
from service.store.author_status import StatusChange
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.trail import Entry, outcomes
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, DecidedBy, Judgement, Reason, State, Status, Urgency, Verdict, Why
from service.values.learning import LearningDraw
from service.values.lists import ListEntry, ListVersion, WordList
from service.values.policy import DEFAULT, Policy, Thresholds
from service.values.rules import AuthorStatus

SITE = "daily"
HOUR_MS = 3_600_000
WAITING = {"waits", "held", "undone", "reopened", "rechecked", "escalated", "voted", "edited"}


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store:
        _, key = mint("daily", frozenset(Scope), "chief", datetime.now(UTC))
        await store.access.keep(key)
        yield store


def judged(decision: Action) -> Judgement:
    return Judgement(decision, {"spam": 0.5}, (Reason("r", "spam", 0.5),), "m-1", "default@1")


async def submit(
    store: Store,
    comment_id: str,
    decision: Action = Action.REVIEW,
    learning: LearningDraw | None = None,
    **urgency: Any,
) -> Record:
    wanted = {"why": Why.UNCERTAIN} | urgency
    why = Urgency(priority=0.5, sla_ms=HOUR_MS, **wanted) if decision is Action.REVIEW or urgency else None
    outcome, record = await store.comments.submit(
        SITE,
        comment_id,
        Comment(f"{comment_id} {urgency}"),
        judged(decision),
        urgency=why,
        actor="site",
        draw=0.95,
        learning=learning,
    )
    assert outcome in ("created", "revised")
    assert record is not None
    return record


async def decide(store: Store, comment_id: str, verdict: Verdict, moderator: str = "ann") -> None:
    await store.queue.take(SITE, comment_id, moderator, 300)
    record = await store.comments.get(SITE, comment_id)
    answer = Answer(verdict, record.lease, "insulting", digest=f"{comment_id} {moderator}")
    outcome, _ = await store.queue.decide(SITE, comment_id, moderator, answer, may_overrule=False)
    assert outcome == "ok"


async def work(store: Store) -> dict[str, Record]:
    """One comment for each way in which one can stand."""
    for comment_id, decision in {
        "approved": Action.APPROVE,
        "rejected": Action.REJECT,
        "erased": Action.APPROVE,
    }.items():
        await submit(store, comment_id, decision)
    for comment_id in (
        "waits",
        "held",
        "allowed",
        "forbidden",
        "undone",
        "reopened",
        "rechecked",
        "escalated",
        "expired",
    ):
        await submit(store, comment_id)
    await submit(store, "voted", double="drawn")
    for comment_id in ("upheld", "overturned"):
        await submit(store, comment_id, Action.APPROVE, why=Why.AUDIT, inclusion=0.1)
    drawn_as = Urgency(Why.AUDIT, 0.5, HOUR_MS, inclusion=0.1)
    await submit(store, "learned", Action.APPROVE, LearningDraw(0.1, 10, ("p",), drawn_as))
    await submit(store, "edited", Action.APPROVE)
    await submit(store, "edited", why=Why.UNSCORED)
    await submit(store, "revised", Action.REJECT)
    await submit(store, "revised", Action.APPROVE, why=Why.AUDIT, inclusion=0.1)
    await store.comments.erase(SITE, "erased", "chief")
    await store.queue.take(SITE, "held", "bob", 300)
    for comment_id in ("allowed", "undone", "upheld", "learned", "revised", "voted"):
        await decide(store, comment_id, Verdict.APPROVE)
    for comment_id in ("forbidden", "overturned", "reopened", "rechecked"):
        await decide(store, comment_id, Verdict.REJECT)
    await decide(store, "escalated", Verdict.ESCALATE)
    await store.queue.undo(SITE, "undone", "ann", 300)
    await store.queue.reopen(SITE, "reopened", "chief", sla_ms=HOUR_MS)
    (label,) = [each.cursor for each in await store.labels.newest(SITE, 100) if each.id == "rechecked"]
    assert (await store.rechecks.add(SITE, "rechecked", label, "chief", sla_ms=HOUR_MS, deciders=("eve", "somebody")))[
        0
    ] == "ok"
    await store.pipe.call("ZADD", Shard(SITE).key("waiting"), "XX", 1000, "expired")  # as if it had waited for long
    await store.queue.tend(SITE, 3600, Status.APPROVED)
    names = (
        *("approved", "rejected", "erased", "waits", "held", "allowed", "forbidden", "undone", "reopened", "escalated"),
        *("rechecked", "expired", "voted", "upheld", "learned", "overturned", "revised", "edited"),
    )
    found = {name: await store.comments.get(SITE, name) for name in names}
    assert {name for name, record in found.items() if record.is_waiting} == WAITING
    assert found["expired"].decided_by is DecidedBy.EXPIRY
    assert found["upheld"].decided_by is found["learned"].decided_by is DecidedBy.MODEL
    assert found["overturned"].status is Status.REJECTED
    return found


def close(one: datetime | None, other: datetime | None) -> bool:
    """An entry of the trail is written a moment after the clock was read for the decision."""
    return one is other if one is None or other is None else abs((one - other).total_seconds()) < 1


async def test_a_lost_redis_says_of_every_comment_what_it_said_before(lost: Lost, store: Store) -> None:
    before = await work(store)
    await asyncio.to_thread(lost.export)
    lost.lose()
    result = await asyncio.to_thread(lost.run)
    assert result.exit_code == 0, result.output
    assert "daily: 18 of 18 comments put back, 0 too old, 0 known already; 8 of them waited for people" in result.output
    for name, was in before.items():
        now = await store.comments.get(SITE, name)
        assert (now.status, now.decision, now.decided_by) == (was.status, was.decision, was.decided_by), name
        assert now.version > was.version, name
        assert close(now.created_at, was.created_at), name
        assert now.content is None
        if name not in WAITING:
            assert (now.state, now.revision) == (was.state, was.revision), name
            assert (now.moderator or "", now.reason or "") == (was.moderator or "", was.reason or ""), name
            assert close(now.decided_at, was.decided_at), name
            assert close(now.erased_at, was.erased_at), name
    assert [breach async for breach in store.fsck.examine(SITE)] == []
    known = await store.comments.revisions(SITE, list(before))
    assert known == {name: was.revision for name, was in before.items() if name not in WAITING}, "as reconcile asks"


async def test_what_waited_is_sent_again_and_goes_on_with_a_newer_version(lost: Lost, store: Store) -> None:
    before = await work(store)
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert (await asyncio.to_thread(lost.run)).exit_code == 0
    again = await submit(store, "held")
    assert (again.state, again.revision) == (State.QUEUED, before["held"].revision)
    assert again.version > before["held"].version
    assert await store.comments.revisions(SITE, ["held"]) == {"held": 1}
    (claimed,) = await store.queue.claim(SITE, "eve", 1, 300, Filter())
    assert claimed.token is not None
    assert before["held"].token is not None
    assert claimed.token > before["held"].token, "the lease of before is good for nothing"
    outcome, _ = await store.queue.decide(
        SITE, "held", "bob", Answer(Verdict.APPROVE, before["held"].lease), may_overrule=False
    )
    assert outcome == "stale"


async def test_what_a_moderator_said_does_not_give_way_to_the_model(lost: Lost, store: Store) -> None:
    """Sent again, though it need not be: nobody knows whether it is the same text."""
    await work(store)
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert (await asyncio.to_thread(lost.run)).exit_code == 0
    allowed = await submit(store, "allowed", Action.APPROVE)
    assert (allowed.state, allowed.status, allowed.decided_by) == (State.DECIDED, Status.APPROVED, DecidedBy.MODEL)
    rejected = await submit(store, "rejected", Action.APPROVE)
    assert rejected.status is Status.APPROVED, "that was the model's own"
    outcome, doubted = await store.comments.submit(
        SITE, "forbidden", Comment("again"), judged(Action.APPROVE), urgency=None, actor="site"
    )
    assert outcome == "exists"
    assert doubted == await store.comments.get(SITE, "forbidden")
    assert (doubted.state, doubted.status, doubted.why) == (State.QUEUED, Status.PENDING, "reopened")
    assert doubted.content is not None
    assert doubted.content.comment.text == "again"
    told = outcomes(
        Entry(each.at, each.cursor, each.details, 1, 0) for each in (await store.audit.page(SITE, "", 99))[0]
    )
    assert told.comments["forbidden"].standing.status is Status.PENDING, "so that after another loss it is no approval"
    assert await store.queue.claim(SITE, "ann", 20, 300, Filter()) == [], "who had decided it does not look again"
    (claimed,) = await store.queue.claim(SITE, "bob", 20, 300, Filter())
    assert claimed.id == "forbidden"
    again, known = await store.comments.submit(
        SITE, "forbidden", Comment("again"), judged(Action.APPROVE), urgency=None, actor="site"
    )
    assert (again, known) == ("exists", await store.comments.get(SITE, "forbidden"))
    assert [breach async for breach in store.fsck.examine(SITE)] == []


async def test_what_came_meanwhile_stays_and_a_second_time_changes_nothing(lost: Lost, store: Store) -> None:
    await work(store)
    await asyncio.to_thread(lost.export)
    lost.lose()
    new = await submit(store, "forbidden", Action.APPROVE)
    first = await asyncio.to_thread(lost.run)
    assert "17 of 18 comments put back, 0 too old, 1 known already" in first.output
    now = {name: await store.comments.get(SITE, name) for name in ("forbidden", "allowed", "waits")}
    assert now["forbidden"] == new
    second = await asyncio.to_thread(lost.run)
    assert "daily: 0 of 18 comments put back, 0 too old, 18 known already; 0 of them waited" in second.output
    assert {name: await store.comments.get(SITE, name) for name in now} == now


async def test_keys_and_policies_come_back_from_the_copy_of_the_service(lost: Lost, store: Store) -> None:
    directory = Directory(store.access, lost.folder / "access.json", DEFAULT, store.background)
    for version in (2, 3):
        policy = Policy({"spam": Thresholds(0.1 * version)}, version=version)
        assert await store.access.keep_policy(SITE, policy, "chief")
    await directory.refresh()
    keys, salt = await store.access.keys(), await store.access.salt()
    await asyncio.to_thread(lost.export)
    lost.lose()
    result = await asyncio.to_thread(lost.run)
    assert "1 keys, 1 policies put back" in result.output, result.output
    assert (await store.access.keys(), await store.access.salt()) == (keys, salt)
    assert await store.access.policy(SITE) == policy
    assert not await store.access.keep_policy(SITE, msgspec.structs.replace(policy, version=3), "chief")
    assert await store.access.keep_policy(SITE, msgspec.structs.replace(policy, version=4), "chief")
    newest = await store.access.policy(SITE)
    assert newest is not None
    assert newest.version == 4


async def test_a_service_that_ran_on_the_empty_redis_has_kept_the_copy(lost: Lost, store: Store) -> None:
    copy = lost.folder / "access.json"
    directory, other = (Directory(store.access, copy, DEFAULT, store.background) for _ in range(2))  # of two workers
    for each in (directory, other):
        await each.refresh()
    (key,) = (await store.access.keys()).values()
    await submit(store, "c-1")
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert await store.access.first_key("daily")
    for each in (directory, other):
        await each.refresh()
    untouched = await asyncio.to_thread(lost.run)
    assert "so none is put back" in untouched.output, "one that was revoked must not come back unasked"
    assert key.id not in await store.access.keys()
    (kept,) = lost.folder.glob("access.lost-*.json")
    assert kept.stat().st_mode & 0o077 == 0, "it holds the salt, as the copy itself does"
    asked = await asyncio.to_thread(lost.run, "--access", str(kept))
    assert "1 keys, 0 policies put back" in asked.output
    assert "another salt was drawn meanwhile" in asked.stderr
    assert key.id in await store.access.keys()


async def test_a_key_that_was_revoked_stays_revoked_however_old_the_copy_is(lost: Lost, store: Store) -> None:
    _, another = mint("daily", frozenset(Scope), "another", datetime.now(UTC))
    await store.access.keep(another)
    await Directory(store.access, lost.folder / "access.json", DEFAULT, store.background).refresh()
    assert (await asyncio.to_thread(lost.keys, "revoke", another.id)).exit_code == 0
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert "1 keys, 0 policies put back" in (await asyncio.to_thread(lost.run)).output
    assert [key.name for key in (await store.access.keys()).values()] == ["chief"]


async def test_after_a_second_loss_nothing_is_numbered_as_before(lost: Lost, store: Store) -> None:
    await work(store)
    await asyncio.to_thread(lost.export)
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        lost.lose()
        assert (await asyncio.to_thread(lost.run)).exit_code == 0
        await submit(store, "waits")
        await store.queue.take(SITE, "waits", "ann", 300)
        leased = await store.comments.get(SITE, "waits")
        await decide(store, "waits", Verdict.APPROVE)
        decided = await store.comments.get(SITE, "waits")
        assert leased.token is not None
        seen.append((decided.version, leased.token))
        await asyncio.sleep(1.1)  # a version is told by the second, so the next loss must be in another
    assert seen[0][0] < seen[1][0]
    assert seen[0][1] < seen[1][1]


async def test_a_trail_that_was_changed_brings_nothing_back(lost: Lost, store: Store) -> None:
    await submit(store, "c-1", Action.REJECT)
    await asyncio.to_thread(lost.export)
    (file,) = lost.trail.glob("daily/*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"decision":"reject"', b'"decision":"approve"'))
    lost.lose()
    result = await asyncio.to_thread(lost.run)
    assert result.exit_code == 1
    assert "line 2" in result.output
    assert await store.comments.revisions(SITE, ["c-1"]) == {}


def test_a_folder_without_a_trail_is_said_so(lost: Lost) -> None:
    lost.trail.mkdir()
    result = lost.run("--site", "daily")
    assert result.exit_code == 1
    assert "no exported trail" in result.output


@pytest.mark.usefixtures("store")
async def test_what_would_be_forgotten_by_now_is_not_brought_back(lost: Lost) -> None:
    with lost.server.client() as client:
        long_ago = int(datetime.now(UTC).timestamp() * 1000) - 60 * 24 * HOUR_MS
        entry = {"action": "submitted", "actor": "site", "comment": "old", "revision": "1", "from": "", "to": "decided"}
        client.xadd(Shard(SITE).key("audit"), entry | {"version": "1", "decision": "approve"}, id=f"{long_ago}-0")
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert "0 of 1 comments put back, 1 too old" in (await asyncio.to_thread(lost.run)).output


async def has_status(store: Store, author: str, status: AuthorStatus, until: datetime | None = None) -> None:
    seen = await store.statuses.newest(SITE, author)
    version = seen.version + 1 if seen else 1
    change = StatusChange(status, version, datetime.now(UTC), "chief", "spam", "a note", until)
    assert await store.statuses.put(SITE, author, change)


async def test_the_status_of_authors_comes_back_with_its_end(lost: Lost, store: Store) -> None:
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    await has_status(store, "banned", AuthorStatus.BANNED)
    await has_status(store, "muted", AuthorStatus.MUTED, later)
    await has_status(store, "ended", AuthorStatus.MUTED, datetime.now(UTC) - timedelta(seconds=1))
    await has_status(store, "pardoned", AuthorStatus.BANNED)
    await has_status(store, "pardoned", AuthorStatus.ACTIVE)
    await has_status(store, "erased", AuthorStatus.BANNED)
    await store.audit.write(SITE, "author_erased", "chief", author="erased", erased="0")
    await has_status(store, "erased-and-banned", AuthorStatus.BANNED)
    await store.audit.write(SITE, "author_erased", "chief", author="erased-and-banned", erased="0", ban_kept="1")
    directory = Directory(store.access, lost.folder / "access.json", DEFAULT, store.background)
    await directory.refresh()
    await directory.keep_copy()
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert "3 statuses of authors put back, 0 known already" in (await asyncio.to_thread(lost.run)).output
    found = {name: await store.statuses.newest(SITE, name) for name in ("banned", "muted", "erased-and-banned")}
    assert {name: each and (each.status, each.until, each.by, each.why) for name, each in found.items()} == {
        "banned": (AuthorStatus.BANNED, None, "chief", "spam"),
        "muted": (AuthorStatus.MUTED, later, "chief", "spam"),
        "erased-and-banned": (AuthorStatus.BANNED, None, "chief", "spam"),
    }
    for name in ("ended", "pardoned", "erased"):
        assert await store.statuses.newest(SITE, name) is None
    status, until = await store.pipe.call("HMGET", Shard(SITE).key("status:muted"), "status", "until")
    assert (status, int(until)) == (b"muted", later.timestamp() * 1000)
    assert "0 statuses of authors put back, 3 known already" in (await asyncio.to_thread(lost.run)).output


async def test_word_lists_come_back_as_last_exported(lost: Lost, store: Store) -> None:
    words = WordList("house-words", (ListEntry("zorblax", note="made up"), ListEntry("class", is_exception=True)), 1)
    change = ListVersion(1, datetime.now(UTC), "chief", 2)
    assert await store.lists.put(SITE, words, change) == "ok"
    assert await store.lists.put(SITE, WordList("shared-words", (ListEntry("all"),)), change) == "ok"
    assert await store.lists.put(SITE, WordList("gone", (ListEntry("all"),)), change) == "ok"
    await asyncio.to_thread(lost.export)
    folder = lost.trail / SITE / "lists"
    files = sorted(each.name for each in folder.iterdir())
    assert files == ["gone@1.json", "house-words@1.json", "shared-words@1.json"]
    newer = WordList("house-words", (*words.entries, ListEntry("quux")), 2)
    second = msgspec.structs.replace(change, version=2)
    assert await store.lists.put(SITE, newer, second) == "ok"
    assert await store.lists.delete(SITE, "gone", second) == "ok"
    await asyncio.to_thread(lost.export)
    assert sorted(each.name for each in folder.iterdir()) == ["house-words@2.json", "shared-words@1.json"]
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in folder.iterdir())
    lost.lose()
    assert "2 lists put back, 0 known already" in (await asyncio.to_thread(lost.run)).output
    for name, entries in (("house-words", newer.entries), ("shared-words", (ListEntry("all"),))):
        found = await store.lists.get(SITE, name)
        assert found is not None
        assert (found.version, found.entries) == (1, entries)
    assert "0 lists put back, 2 known already" in (await asyncio.to_thread(lost.run)).output
    (folder / "house-words@2.json").write_text("{}")
    assert "not a list that" in (await asyncio.to_thread(lost.run)).output
