"""The service starts on the data of an earlier release, and all of it is there.

The fixture is what commit 1c9393b, the last before the modules moved into rooms, left in Redis 6.2 and in the data
folder: each key as DUMP gives it, with the time that it had left. That time is relative, and the session began in 2100,
so the data do not expire in the repository. With them is what that release answered about its comments and its trail.
"""

import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis

import classifier
from service import app_keys as keys
from service.console.visit import COOKIE
from service.settings import Settings
from service.values.domain import State

FIXTURE = Path(__file__).with_name("data_before_rooms.msgpack.zlib")
SITE = "daily"
WAITING = {
    "c-edited": "The second version.",
    "c-queued": "Das heißt „Frühling“ 🌱",
    "c-undone": "The text of c-undone.",
    "κ/ 1": "An id of another kind.",
}


class Left(msgspec.Struct):
    """`redis`: for each key the milliseconds that it had left (0: it does not expire), and its DUMP."""

    key: str
    reviewer: str
    session: str
    trail: list[dict[str, Any]]
    comments: dict[str, dict[str, Any]]
    files: dict[str, bytes]
    redis: dict[str, tuple[int, bytes]]


@pytest.fixture(scope="module")
def left() -> Left:
    return msgspec.msgpack.decode(zlib.decompress(FIXTURE.read_bytes()), type=Left)


@pytest.fixture
async def client(left: Left, settings: Settings, redis_server: Any, run: Any) -> AsyncIterator[Any]:
    """The service over a copy of the data."""
    for name, content in left.files.items():
        path = settings.data_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    # The model that was shipped then may have been replaced since.
    history = settings.data_path / "models" / "active.json"
    entries = json.loads(history.read_text())["entries"]
    shipped = classifier.load(classifier.SHIPPED)
    entries[-1] |= {"version": shipped.version, "digest": shipped.digest}
    history.write_text(json.dumps({"entries": entries}))
    with Redis(unix_socket_path=str(redis_server.socket)) as raw:
        for name, (left_ms, dumped) in left.redis.items():
            raw.restore(name, left_ms, dumped)
    # Labels are kept for as long as the settings allow, because theirs are of 2026.
    async with run(msgspec.structs.replace(settings, relay=False, label_days=3650)) as client:
        yield client


async def answer(client: Any, key: str, method: str, path: str, body: Any = None) -> Any:
    async with client.request(method, path, json=body, headers={"Authorization": f"Bearer {key}"}) as response:
        assert response.status == 200, await response.text()
        text = await response.text()
        if response.content_type.endswith("ndjson"):
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text)


async def test_comments_and_their_decisions_are_there(client: Any, left: Left) -> None:
    assert len(left.comments) == 6
    for name, then in left.comments.items():
        now = await answer(client, left.key, "GET", f"/v1/comments/{name}")
        assert {field: now[field] for field in then} == then


async def test_the_queue_is_there_and_goes_on(client: Any, left: Left) -> None:
    queue = client.server.app[keys.STORE].queue
    await queue.tend(SITE)  # the leases of that time have ended
    assert [each.id for each in await queue.items(SITE, State.ESCALATED, 0, 10)] == ["c-escalated"]
    claimed = (await answer(client, left.reviewer, "POST", "/v1/review/claim", {"count": 10}))["items"]
    assert {item["id"]: item["text"] for item in claimed} == WAITING
    lease = next(item["lease"] for item in claimed if item["id"] == "c-queued")
    decision = {"decision": "reject", "lease": lease, "reason": "spam"}
    decided = await answer(client, left.reviewer, "POST", "/v1/review/c-queued/decision", decision)
    assert (decided["status"], decided["version"]) == ("rejected", 2)


async def test_the_audit_trail_is_there(client: Any, left: Left) -> None:
    assert len(left.trail) > 15
    entries = (await answer(client, left.key, "GET", "/v1/audit?limit=1000"))["entries"]
    assert entries[: len(left.trail)] == left.trail


async def test_labels_are_there(client: Any, left: Left) -> None:
    labels = {each["id"]: each for each in await answer(client, left.key, "GET", "/v1/labels")}
    assert labels["c-rejected"]["labels"] == {"insult": True, "spam": False}
    assert labels["c-rejected"]["text"] == "The text of c-rejected."
    assert labels["l-1"]["labels"] == {"toxicity": False}


async def test_a_moderator_is_still_signed_in(client: Any, left: Left) -> None:
    headers = {"Cookie": f"{COOKIE}={left.session}", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    async with client.get("/console/account", headers=headers, allow_redirects=False) as response:
        assert response.status == 200
        page = await response.text()
    assert "olena" in page
    assert 'lang="uk"' in page, "and reads the language that was chosen then"


async def test_the_model_in_use_is_there(client: Any, left: Left) -> None:
    models = await answer(client, left.key, "GET", "/v1/models")
    assert [(each["active"], each["generation"]) for each in models["models"]] == [(True, 1)]


async def test_fsck_finds_nothing(client: Any, left: Left) -> None:
    fsck = client.server.app[keys.STORE].fsck
    assert await fsck.count(SITE) == len(left.comments) + 1
    assert [breach async for breach in fsck.examine(SITE)] == []
