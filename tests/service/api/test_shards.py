"""A service whose sites have several shards: its cursors are those of one."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service.settings import Settings


@pytest.fixture
async def chief(run: Any, settings: Settings, key_for: Any) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=3, undo_hold_s=0)) as client:
        chief = await key_for(client, name="chief")
        thresholds = {"thresholds": {"toxicity": {"review_at": 0}}}
        assert (await chief("PUT", "/v1/policies/default", thresholds)).status == 200
        yield chief


async def decided(chief: Any, count: int) -> None:
    for number in range(count):
        assert (await chief.post("/v1/comments", {"id": f"c-{number}", "text": f"hello {number}"})).status == 200
        (item,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
        body = {"decision": "approve", "lease": item["lease"]}
        assert (await chief.post(f"/v1/review/{item['id']}/decision", body)).status == 200


async def test_events_labels_and_the_trail_are_read_on_from_their_cursors(chief: Any) -> None:
    seen: dict[str, list[str]] = {"events": [], "labels": [], "audit": []}
    await decided(chief, 9)
    after = ""
    while found := (reply := await chief.get(f"/v1/events?limit=2{after}")).body["events"]:
        seen["events"] += [event["comment_id"] for event in found]
        after = f"&after={reply.body['next']}"
    after = ""
    while raw := (reply := await chief.get(f"/v1/labels?limit=2{after}")).raw:
        seen["labels"] += [msgspec.json.decode(line)["id"] for line in raw.splitlines()]
        after = f"&after={reply.headers['Steward-Next-Cursor']}"
    after, more = "", True
    while more:
        reply = await chief.get(f"/v1/audit?limit=2{after}")
        assert reply.status == 200, reply.body
        seen["audit"] += [e["details"]["comment"] for e in reply.body["entries"] if e["details"]["action"] == "decided"]
        after, more = f"&after={reply.body['next']}", reply.body["next"] is not None
    each = [f"c-{number}" for number in range(9)]
    assert {stream: sorted(found) for stream, found in seen.items()} == {
        "events": sorted(each * 2),
        "labels": each,
        "audit": each,
    }


@pytest.mark.parametrize("cursor", ["1-0", "1-0~1-0", "1-0~1-0~1-0~1-0", "~1-0~", "1-0~1-0~"])
async def test_a_cursor_with_another_number_of_places_is_refused(chief: Any, problem: Any, cursor: str) -> None:
    for path in ("events", "labels", "audit"):
        found = problem(await chief.get(f"/v1/{path}?after={cursor}"), 400)
        assert found["detail"].startswith("query parameter 'after': ")
    found = problem(
        await chief.get("/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": cursor}), 400
    )
    assert found["detail"].startswith("Last-Event-ID: ")


async def test_a_reader_of_the_stream_goes_on_behind_the_last_event_that_it_saw(chief: Any) -> None:
    await decided(chief, 4)
    all_ids = await ids_of(chief, "0-0~0-0~0-0", 12)
    assert len(set(all_ids)) == 12
    assert await ids_of(chief, all_ids[4], 7) == all_ids[5:]


async def ids_of(caller: Any, after: str, count: int) -> list[str]:
    """Of so many events behind `after`, as the stream says them."""
    headers = {"Authorization": f"Bearer {caller.key}", "Accept": "text/event-stream", "Last-Event-ID": after}
    found: list[str] = []
    async with caller.client.get("/v1/events", headers=headers) as response:
        assert response.status == 200
        async for line in response.content:
            if line.startswith(b"id: "):
                found.append(line.decode()[4:].rstrip())
            if len(found) == count:
                break
    return found
