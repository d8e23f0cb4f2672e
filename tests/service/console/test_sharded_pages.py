"""The console where a site's comments lie in several shards: nothing of them is out of sight."""

import re
from typing import Any

import msgspec
import pytest


@pytest.fixture
def settings(settings: Any) -> Any:
    return msgspec.structs.replace(settings, shards=3)


async def test_comments_of_every_shard_are_found_with_their_history(as_role: Any, admin: Any, ann: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}}
    await admin("PUT", "/v1/policies/default", policy)
    ids = [f"c-{n}" for n in range(9)]
    for each in ids:
        await admin.post("/v1/comments", {"id": each, "text": "You are an idiot.", "author": {"id": "u-1"}})
    for item in (await ann.post("/v1/review/claim", {"count": 9})).body["items"]:
        await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "escalate", "lease": item["lease"]})
    chief = await as_role()
    for each in ids:
        text = (await chief.get(f"/console/comment?id={each}")).text
        assert [text.count(f"<strong>{said}") for said in ("Posted", "Claimed", "Escalated to a supervisor")] == [
            1,
            1,
            1,
        ], each
    for path in ("/search?text=idiot", "/search?author=u-1", "/appeals"):
        found = re.findall(r'<a href="/console/comment\?id=(c-\d)"', (await chief.get(f"/console{path}")).text)
        assert sorted(found) == ids, path
    assert "<dt>With supervisors</dt><dd>9" in (await chief.get("/console/dashboard")).text
