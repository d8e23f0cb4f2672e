"""Many decided at once by the list's form, and taken back at once, while Redis answers not every time."""

import re
from typing import Any

import pytest

from service import app_keys as keys
from service.values.errors import StoreUnavailable


@pytest.fixture
async def boxes(admin: Any, decide_always: Any, signed_in: Any) -> tuple[Any, list[str]]:
    """A moderator, and what the list's form sends of two comments that wait."""
    await decide_always("review")
    for n in range(2):
        body = {"id": f"c-{n}", "text": f"Comment {n}", "author": {"name": "Reader"}}
        assert (await admin.post("/v1/comments", body)).body["status"] == "pending"
    ann = await signed_in("ann")
    return ann, re.findall(r'name="chosen" value="([^"]+)"', (await ann.get("/console/queue?view=list")).text)


async def statuses(admin: Any) -> list[str]:
    return [(await admin.get(f"/v1/comments/c-{n}")).body["status"] for n in range(2)]


async def test_what_redis_kept_from_being_taken_back_can_be_taken_back_again(
    boxes: Any, client: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ann, chosen), store = boxes, client.server.app[keys.STORE]
    page = await ann.post("/console/queue/decisions", in_view="list", chosen=chosen, reject="spam")
    undo = store.queue.undo

    async def away_for_one(site: str, comment: str, *args: Any, **more: Any) -> Any:
        if comment == "c-1":
            raise StoreUnavailable("away")
        return await undo(site, comment, *args, **more)

    for is_away, said in ((True, "1 / 2"), (False, "2 / 2")):
        batch = re.search(r'name="batch" value="([^"]+)"', (await ann.get(page.location)).text)[1]
        with monkeypatch.context() as patched:
            if is_away:
                patched.setattr(store.queue, "undo", away_for_one)
            page = await ann.post("/console/queue/undo", in_view="list", batch=batch)
        assert said in (await ann.get(page.location)).text
    assert await statuses(admin) == ["pending"] * 2
    assert (await ann.post("/console/queue/undo", batch=batch)).status == 404


async def test_what_is_decided_is_said_though_the_way_back_cannot_be_kept(
    boxes: Any, client: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, chosen = boxes

    async def away(*_: Any) -> str:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(client.server.app[keys.STORE].accounts, "issue", away)
        page = await ann.post("/console/queue/decisions", in_view="list", chosen=chosen, reject="spam")
    text = (await ann.get(page.location)).text
    assert "2 / 2" in text
    assert "Take all back" not in text
    assert await statuses(admin) == ["rejected"] * 2
