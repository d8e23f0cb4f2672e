"""Strikes and trust: people's decisions change the status of an author, and taking them back restores it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases.upkeep import Upkeep
from service.settings import Settings
from service.store.keyspace import Shard
from service.store.strikes import StrikeBook
from service.values.errors import StoreUnavailable

STATUS = "/v1/authors/u-1/status"
STEPS = [
    {"strikes": 3, "status": "premoderated", "days": 7},
    {"strikes": 4, "status": "muted", "days": 30},
    {"strikes": 6, "status": "banned"},
]
THRESHOLDS = {"approve": {}, "review": {"review_at": 0}}


@pytest.fixture(params=[1, 3])
def shards(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture
async def client(shards: int, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=shards, undo_window_s=600, undo_hold_s=0)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    chief = await key_for(client, name="chief")
    await has_policy(chief, strikes={"at": STEPS})
    return chief


async def has_policy(chief: Any, decision: str = "review", **more: Any) -> None:
    body = {"thresholds": {"toxicity": THRESHOLDS[decision]}, **more}
    answer = await chief("PUT", "/v1/policies/default", body)
    assert answer.status == 200, answer.body


async def post(chief: Any, comment_id: str, author: str = "u-1", text: str = "hello") -> Any:
    comment = {"id": comment_id, "text": f"{text} {comment_id}", "author": {"id": author}}
    return (await chief.post("/v1/comments", comment)).body


async def decide(caller: Any, comment_id: str, decision: str = "reject", reason: str = "spam") -> None:
    version = (await caller.get(f"/v1/comments/{comment_id}")).body["version"]
    body = {"decision": decision, "version": version, **({"reason": reason} if decision == "reject" else {})}
    answer = await caller.post(f"/v1/review/{comment_id}/decision", body)
    assert answer.status == 200, answer.body


async def undo(caller: Any, comment_id: str) -> None:
    assert (await caller.post(f"/v1/review/{comment_id}/undo", {})).status == 200


async def reject(chief: Any, *comments: str, reason: str = "spam") -> None:
    for each in comments:
        await post(chief, each)
        await decide(chief, each, reason=reason)


async def standing(chief: Any) -> Any:
    return (await chief.get(STATUS)).body


async def trail(chief: Any) -> list[Any]:
    entries = (await chief.get("/v1/audit?limit=1000")).body["entries"]
    return [entry["details"] for entry in entries if entry["details"]["action"] == "author_status"]


async def test_the_strike_that_reaches_a_step_gives_its_status(chief: Any) -> None:
    await reject(chief, "c-1", "c-2")
    assert (await standing(chief))["status"] == "active"
    await reject(chief, "c-3")
    found = await standing(chief)
    assert (found["status"], [each["comment"] for each in found["strikes"]]) == ("premoderated", ["c-3", "c-2", "c-1"])
    (change,) = found["history"]
    at, until = change.pop("at"), change.pop("until")
    assert until[:10] > at[:10]
    assert change == {"status": "premoderated", "version": 1, "by": "rule", "why": "spam", "strikes": 3}
    (entry,) = await trail(chief)
    told = {"actor": "rule", "before": "active", "after": "premoderated", "comment": "c-3", "moderator": "chief"}
    assert entry.items() >= {**told, "strikes": "3", "author": found["author"], "why": "spam"}.items()


async def test_a_status_by_strikes_decides_the_next_comment_and_is_told_to_the_site(chief: Any) -> None:
    await reject(chief, "c-1", "c-2", "c-3", "c-4")
    assert (await standing(chief))["status"] == "muted"
    assert (await post(chief, "c-5"))["status"] == "rejected"
    events = (await chief.get("/v1/events?limit=1000")).body["events"]
    told = [each for each in events if each["type"] == "author.status_changed"]
    assert [(each["status"], each["by"]) for each in told] == [("premoderated", "rule"), ("muted", "rule")]


async def test_taking_a_rejection_back_restores_what_was(chief: Any) -> None:
    await reject(chief, "c-1", "c-2", "c-3")
    before = await standing(chief)
    await reject(chief, "c-4")
    await undo(chief, "c-4")
    found = await standing(chief)
    assert (found["status"], found["until"]) == ("premoderated", before["until"])
    assert (found["history"][0]["by"], found["history"][0]["undoes"]) == ("rule", 2)
    await undo(chief, "c-3")
    found = await standing(chief)
    assert (found["status"], found["until"], len(found["strikes"])) == ("active", None, 2)
    assert [each["after"] for each in await trail(chief)] == ["premoderated", "muted", "premoderated", "active"]


async def test_a_rejection_that_an_appeal_overturns_counts_no_more(chief: Any, client: Any, key_for: Any) -> None:
    second = await key_for(client, name="second")
    await reject(chief, "c-1", "c-2", "c-3")
    given = await standing(chief)
    assert (await chief.post("/v1/comments/c-1/appeal", {"reason": "why?"})).status == 200
    await decide(second, "c-1", "approve")
    assert (await standing(chief))["status"] == "active"
    await undo(second, "c-1")
    found = await standing(chief)
    assert (found["status"], found["until"]) == ("premoderated", given["until"])
    assert [each["comment"] for each in found["strikes"]] == ["c-3", "c-2", "c-1"]


async def test_weights_by_reason(chief: Any) -> None:
    await has_policy(chief, strikes={"at": STEPS, "weights": {"off_topic": 0, "threat": 3}})
    await reject(chief, "c-1", "c-2", "c-3", "c-4", reason="off_topic")
    assert (await standing(chief))["strikes"] == []
    await reject(chief, "c-5", reason="threat")
    found = await standing(chief)
    assert (found["status"], [each["weight"] for each in found["strikes"]]) == ("premoderated", [3])


async def test_what_a_person_set_is_not_made_milder_and_stays_after_an_undo(chief: Any) -> None:
    await reject(chief, "c-1", "c-2")
    assert (await chief("PUT", STATUS, {"status": "banned"})).status == 200
    await post(chief, "c-3", author="u-2")
    await has_policy(chief, "approve", strikes={"at": STEPS})
    found = await standing(chief)
    await undo(chief, "c-2")
    assert (await standing(chief))["history"] == found["history"]


async def test_a_status_that_a_person_gave_meanwhile_outlives_the_strikes(chief: Any) -> None:
    await reject(chief, "c-1", "c-2", "c-3")
    assert (await chief("PUT", STATUS, {"status": "banned"})).status == 200
    await undo(chief, "c-3")
    assert ((await standing(chief))["status"], len((await standing(chief))["history"])) == ("banned", 2)


async def test_a_pardon_holds_until_the_next_strike(chief: Any) -> None:
    await reject(chief, "c-1", "c-2", "c-3")
    await post(chief, "c-4")
    assert (await chief("PUT", STATUS, {"status": "active"})).status == 200
    await decide(chief, "c-4", "approve")
    await undo(chief, "c-4")
    await undo(chief, "c-1")
    assert ((await standing(chief))["status"], len((await standing(chief))["history"])) == ("active", 2)
    await reject(chief, "c-5")
    assert (await standing(chief))["status"] == "premoderated"


async def test_strikes_expire(chief: Any, client: Any) -> None:
    await reject(chief, "c-1", "c-2")
    pipe, author = client.server.app[keys.STORE].pipe, (await standing(chief))["author"]
    for number in range(client.server.app[keys.SETTINGS].shards):
        key = Shard("daily", number).key(f"strikes:{author}")
        for comment in await pipe.call("HKEYS", key):
            await pipe.call("HSET", key, comment, "1000 1 spam")
    await reject(chief, "c-3")
    found = await standing(chief)
    assert (found["status"], [each["comment"] for each in found["strikes"]]) == ("active", ["c-3"])


async def test_the_same_decision_again_is_one_strike(chief: Any) -> None:
    await post(chief, "c-1")
    version = (await chief.get("/v1/comments/c-1")).body["version"]
    for _ in range(3):
        body = {"decision": "reject", "reason": "spam", "version": version}
        assert (await chief.post("/v1/review/c-1/decision", body)).status == 200
    assert len((await standing(chief))["strikes"]) == 1


async def test_strikes_that_come_together_change_the_status_once(chief: Any) -> None:
    await has_policy(chief, strikes={"at": STEPS[:1]})
    await reject(chief, *(f"c-{number}" for number in range(8)))
    assert len((await standing(chief))["history"]) == 1


async def test_one_strike_less_than_many_still_gives_the_status(chief: Any) -> None:
    await has_policy(chief, strikes={"at": STEPS[:1]})
    await reject(chief, "c-1", "c-2", "c-3", "c-4")
    await undo(chief, "c-3")
    assert ((await standing(chief))["status"], len((await standing(chief))["history"])) == ("premoderated", 1)
    await undo(chief, "c-1")
    assert (await standing(chief))["status"] == "active"


async def test_an_erased_comment_is_no_strike_and_an_erased_author_has_none(chief: Any, client: Any) -> None:
    await reject(chief, "c-1", "c-2", "c-3")
    author = (await standing(chief))["author"]
    assert (await chief("DELETE", "/v1/comments/c-2")).status in {200, 202, 204}
    assert [each["comment"] for each in (await standing(chief))["strikes"]] == ["c-3", "c-1"]
    assert (await chief("DELETE", "/v1/authors/u-1")).status == 200
    found = await standing(chief)
    assert (found["status"], found["strikes"], found["history"]) == ("active", [], [])
    for number in range(client.server.app[keys.SETTINGS].shards):
        assert not await client.server.app[keys.STORE].pipe.call("KEYS", Shard("daily", number).key(f"*{author}*"))


async def test_authors_earn_trust_and_lose_it_with_a_strike(chief: Any) -> None:
    await has_policy(chief, strikes={"at": STEPS}, trust={"approvals": 2})
    for each in ("c-1", "c-2"):
        await post(chief, each)
        assert (await standing(chief))["status"] == "active"
        await decide(chief, each, "approve")
    found = await standing(chief)
    assert (found["status"], found["history"][0]["approvals"]) == ("trusted", 2)
    await undo(chief, "c-2")
    assert (await standing(chief))["status"] == "active"
    await decide(chief, "c-2", "approve")
    assert (await post(chief, "c-3"))["status"] == "approved"
    assert (await chief.post("/v1/review/c-3/reopen", {})).status == 200
    await decide(chief, "c-3")
    assert (await standing(chief))["status"] == "active"
    await undo(chief, "c-3")
    assert (await standing(chief))["status"] == "trusted"


async def test_trust_takes_time_if_the_site_says_so_and_a_person_overrides_it(chief: Any) -> None:
    await has_policy(chief, trust={"approvals": 1, "days": 1})
    await post(chief, "c-1")
    await decide(chief, "c-1", "approve")
    assert (await standing(chief))["status"] == "active"
    await has_policy(chief, trust={"approvals": 1})
    assert (await chief("PUT", STATUS, {"status": "active", "note": "not to be trusted"})).status == 200
    await post(chief, "c-2")
    await decide(chief, "c-2", "approve")
    assert (await standing(chief))["status"] == "active"


async def test_a_strike_that_no_process_weighed_is_weighed_by_the_next_look(
    chief: Any, client: Any, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shards == 1:
        return
    weigh_noted = StrikeBook.weigh_noted

    async def die(*_: Any) -> None:
        raise StoreUnavailable("the process ended")

    monkeypatch.setattr(StrikeBook, "weigh_noted", die)
    await reject(chief, "c-1", "c-2", "c-3")
    assert (await standing(chief))["status"] == "active"
    monkeypatch.setattr(StrikeBook, "weigh_noted", weigh_noted)
    for _ in range(2):  # the second finds nothing to do
        await Upkeep(client.server.app[keys.STORE], client.server.app[keys.DIRECTORY]).once()
    found = await standing(chief)
    assert (found["status"], len(found["history"])) == ("premoderated", 1)


@pytest.mark.parametrize(
    ("at", "pointer"),
    [
        ([{"strikes": 3, "status": "muted"}], "/strikes/at/0/days"),
        ([STEPS[1], STEPS[0]], "/strikes/at/1/strikes"),
        ([{"strikes": 1, "status": "banned"}, {"strikes": 2, "status": "premoderated"}], "/strikes/at/1/status"),
        ([{"strikes": 1, "status": "trusted"}], "/strikes/at/0/status"),
        ([], "/strikes/at"),
    ],
)
async def test_strikes_that_cannot_work_are_refused_with_their_place(chief: Any, at: Any, pointer: str) -> None:
    body = {"thresholds": {"toxicity": {}}, "strikes": {"at": at}}
    answer = await chief("PUT", "/v1/policies/default", body)
    assert answer.status == 400
    assert pointer in [each["pointer"] for each in answer.body["errors"]]


async def test_the_trail_names_an_author_only_by_the_pseudonym(
    run: Any, settings: Settings, key_for: Any, shards: int
) -> None:
    async with run(msgspec.structs.replace(settings, shards=shards, hash_authors=False)) as client:
        chief = await key_for(client, name="chief")
        await has_policy(chief, strikes={"at": STEPS})
        await reject(chief, "c-1", "c-2", "c-3")
        (entry,) = await trail(chief)
        assert len(entry["author"]) == 32
        assert (await standing(chief))["author"] == "u-1"
        assert "u-1" not in (await chief.get("/v1/audit?limit=1000")).raw.decode()
