"""The feed: pages for sites, a stream for consoles."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from service import app_keys as keys
from service.http.stream import STREAMS
from service.settings import Settings
from service.values import access


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a hold, so that the pages show a decision at once; the hold has tests of its own."""
    return msgspec.structs.replace(settings, undo_hold_s=0)


@pytest.fixture
async def pending(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    for number in (1, 2):
        assert (await admin.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})).status == 200


async def decided(moderator: Any, decision: str, count: int = 1) -> None:
    found = await moderator.post("/v1/review/claim", {"count": count})
    for item in found.body["items"]:
        path = f"/v1/review/{item['id']}/decision"
        assert (await moderator.post(path, {"decision": decision, "lease": item["lease"]})).status == 200


MUTED = {"status": "muted", "until": "2099-01-01T00:00:00Z", "why": "spam", "note": "between us"}


async def test_pages_have_the_status_of_an_author(admin: Any) -> None:
    author = (await admin("PUT", "/v1/authors/u-1/status", MUTED)).body["author"]
    reply = await admin.get("/v1/events")
    (event,) = reply.body["events"]
    assert event.pop("at")
    assert event == {
        "type": "author.status_changed",
        "author": author,
        "version": 1,
        "status": "muted",
        "by": "chief",
        "why": "spam",
        "until": "2099-01-01T00:00:00Z",
    }
    assert b"between us" not in reply.raw


class Stream:
    """A reader of server-sent events, as the HTML specification parses them."""

    def __init__(self, response: Any) -> None:
        self._lines: AsyncIterator[bytes] = aiter(response.content)

    async def next(self) -> dict[str, Any]:
        said: dict[str, str] = {}
        async with asyncio.timeout(60):
            async for line in self._lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "" and "data" in said:
                    return {"id": said["id"], "kind": said["event"], **json.loads(said["data"])}
                said[name] = value
        raise AssertionError("the stream ended")


async def streaming(caller: Any, **headers: str) -> Any:
    given = {"Authorization": f"Bearer {caller.key}", "Accept": "text/event-stream", **headers}
    return await caller.client.get("/v1/events", headers=given)


@pytest.mark.usefixtures("pending")
async def test_pages_tell_what_webhooks_tell_in_order(admin: Any, ann: Any) -> None:
    await decided(ann, "reject", 2)
    reply = await admin.get("/v1/events?limit=3")
    told = [(e["type"], e["comment_id"], e["version"], e["status"]) for e in reply.body["events"]]
    assert told == [
        ("comment.queued", "c-1", 1, "pending"),
        ("comment.queued", "c-2", 1, "pending"),
        ("decision.created", "c-1", 2, "rejected"),
    ]
    more = await admin.get(f"/v1/events?after={reply.body['next']}")
    assert [(e["comment_id"], e["decision"], e["decided_by"]) for e in more.body["events"]] == [
        ("c-2", "reject", "moderator")
    ]
    end = await admin.get(f"/v1/events?after={more.body['next']}")
    assert end.body == {"events": [], "next": more.body["next"]}


@pytest.mark.usefixtures("pending")
async def test_what_is_undone_later_is_told_with_a_higher_version(admin: Any, ann: Any) -> None:
    await decided(ann, "reject")
    assert (await ann.post("/v1/review/c-1/undo", {})).status == 200
    found = (await admin.get("/v1/events")).body["events"]
    assert [(e["type"], e["version"], e["status"]) for e in found if e["comment_id"] == "c-1"] == [
        ("comment.queued", 1, "pending"),
        ("decision.created", 2, "rejected"),
        ("decision.reverted", 3, "pending"),
    ]


async def test_what_is_undone_while_held_back_never_shows(run: Any, settings: Settings, key_for: Any) -> None:
    patient = msgspec.structs.replace(settings, undo_hold_s=60)
    async with run(patient) as client:
        admin = await key_for(client, name="chief")
        thresholds = {"thresholds": {"toxicity": {"review_at": 0}}}
        assert (await admin("PUT", "/v1/policies/default", thresholds)).status == 200
        assert (await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})).status == 200
        await decided(admin, "reject")
        assert (await admin.get("/v1/comments/c-1")).body["status"] == "rejected"
        undone = await admin.post("/v1/review/c-1/undo", {})
        assert (undone.body["status"], undone.body["review"]["state"]) == ("pending", "leased")
    async with run(settings) as client:  # which holds nothing back, and so shows all that is there
        admin = await key_for(client, name="chief")
        assert [e["type"] for e in (await admin.get("/v1/events")).body["events"]] == ["comment.queued"]


@pytest.mark.usefixtures("pending")
async def test_a_stream_shows_each_step_as_it_happens(ann: Any) -> None:
    async with await streaming(ann) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        stream = Stream(response)
        found = await ann.post("/v1/review/claim", {"count": 1})
        assert found.body["items"][0]["id"] == "c-1"
        claimed = await stream.next()
        assert (claimed["kind"], claimed["comment"], claimed["moderator"]) == ("claimed", "c-1", "ann")
        lease = found.body["items"][0]["lease"]
        await ann.post("/v1/review/c-1/release", {"lease": lease})
        assert (await stream.next())["kind"] == "released"
        await decided(ann, "approve")
        assert [(await stream.next())["kind"] for _ in range(2)] == ["claimed", "decided"]
        await ann.post("/v1/review/c-1/undo", {})
        assert (await stream.next())["kind"] == "undone"


@pytest.mark.usefixtures("pending")
async def test_moderators_of_two_services_see_who_holds_what_and_until_when(
    run: Any, settings: Settings, ann: Any, key_for: Any
) -> None:
    async with run(settings) as other, await streaming(ann) as response:
        ben = await key_for(other, "review", name="ben")
        (held,) = (await ben.post("/v1/review/claim", {"count": 1})).body["items"]
        stream = Stream(response)
        seen = await stream.next()
        assert (seen["kind"], seen["comment"], seen["moderator"]) == ("claimed", "c-1", "ben")
        assert seen["lease_expires_at"] == held["lease_expires_at"]
        shown = (await ann.get("/v1/review/items?state=claimed")).body["items"]
        assert [(item["id"], item["claimed_by"]) for item in shown] == [("c-1", "ben")]
        await ben.post("/v1/review/c-1/decision", {"decision": "reject", "lease": held["lease"]})
        assert [(seen := await stream.next())["kind"], seen["moderator"], seen["status"]] == [
            "decided",
            "ben",
            "rejected",
        ]
        await ben.post("/v1/review/c-1/undo", {})
        seen = await stream.next()
        assert (seen["kind"], seen["moderator"], seen["state"]) == ("undone", "ben", "leased")


@pytest.mark.usefixtures("pending")
async def test_a_reader_goes_on_where_the_stream_broke(ann: Any) -> None:
    async with await streaming(ann) as response:
        await ann.post("/v1/review/claim", {"count": 1})
        last = (await Stream(response).next())["id"]
    await ann.post("/v1/review/claim", {"count": 2})
    async with await streaming(ann, **{"Last-Event-ID": last}) as response:
        missed = await Stream(response).next()
    assert (missed["kind"], missed["comment"]) == ("claimed", "c-2")


@pytest.mark.usefixtures("pending")
async def test_a_stream_holds_no_text_of_readers(ann: Any) -> None:
    async with await streaming(ann, **{"Last-Event-ID": "0-0"}) as response:
        shown = await Stream(response).next()
    assert shown.keys() == {"id", "kind", "at", "comment", "revision", "version", "state", "status", "decided_by"}


async def test_the_stream_is_for_moderators_and_pages_for_the_site(
    client: Any, key_for: Any, ann: Any, problem: Any
) -> None:
    site = await key_for(client, "comments")
    assert (await site.get("/v1/events")).status == 200
    problem(await site.get("/v1/events", headers={"Accept": "text/event-stream"}), 403)
    problem(await ann.get("/v1/events"), 403)  # what a site is told would show which comments are blind audits
    async with await streaming(ann) as response:
        assert response.status == 200
    problem(await (await key_for(client, "score")).get("/v1/events"), 403)


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-", "1-2~", "1-2~1-2", "99999999999999999999-1"])
async def test_a_cursor_that_is_none_is_refused(admin: Any, problem: Any, cursor: str) -> None:
    for path in ("events", "labels", "audit"):
        found = problem(await admin.get(f"/v1/{path}?after={cursor}"), 400)
        assert found["detail"].startswith("query parameter 'after': ")
    found = problem(
        await admin.get("/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": cursor}), 400
    )
    assert found["detail"].startswith("Last-Event-ID: ")


async def revoke(client: Any, caller: Any) -> None:
    """Also where we serve it, without the wait for the next look at the keys."""
    assert await client.server.app[keys.STORE].access.revoke(access.key_id(caller.key))
    await client.server.app[keys.DIRECTORY].refresh()


async def test_a_stream_ends_when_its_key_is_revoked_and_says_nothing_more(
    client: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    await decide_always("review")
    async with await streaming(ann, **{"Last-Event-ID": "0-0"}) as response:
        await admin.post("/v1/comments", {"id": "before", "text": "hello"})
        assert (await Stream(response).next())["comment"] == "before"
        await revoke(client, ann)
        await admin.post("/v1/comments", {"id": "after", "text": "hello"})
        async with asyncio.timeout(60):
            assert b"after" not in await response.content.read()


@pytest.fixture
def has_looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[web.Application], asyncio.Event]:
    """Gives an event for when a claim has found nothing, and so waits if it was asked to."""

    def has_looked(app: web.Application) -> asyncio.Event:
        looked, queue = asyncio.Event(), app[keys.STORE].queue
        claim = queue.claim

        async def seen(*given: Any) -> Any:
            found = await claim(*given)
            if not found:
                looked.set()
            return found

        monkeypatch.setattr(queue, "claim", seen)
        return looked

    return has_looked


async def test_a_long_poll_ends_when_its_key_is_revoked_and_leases_nothing(
    client: Any, admin: Any, ann: Any, decide_always: Any, has_looked: Any, problem: Any
) -> None:
    await decide_always("review")
    looked = has_looked(client.server.app)
    claim = asyncio.ensure_future(ann.post("/v1/review/claim", {"wait": 25}))
    async with asyncio.timeout(60):
        await looked.wait()
    await revoke(client, ann)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    async with asyncio.timeout(60):
        problem(await claim, 401)
    assert (await admin.get("/v1/comments/c-1")).body["review"]["state"] == "queued"


async def test_nobody_opens_streams_without_end(admin: Any, problem: Any) -> None:
    opened = [await streaming(admin) for _ in range(3)]
    reply = await admin.get("/v1/events", headers={"Accept": "text/event-stream"})
    problem(reply, 429)
    assert reply.headers["Retry-After"] == "5"
    opened[0].close()
    async with asyncio.timeout(60):  # the service notices with its next line, an event or a heartbeat
        while True:
            await admin.post("/v1/comments", {"text": "hello"})
            again = await streaming(admin)
            if again.status == 200:
                break
    for each in (*opened[1:], again):
        each.close()


async def test_streams_and_long_polls_end_when_the_service_stops(
    run: Any, settings: Settings, key_for: Any, has_looked: Any
) -> None:
    async with run(settings) as client:
        ann = await key_for(client, name="ann")
        stream = await streaming(ann)
        looked = has_looked(client.server.app)
        claim = asyncio.ensure_future(ann.post("/v1/review/claim", {"wait": 25}))
        async with asyncio.timeout(60):
            await looked.wait()
        async with asyncio.timeout(20):  # a long poll would take 25 s, a stream for ever
            await client.server.close()
            assert (await claim).body == {"items": []}
            await stream.read()


async def test_a_long_poll_with_a_filter_does_not_look_again_at_each_change(
    app: Any, admin: Any, ann: Any, decide_always: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decide_always("review")
    looks, claim = 0, app[keys.STORE].queue.claim

    async def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return await claim(*given)

    monkeypatch.setattr(app[keys.STORE].queue, "claim", counted)
    polled = asyncio.ensure_future(ann.post("/v1/review/claim", {"wait": 1.5, "filter": {"article": "a-1"}}))
    while not polled.done():
        await admin.post("/v1/comments", {"text": "hello"})
        await asyncio.sleep(0.01)
    assert (await polled).body == {"items": []}
    assert looks <= 3, "at the beginning, a second later, at the end"


@pytest.mark.usefixtures("pending")
async def test_a_reader_who_leaves_is_no_error(client: Any, ann: Any, caplog: pytest.LogCaptureFixture) -> None:
    response = await streaming(ann)
    await response.content.readline()
    response.close()
    async with asyncio.timeout(60):
        while client.server.app[STREAMS][ann.key.split("_")[2]]:
            found = await ann.post("/v1/review/claim", {"count": 1})
            for item in found.body["items"]:
                await ann.post(f"/v1/review/{item['id']}/release", {"lease": item["lease"]})
    assert [record.message for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


async def test_the_stream_has_the_status_of_an_author(admin: Any, ann: Any) -> None:
    async with await streaming(ann) as response:
        stream = Stream(response)
        author = (await admin("PUT", "/v1/authors/u-1/status", MUTED)).body["author"]
        event = await stream.next()
    assert event["kind"] == "author_status"
    assert (event["author"], event["status"], event["until"]) == (author, "muted", "2099-01-01T00:00:00Z")
    assert event.keys().isdisjoint({"comment", "revision", "lease_expires_at"})
