"""Deeds that take two people: proposed by one, approved by another, done exactly as proposed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.settings import Settings
from service.store.keyspace import Shard
from service.values.approvals import MOST_OPEN
from service.values.errors import StoreUnavailable

REVIEW_ALL = {"thresholds": {"toxicity": {"review_at": 0}}}


@pytest.fixture(params=[1, 3])
async def client(request: pytest.FixtureRequest, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


@pytest.fixture
async def deputy(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="deputy")


async def want(chief: Any, **two_people: Any) -> None:
    assert (await chief("PUT", "/v1/policies/default", REVIEW_ALL | {"two_people": two_people})).status == 200


async def post(chief: Any, comment_id: str, text: str = "hello") -> dict[str, Any]:
    reply = await chief.post("/v1/comments", {"id": comment_id, "text": text, "author": {"id": "u-1"}})
    assert reply.body["status"] == "pending"
    return {"id": comment_id, "version": reply.body["version"]}


async def propose(caller: Any, **deed: Any) -> Any:
    return await caller.post("/v1/approvals", {"deed": deed})


def refused(reply: Any, status: int, code: str = "") -> None:
    assert reply.status == status, reply.body
    assert code in ("", reply.body["code"])


async def trail(chief: Any, action: str) -> list[Any]:
    entries = (await chief.get("/v1/audit?limit=1000")).body["entries"]
    return [entry["details"] for entry in entries if entry["details"]["action"] == action]


async def test_one_person_erases_and_decides_alone_where_the_site_did_not_say_otherwise(chief: Any) -> None:
    assert (await chief("PUT", "/v1/policies/default", REVIEW_ALL)).status == 200
    some = [await post(chief, f"c-{n}") for n in range(3)]
    decisions = [each | {"decision": "approve"} for each in some]
    reply = await chief.post("/v1/review/decisions", {"decisions": decisions})
    assert [each["status"] for each in reply.body["results"]] == ["approved"] * 3
    assert (await chief("DELETE", "/v1/authors/u-1")).body["erased"] == 3


async def test_an_erasure_waits_for_somebody_else_and_then_leaves_nothing(chief: Any, deputy: Any) -> None:
    await want(chief, erasures=True)
    await post(chief, "c-1", "a text to erase")
    refused(await chief("DELETE", "/v1/authors/u-1"), 409, "second_person_needed")
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body
    assert (proposed["state"], proposed["by"], proposed["second"]) == ("open", "chief", None)
    path = f"/v1/approvals/{proposed['id']}"
    refused(await chief.post(f"{path}:approve"), 409, "own_proposal")
    assert (await chief.get("/v1/comments/c-1")).body["status"] == "pending", "nothing is done before"
    done = (await deputy.post(f"{path}:approve")).body
    assert (done["state"], done["second"], done["outcome"]) == ("done", "deputy", {"erased": 1})
    assert (await chief.get("/v1/comments/c-1")).body["erased_at"] is not None
    assert (await chief.get(path)).body == done
    refused(await deputy.post(f"{path}:approve"), 409, "proposal_done")
    (erased,) = await trail(chief, "author_erased")
    assert (erased["actor"], erased["proposed_by"], erased["approval"]) == ("deputy", "chief", proposed["id"])
    (said,) = await trail(chief, "approval_proposed")
    assert (said["actor"], said["kind"], said["author"]) == ("chief", "erase_author", erased["author"])
    (approved,) = await trail(chief, "approval_approved")
    assert (approved["actor"], approved["proposed_by"]) == ("deputy", "chief")


async def test_somebody_with_a_second_key_of_the_same_name_is_not_a_second_person(
    chief: Any, client: Any, key_for: Any
) -> None:
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body
    again = await key_for(client, name="Chief")
    refused(await again.post(f"/v1/approvals/{proposed['id']}:approve"), 409, "own_proposal")


async def test_more_decisions_than_the_site_allows_are_proposed_and_made_exactly_so(chief: Any, deputy: Any) -> None:
    await want(chief, bulk=2)
    some = [await post(chief, f"c-{n}") for n in range(4)]
    decisions = [each | {"decision": "approve"} for each in some]
    refused(await chief.post("/v1/review/decisions", {"decisions": decisions[:3]}), 409, "second_person_needed")
    deed = {"kind": "decide", "decision": "reject", "reason": "spam", "note": "a wave", "comments": some[:3]}
    proposed = (await propose(chief, **deed)).body
    # One of them is decided meanwhile, and another one has come: neither is what was proposed.
    assert (await chief.post("/v1/review/decisions", {"decisions": decisions[:1]})).status == 200
    await post(chief, "c-9")
    done = (await deputy.post(f"/v1/approvals/{proposed['id']}:approve")).body
    assert done["outcome"] == {"decided": 2, "skipped": 1}
    found = {n: (await chief.get(f"/v1/comments/c-{n}")).body["status"] for n in (0, 1, 2, 3, 9)}
    assert found == {0: "approved", 1: "rejected", 2: "rejected", 3: "pending", 9: "pending"}
    made = await trail(chief, "decided")
    assert [each["actor"] for each in made if each.get("batch") == proposed["id"]] == ["deputy", "deputy"]
    assert "a wave" not in str(await trail(chief, "approval_proposed"))


async def test_the_same_proposal_is_made_once_and_a_refused_one_again(chief: Any, deputy: Any) -> None:
    first, second = [(await propose(chief, kind="erase_author", author="u-1")).body for _ in range(2)]
    assert first == second
    other = (await propose(deputy, kind="erase_author", author="u-1")).body
    assert other["id"] != first["id"]
    taken_back = await chief.post(f"/v1/approvals/{first['id']}:refuse")
    assert (taken_back.body["state"], taken_back.body["second"]) == ("refused", "chief"), (
        "whoever proposed takes it back"
    )
    refused(await deputy.post(f"/v1/approvals/{first['id']}:approve"), 409, "proposal_refused")
    refused(await deputy.post(f"/v1/approvals/{first['id']}:refuse"), 409, "proposal_refused")
    third = (await propose(chief, kind="erase_author", author="u-1")).body
    assert third["id"] != first["id"]
    listed = (await chief.get("/v1/approvals")).body["approvals"]
    assert {each["id"]: each["state"] for each in listed} == {
        third["id"]: "open",
        other["id"]: "open",
        first["id"]: "refused",
    }


async def test_a_proposal_expires(chief: Any, deputy: Any, app: Any) -> None:
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body
    pipe, shard = app[keys.STORE].pipe, Shard("daily")
    key = shard.key(f"approval:{proposed['id']}")
    assert 0 < await pipe.call("PTTL", key) <= 72 * 3_600_000
    await pipe.call("HSET", key, "expires", 1)
    refused(await deputy.post(f"/v1/approvals/{proposed['id']}:approve"), 409, "proposal_expired")
    assert (await chief.get(f"/v1/approvals/{proposed['id']}")).body["state"] == "expired"


async def test_what_was_interrupted_goes_on_when_it_is_approved_again(
    chief: Any, deputy: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await want(chief, erasures=True)
    await post(chief, "c-1")
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body
    path = f"/v1/approvals/{proposed['id']}"

    async def killed(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(app[keys.AUTHORS], "erase", killed)
        assert (await deputy.post(f"{path}:approve")).status == 500
    assert (await chief.get(path)).body["state"] == "approved"
    assert (await chief.post(f"{path}:approve")).status == 409
    done = (await deputy.post(f"{path}:approve")).body
    assert (done["state"], done["outcome"]) == ("done", {"erased": 1})
    assert len(await trail(chief, "approval_approved")) == 1


async def test_an_approval_whose_reply_was_lost_can_be_repeated_at_once(
    chief: Any, deputy: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await want(chief)
    await post(chief, "c-1")
    path = f"/v1/approvals/{(await propose(chief, kind='erase_author', author='u-1')).body['id']}:approve"
    book = app[keys.STORE].approvals
    approve = book.approve

    async def lost(*args: Any) -> None:
        await approve(*args)
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(book, "approve", lost)
        assert (await deputy.post(path)).status == 503
    done = (await deputy.post(path)).body
    assert (done["state"], done["outcome"]) == ("done", {"erased": 1})
    assert len(await trail(chief, "approval_approved")) == 1


@pytest.fixture
async def same_redis(client: Any, run: Any) -> AsyncIterator[Any]:
    """Another process, as at another address."""
    async with run(client.server.app[keys.SETTINGS]) as other:
        yield other


class HeldBack:
    """Erasures of one process, the first of which waits until `let_go`."""

    def __init__(self, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._erase = app[keys.AUTHORS].erase
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(app[keys.AUTHORS], "erase", self._held)

    async def _held(self, *args: Any, **told: Any) -> Any:
        if not self.asked.is_set():
            self.asked.set()
            await self.let_go.wait()
        return await self._erase(*args, **told)


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_of_two_who_approve_at_once_only_one_does_it(
    chief: Any,
    deputy: Any,
    same_redis: Any,
    key_for: Any,
    monkeypatch: pytest.MonkeyPatch,
    is_elsewhere: bool,
) -> None:
    await want(chief)
    await post(chief, "c-1")
    path = f"/v1/approvals/{(await propose(chief, kind='erase_author', author='u-1')).body['id']}:approve"
    held = HeldBack(chief.client.server.app, monkeypatch)
    first = asyncio.create_task(deputy.post(path))
    async with asyncio.timeout(60):
        await held.asked.wait()
    third = await key_for(same_redis if is_elsewhere else chief.client, name="third")
    refused(await third.post(path), 409, "proposal_under_way")
    refused(await deputy.post(path), 409, "proposal_under_way")
    held.let_go.set()
    done = (await first).body
    assert (done["state"], done["second"], done["outcome"]) == ("done", "deputy", {"erased": 1})
    refused(await third.post(path), 409, "proposal_done")
    assert len(await trail(chief, "author_erased")) == len(await trail(chief, "approval_approved")) == 1


async def test_a_deed_is_held_while_it_is_done_and_whoever_lost_it_does_not_overwrite_its_outcome(
    chief: Any, deputy: Any, app: Any, same_redis: Any, key_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await want(chief)
    await post(chief, "c-1")
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body["id"]
    path, key = f"/v1/approvals/{proposed}:approve", Shard("daily").key(f"approval:{proposed}")
    pipe, held = app[keys.STORE].pipe, HeldBack(app, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr("service.cases.approvals.HELD_FOR_S", 0.003)
        errors, hold = [LookupError(), StoreUnavailable("away")], app[keys.STORE].approvals.hold

        async def failing(*args: Any) -> None:
            if errors:
                raise errors.pop()
            await hold(*args)

        patched.setattr(app[keys.STORE].approvals, "hold", failing)
        first = asyncio.create_task(deputy.post(path))
        async with asyncio.timeout(60):
            await held.asked.wait()
            await pipe.call("HSET", key, "run_until", 1)
            while int(await pipe.call("HGET", key, "run_until")) == 1:
                await asyncio.sleep(0)
    # As if another run had taken it over after a long pause of this one.
    await pipe.call("HSET", key, "run", "killed", "run_until", 1)
    third = await key_for(same_redis, name="third")
    done = (await third.post(path)).body
    assert (done["state"], done["outcome"]) == ("done", {"erased": 1})
    held.let_go.set()
    assert (await first).body == done


@pytest.mark.parametrize(
    ("deed", "pointer"),
    [
        ({"kind": "nonsense"}, "/deed/kind"),
        ({"kind": "erase_author", "author": ""}, "/deed/author"),
        ({"kind": "decide", "decision": "reject", "comments": []}, "/deed/comments"),
        ({"kind": "decide", "decision": "reject", "comments": [{"id": "c", "version": 0}]}, "/deed/comments/0/version"),
        ({"kind": "decide", "decision": "reject", "comments": [{"id": "c", "version": 1}] * 2}, "/deed/comments/1/id"),
        (
            {"kind": "decide", "decision": "reject", "labels": {"rude": True}, "comments": [{"id": "c", "version": 1}]},
            "/deed/labels",
        ),
    ],
)
async def test_a_deed_that_cannot_be_is_refused_at_its_field(chief: Any, deed: Any, pointer: str) -> None:
    answer = await propose(chief, **deed)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, pointer)


async def test_only_administrators_of_the_site_come_to_proposals(chief: Any, client: Any, key_for: Any) -> None:
    proposed = (await propose(chief, kind="erase_author", author="u-1")).body
    ann = await key_for(client, "review", name="ann")
    refused(await ann.get("/v1/approvals"), 403)
    refused(await ann.post(f"/v1/approvals/{proposed['id']}:approve"), 403)
    elsewhere = await key_for(client, site="weekly", name="editor")
    refused(await elsewhere.post(f"/v1/approvals/{proposed['id']}:approve"), 404)
    assert (await elsewhere.get("/v1/approvals")).body == {"approvals": []}


async def test_not_more_than_a_hundred_wait_at_once(chief: Any) -> None:
    for n in range(MOST_OPEN):
        assert (await propose(chief, kind="erase_author", author=f"u-{n}")).status == 200
    refused(await propose(chief, kind="erase_author", author="one-more"), 429)
