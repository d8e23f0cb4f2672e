"""A request that is cancelled, at whatever point: done wholly or not at all, and no harm to the next one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service import app_keys as keys
from service.http import shortcut
from service.process.app import build_app
from service.settings import Settings

GONE = 299
SITE = "daily"


@web.middleware
async def leaving(request: web.Request, handler: Any) -> Any:
    """Cancels the handler after so many turns of the event loop, as when its client goes away."""
    turns = request.headers.get("X-Turns")
    if turns is None:
        return await handler(request)
    task = asyncio.ensure_future(handler(request))
    for _ in range(int(turns)):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return web.Response(status=GONE) if task.cancelled() else task.result()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Any]:
    app = build_app(settings)
    app.middlewares.insert(0, leaving)
    server = TestServer(app)
    await server.start_server(auto_decompress=False)
    shortcut.install_fast_path(server.runner)
    async with TestClient(server) as client:
        yield client


def every_turn() -> Iterator[dict[str, str]]:
    """Each await of a handler ends in one of these turns; behind the last, Redis has long answered."""
    turns = [*range(30), *range(30, 300, 15), 1_000, 100_000]
    return ({"X-Turns": str(each)} for each in turns)


async def audited(client: Any, comment_id: str) -> list[str]:
    found, _ = await client.server.app[keys.STORE].audit.page(SITE, "", 5000, comment=comment_id)
    return [entry.details["action"] for entry in found]


@pytest.fixture
def seen() -> Iterator[set[int]]:
    """Statuses of the cancelled requests: some were cancelled, and some were not any more."""
    seen: set[int] = set()
    yield seen
    assert {GONE, 200} <= seen


async def test_a_submission_cancelled_at_any_point_is_whole_or_absent_and_can_be_repeated(
    client: Any, admin: Any, decide_always: Any, seen: set[int]
) -> None:
    await decide_always("review")
    for number, headers in enumerate(every_turn()):
        comment = {"id": f"c-{number}", "text": f"hello {number}"}
        cancelled = await admin.post("/v1/comments", comment, headers=headers)
        other = await admin.post("/v1/comments", {"id": f"other-{number}", "text": "another"})
        assert (other.status, other.body["id"]) == (200, f"other-{number}"), "its own reply"
        assert await audited(client, f"c-{number}") in ([], ["submitted"])
        again = await admin.post("/v1/comments", comment)
        assert (again.status, again.body["id"], again.body["version"]) == (200, f"c-{number}", 1)
        assert await audited(client, f"c-{number}") == ["submitted"]
        seen.add(cancelled.status)
    assert [each async for each in client.server.app[keys.STORE].fsck.examine(SITE)] == []


async def test_a_decision_cancelled_at_any_point_is_whole_or_absent_and_can_be_repeated(
    client: Any, admin: Any, ann: Any, decide_always: Any, seen: set[int]
) -> None:
    await decide_always("review")
    for number, headers in enumerate(every_turn()):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
        (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
        path, decision = f"/v1/review/{item['id']}/decision", {"decision": "reject", "lease": item["lease"]}
        cancelled = await ann.post(path, decision, headers=headers)
        assert (await admin.get(f"/v1/comments/c-{number}")).body["id"] == f"c-{number}", "its own reply"
        again = await ann.post(path, decision)
        assert (again.status, again.body["status"], again.body["version"]) == (200, "rejected", 2)
        assert await audited(client, f"c-{number}") == ["submitted", "claimed", "decided"]
        seen.add(cancelled.status)
    found, _ = await client.server.app[keys.STORE].labels.page(SITE, "", 1000)
    assert len(found) == len({label.id for label in found}) == number + 1
    assert [each async for each in client.server.app[keys.STORE].fsck.examine(SITE)] == []


async def test_a_claim_cancelled_at_any_point_strands_nothing(
    client: Any, admin: Any, ann: Any, decide_always: Any, seen: set[int]
) -> None:
    await decide_always("review")
    for number, headers in enumerate(every_turn()):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
        cancelled = await ann.post("/v1/review/claim", {"count": 1}, headers=headers)
        (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
        assert (item["id"], item["claimed_by"]) == (f"c-{number}", "ann")
        reply = await ann.post(f"/v1/review/{item['id']}/release", {"lease": item["lease"], "skip": True})
        assert reply.status == 204
        assert await audited(client, f"c-{number}") == ["submitted", "claimed", "skipped"]
        seen.add(cancelled.status)
    assert [each async for each in client.server.app[keys.STORE].fsck.examine(SITE)] == []
