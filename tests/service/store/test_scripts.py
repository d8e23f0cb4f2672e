"""The scripts themselves: one slot, and no memory of Redis to rely on."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from redis.cluster import key_slot

from service.store import Store
from service.store.articles import ArticleChange
from service.store.author_status import StatusChange
from service.store.keyspace import Shard, is_permanent, waits_in
from service.store.labels import Imported
from service.store.presence import Here
from service.store.rechecks import Differing
from service.store.recovery import Restored
from service.store.reports import Reader
from service.store.review import Answer, Filter
from service.store.saved_filters import SavedFilter
from service.store.scripts import script
from service.store.strikes import StrikeTerms
from service.store.watch import WatchState
from service.values.accounts import IDLE, Account, Role, Session, Ticket
from service.values.approvals import EraseAuthor
from service.values.articles import ArticleStatus, Place, PlaceKind
from service.values.audits import ModelPair
from service.values.domain import Action, Article, Author, DecidedBy, Judgement, State, Status, Verdict
from service.values.lists import ListEntry, ListVersion, WordList
from service.values.policy import Policy, Thresholds
from service.values.rules import AuthorStatus
from service.values.shadow import Pair

FRAGMENTS = (
    *("prelude.lua", "judged.lua", "counters.lua", "prints.lua", "said.lua", "facts.lua", "rules.lua"),
    *("statuses.lua", "strikes.lua", "draws.lua"),
    *("reporters.lua", "notices.lua"),
)
SCRIPTS = [
    path.name.removesuffix(".lua")
    for path in files("service.store.scripts").iterdir()
    if path.name.endswith(".lua") and path.name not in FRAGMENTS
]


async def everything(store: Store, site: str, submit: Any) -> Any:  # noqa: PLR0915 - each of them once
    """Every operation of the store once, so that each script runs; yields between any two."""
    await submit("c-1", article=Article(id="a-1"), author=Author(id="u-1"))
    yield "submit"
    await submit("c-2", sla_ms=600_000)
    yield "submit"
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    assert held.id == "c-1"
    yield "claim"
    assert (await store.queue.extend(site, "c-1", "ann", held.lease, 60))[0] == "ok"
    yield "extend"
    assert (await store.replies.first(site, "c-1", 5)).after == []
    yield "replies"
    assert (await store.stuck.look(site, held.created_at, timedelta(days=1), ["ann"])).overdue == 0
    yield "stuck"
    assert (await store.queue.release(site, "c-1", "ann", held.lease, skip=False))[0] == "ok"
    yield "release"
    assert len(await store.queue.claim(site, "ida", 1, 60, Filter())) == 1
    assert (await store.queue.free(site, "c-1", "chief", "ida"))[0] == "ok"
    yield "free"
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    yield "claim"
    assert (await store.queue.take(site, held.id, "ann", 60))[0] == "duplicate"
    yield "take"
    outcome, noted = await store.notes.add(site, "c-1", "ann", "a note")
    assert outcome == "ok"
    yield "note"
    assert (await store.notes.remove(site, "c-1", "ann", noted.notes[0].id, may_others=False))[0] == "ok"
    yield "remove note"
    assert (await store.assignments.assign(site, "c-1", "chief", "ann"))[0] == "ok"
    yield "assign"
    answer = Answer(Verdict.REJECT, held.lease, digest="d")
    assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "ok"
    yield "decide"
    outcome, held = await store.queue.undo(site, "c-1", "ann", 60)
    assert outcome == "ok"
    yield "undo"
    answer = Answer(Verdict.REJECT, held.lease, digest="d")
    assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "ok"
    yield "decide"
    await submit("c-9", decision=Action.APPROVE)
    said = Judgement(Action.APPROVE, {}, (), "m-1", "default@1")
    differing = Differing(site, "c-9", 1, said, ModelPair("c" * 64, "d" * 64), Action.REJECT, 0.5, 1.0, 10, 1.0, 1_000)
    assert await store.rechecks.draw(differing)
    yield "draw differing"
    assert not await store.rechecks.draw(differing)
    await store.comments.erase(site, "c-9", "chief")
    yield "erase"
    (label,) = await store.labels.newest(site, 1)
    assert (await store.rechecks.add(site, "c-1", label.cursor, "chief", sla_ms=1_000, deciders=("eve", "somebody")))[
        0
    ] == "ok"
    yield "recheck"
    (held,) = await store.queue.claim(site, "dan", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease, digest="e")
    assert (await store.queue.decide(site, "c-1", "dan", answer, may_overrule=False))[0] == "ok"
    yield "decide"
    assert (await store.comments.appeal(site, "c-1", "why?", sla_ms=1_000))[0] == "ok"
    yield "appeal"
    (held,) = await store.queue.claim(site, "bob", 1, 60, Filter())
    answer = Answer(Verdict.APPROVE, held.lease, digest="d")
    assert (await store.queue.decide(site, "c-1", "bob", answer, may_overrule=False))[0] == "ok"
    yield "decide"
    assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1_000))[0] == "ok"
    yield "reopen"
    (held,) = await store.queue.claim(site, "eve", 1, 60, Filter())
    answer = Answer(Verdict.APPROVE, held.lease, digest="d")
    assert (await store.queue.decide(site, "c-1", "eve", answer, may_overrule=False))[0] == "ok"
    await submit("c-3", decision=Action.APPROVE)
    counted = {"needed": 1, "sla_ms": 1_000, "reopen_judged": False}
    assert (await store.comments.report(site, "c-3", Reader("reader"), **counted))[0] == "queued"
    yield "report"
    given = {"kind": "", "text": "look", "keep_s": 90_000, "sla_ms": 1_000}
    assert (await store.notices.give(site, "c-3", "other", **given))[0] == "ok"
    yield "notice"
    assert (await store.queue.tend(site)).put_back == 0
    yield "tend"
    assert (await store.comments.get(site, "c-1")).moderator == "eve"
    yield "get"
    assert len(await store.queue.items(site, held.state.QUEUED, 0, 10)) == 2
    yield "items"
    assert (await store.queue.stats(site, 24))["queued"] == 2
    yield "stats"
    for _ in range(2):
        await store.queue.sample(site)
    assert [waiting for waiting, _ in (await store.queue.stats(site, 2))["samples"].values()] in ([2], [2, 2])
    yield "sample"
    assert sorted([each.id async for each in store.recent.backwards(site, most=1000)]) == ["c-1", "c-2", "c-3"]
    yield "recent"
    assert [each.id for each in (await store.authors.page(site, "u-1", 0, 10)).comments] == ["c-1"]
    yield "authored"
    assert (kept := await store.authors.with_revisions(site, "c-1")) is not None
    assert kept.revisions.keys() == {1}
    yield "revisions"
    await store.authors.forget(site, "u-1", ["c-9"])
    yield "forget author"
    change = StatusChange(AuthorStatus.BANNED, 1, datetime.now(UTC), "chief")
    assert await store.statuses.put(site, "u-9", change)
    yield "status"
    deed = msgspec.msgpack.encode({"what": "approve", "comment": "c-9", "moderator": "ann"})
    await store.pipe.call("HSET", Shard(site).key("struck"), "u-9", deed)
    await store.strikes.weigh_noted(site, lambda _: StrikeTerms())
    assert await store.pipe.call("EXISTS", Shard(site).key("struck")) == 0
    assert len(await store.statuses.history(site, "u-9")) == 1
    yield "weigh"
    await store.statuses.forget(site, "u-9")
    yield "forget status"
    assert await store.reports.forget(site, "reader") == 1
    yield "forget reporter"
    closed = ArticleChange(ArticleStatus.CLOSED, 1, datetime.now(UTC), "chief")
    assert await store.articles.put(site, Place(PlaceKind.ARTICLE, "a-9"), closed)
    yield "article"
    assert await store.batches.note(site, "batch-1", {"c-9": 1})
    yield "batch"
    question = msgspec.msgpack.encode(("c-9", "u-9", [("approved",)], {}))
    assert await store.pipe.run(script("observe"), [Shard(site).prefix], question) == [None]
    yield "observe"
    await store.pipe.call("HSET", Shard(site).item("c-1"), "prints", msgspec.msgpack.encode(["p"]))
    assert await store.queue.copies(site, "c-1", 10) == []
    yield "copies"
    assert await store.labels.add(site, Imported("l-1", "d", "t", {}, "reject", "", "import", 1.0), "chief")
    yield "import"
    assert [bool(label.retracts) for label in (await store.labels.page(site, "", 10))[0]] == [True, *[False] * 5]
    yield "labels"
    assert {each.id async for each in store.recent.backwards(site, most=10)} == {"c-1", "c-2", "c-3"}
    yield "recent"
    assert await store.access.keep_policy(site, Policy({"spam": Thresholds(0.1)}, version=2), "chief")
    yield "policy"
    assert await store.watches.put(site, 0, WatchState(certificate="c"))
    assert not await store.watches.put(site, 0, WatchState()), "another process was faster"
    yield "watch"
    await store.shadow.add(
        site, "d", datetime.now(UTC).date(), {Pair("m-1", Action.REVIEW, Action.REJECT): 1}, ("p", 1)
    )
    yield "shadow"
    deed = EraseAuthor("u-1")
    assert await store.approvals.propose(site, "a-1", deed, "chief", {"kind": "erase_author"}) == "a-1"
    assert await store.approvals.propose(site, "a-2", deed, "chief", {"kind": "erase_author"}) == "a-1"
    yield "proposed"
    assert await store.approvals.approve(site, "a-1", "chief", "r-1", {}) == "own"
    assert [await store.approvals.approve(site, "a-1", "ann", "r-1", {}) for _ in range(2)] == ["ok", "ok"]
    assert await store.approvals.approve(site, "a-1", "ann", "r-2", {}) == "busy"
    await store.approvals.free(site, "a-1", "r-1")
    assert await store.approvals.approve(site, "a-1", "ann", "r-2", {}) == "ok"
    await store.approvals.hold(site, "a-1", "r-2")
    await store.approvals.note_done(site, "a-1", "r-2", deed, {"erased": 0})
    assert await store.approvals.refuse(site, "a-1", "ann", {}) == "done"
    yield "approved"
    change = ListVersion(1, datetime.now(UTC), "chief", 1)
    assert await store.lists.put(site, WordList("house-words", (ListEntry("idiot"),)), change) == "ok"
    yield "list"
    saved = SavedFilter("mine", "view=list", "ann")
    assert await store.filters.save(site, "ann", saved) == "ok"
    assert await store.filters.rename(site, "ann", "ann", "mine", "ours", may_others=False) == "ok"
    await store.filters.forget(site, "ann")
    yield "filter"
    page = Here("page-1", "ann", "c-1")
    assert await store.presence.here(site, page) == [page]
    await store.presence.left(site, page)
    yield "here"
    assert await store.lists.delete(site, "house-words", msgspec.structs.replace(change, version=2)) == "ok"
    yield "delete list"
    shared = WordList(f"shared-{site}", (ListEntry("idiot"),))
    assert await store.lists.put(site, shared, change) == "ok"
    async with store.lists.named([shared.name]):
        yield "begin naming"
    yield "end naming"
    seen = await store.lists.seen()
    assert await store.lists.delete(site, shared.name, msgspec.structs.replace(change, version=2), seen) == "ok"
    yield "delete shared list"
    await store.usage.add(site, "key-1", "2026-11", {("daily.example", "api_calls"): 1}, ("process-1", 1))
    yield "count"
    await store.access.first_key("daily")
    yield "first key"
    key_id = next(iter(await store.access.keys()))
    assert await store.access.change(key_id, lambda key: msgspec.structs.replace(key, name=site))
    yield "replace key"
    await store.comments.erase(site, "c-2", "site-key")
    yield "erase"
    lost = Restored(
        "c-8", 1, 1001, State.DECIDED, Status.APPROVED, Action.APPROVE, DecidedBy.MODEL, 1_000, 1_000, None, "", "", 60
    )
    assert await store.recovery.comments(site, [lost], token=1) == (1, 0)
    assert (await store.comments.get(site, "c-8")).version == 1001
    yield "restore"
    change = StatusChange(AuthorStatus.BANNED, 7, datetime.now(UTC), "chief")
    assert await store.statuses.restore(site, "u-8", change)
    yield "restore status"
    async for deed in told(store, site, submit):
        yield deed
    async for deed in entered(store, site):
        yield deed
    assert [breach async for breach in store.fsck.examine(site, repair=True)] == []
    yield "fsck"


async def told(store: Store, site: str, submit: Any) -> Any:
    """Every operation of the outbox once."""
    endpoints, url = store.outbox.endpoints, "https://site.example/"
    assert await endpoints.put(site, url, include_text=True, actor="chief", first_secret="plain:secret")
    yield "put endpoint"
    assert await endpoints.rotate(site, "plain:second", 60, "chief")
    yield "rotate secret"
    assert (await endpoints.get(site)).url == url
    yield "endpoint"
    await submit("c-4", callback_url=url)
    (taken,) = (await store.outbox.take(Shard(site), 10, 60, with_text=True)).events
    yield "take"
    await store.outbox.settle(taken, "dead", attempts=1, because="500")
    yield "settle"
    assert (await store.outbox.backlog(site)).dead == 1
    yield "backlog"
    assert len(await store.outbox.letters(site, None, 10)) == 1
    yield "letters"
    assert await store.outbox.replay(site, "c-4", 1) == "ok"
    yield "replay"
    await endpoints.disable(site, url)
    yield "disable"


async def entered(store: Store, site: str) -> Any:
    """Every operation by which a moderator enters once."""
    name, now = site, datetime.now(UTC)
    assert await store.accounts.put(Account(name, {site: Role.MODERATOR}, now))
    yield "account"
    assert await store.accounts.delay([(name, 4), ("address", 20)]) == 0
    yield "try"
    await store.accounts.succeeded(name, "address")
    yield "right"
    assert await store.accounts.redeem(await store.accounts.issue(Ticket("link", name), IDLE), "link")
    yield "ticket"
    secret = await store.accounts.open_session(Session(name, 0, site, Role.MODERATOR, now, "password"))
    yield "session"
    assert await store.accounts.visitor(secret, now, is_active=True)
    yield "visitor"


async def test_it_does_not_matter_when_redis_forgets_the_scripts(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    with redis_server.client() as client:
        async for _ in everything(store, site, submit):
            client.script_flush()
        async for _ in everything(store, "weekly", partial(submit, at="weekly")):
            client.script_flush()


async def test_scripts_forgotten_under_load_disturb_nobody(submit: Any, redis_server: Any) -> None:
    with redis_server.client() as client:
        pending = [asyncio.ensure_future(submit(f"c-{number}")) for number in range(600)]
        while not all(each.done() for each in pending):
            client.script_flush()
            await asyncio.sleep(0)
        assert [(await each)[1].id for each in pending] == [f"c-{number}" for number in range(600)]


async def test_the_keys_of_a_script_lie_in_one_slot_and_it_touches_no_others(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    """As Redis itself saw it: MONITOR shows the calls and, behind each, what its script did."""
    async for _ in everything(store, "weekly", partial(submit, at="weekly")):
        pass  # from now on Redis knows the scripts
    with redis_server.client() as client, redis_server.client() as other, client.monitor() as monitor:
        async for _ in everything(store, site, submit):
            pass
        other.echo("the end")
        seen: set[str] = set()
        declared: list[str] = []
        while (command := monitor.next_command())["command"] != "ECHO the end":
            name, *parts = command["command"].split()
            if name == "EVALSHA":
                declared = parts[2 : 2 + int(parts[1])]
                assert len({key_slot(key.encode()) for key in declared}) == 1
                seen.add(parts[0])
            elif command["client_type"] == "lua" and name.upper() not in ("TIME", "PUBLISH"):
                touched = parts[2] if name.upper() == "SCAN" else parts[0]
                assert any(touched.startswith(key) for key in declared), command["command"]
    assert {name for name in SCRIPTS if seen.isdisjoint({script(name).plain.sha, script(name).flagged.sha})} == set()


@pytest.mark.parametrize("name", ["a-1", "a" * 63])
def test_all_keys_of_a_site_share_a_slot(name: str) -> None:
    site = name
    keys = [
        Shard(site).key("ready"),
        Shard(site).item("}{x"),
        Shard(site).text("{}"),
        Shard(site).held("{other}"),
        Shard(site).skipped("m"),
        Shard(site).imported("l"),
    ]
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_permanent_keys_are_the_listed_ones_only() -> None:
    site = "daily"
    assert is_permanent(Shard(site).key("ready"))
    assert not is_permanent(Shard(site).item("ready"))
    assert not is_permanent(Shard(site).skipped("ann"))
    assert list(waits_in(Shard(site).item("a:b"))) == [(Shard(site).key("waiting"), "a:b")]
    assert list(waits_in(Shard(site).text("a:b") + "3")) == [(Shard(site).key("waiting"), "a:b")]
    assert list(waits_in(Shard(site).key("out:q:a:b"))) == [(Shard(site).key("out:due"), "a:b")]
    assert list(waits_in(Shard(site).key("ready"))) == []


@pytest.mark.parametrize("name", FRAGMENTS)
def test_shared_code_is_definitions_alone(name: str) -> None:
    """What a script does not use of it is left out, so nothing may happen between the definitions."""
    text = files("service.store.scripts").joinpath(name).read_text()
    begins = re.findall(r"^(?!--|end\b|[ }\])])(.+)", text, re.MULTILINE)
    definition = re.compile(r"local function \w+|local \w+(, \w+)*( =|$)|\w+ = function")
    assert [each for each in begins if not definition.match(each)] == []
    called = [each for each in begins if "(" in each and "function" not in each]
    assert called == (["local REQUEST = table.remove(ARGV)"] if name == "prelude.lua" else [])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_the_definitions_that_it_uses_and_no_others(name: str) -> None:
    own = files("service.store.scripts").joinpath(f"{name}.lua").read_text()
    shared = script(name).plain.text.removesuffix(own)
    sources = [files("service.store.scripts").joinpath(each).read_text() for each in FRAGMENTS]
    known = {each for text in sources for each in re.findall(r"^local function (\w+)", text, re.MULTILINE)}
    sent = re.sub(r"^\s*--.*$", "", shared + own, flags=re.MULTILINE)
    defined = re.findall(r"^local function (\w+)", sent, re.MULTILINE)
    called = {each for each in re.findall(r"(?<![.:\w])(\w+)\(", sent) if each in known}
    local = set(re.findall(r"^ *local function (\w+)", own, re.MULTILINE))
    assert called - local <= set(defined)
    assert [each for each in defined if len(re.findall(rf"\b{each}\b", sent)) < 2 and each not in local] == []
    assert "local REQUEST = table.remove(ARGV)" in shared
