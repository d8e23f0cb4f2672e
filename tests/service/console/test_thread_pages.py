"""The thread around a comment: on its own page, and as the part that a card loads when it is opened."""

import re
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases import threads
from service.store.keyspace import Shards
from service.values.accounts import Role


@pytest.fixture(params=[1, 3])
def settings(settings: Any, request: Any) -> Any:
    return msgspec.structs.replace(settings, shards=request.param)


async def send(admin: Any, comment_id: str, parent: str = "", author: str = "", text: str = "") -> None:
    more: dict[str, Any] = {"author": {"id": author, "name": author.title()}} if author else {}
    if parent:
        more["parent"] = {"id": parent, "text": f"Text of {parent}."}
    reply = await admin.post("/v1/comments", {"id": comment_id, "text": text or f"Text of {comment_id}.", **more})
    assert reply.status == 200


def ids(page: str) -> list[str]:
    """The comments of the thread in their order; the one in the middle is "*"."""
    posts = re.findall(r'<li class="post(.*?)</p>', page, re.DOTALL)
    return [
        "*" if each.startswith(" here") else (re.findall(r"\?id=([^\"]+)\"", each) or ["sent"])[0] for each in posts
    ]


async def test_the_thread_has_what_is_above_beside_and_below(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("approve")
    await send(admin, "top", author="ann")
    await send(admin, "mid", "top", "bob")
    for comment_id, author in (("r-1", "eve"), ("r-2", "dan"), ("here", "eve"), ("r-3", "eve"), ("r-4", "bob")):
        await decide_always("review" if comment_id == "here" else "approve")
        await send(admin, comment_id, "mid", author)
    await decide_always("reject")
    await send(admin, "below", "here", "ann")
    await decide_always("approve")
    await send(admin, "elsewhere", "other", "eve")
    mod = await as_role(Role.MODERATOR)
    page = (await mod.get("/console/queue/here/thread")).text
    assert ids(page) == ["top", "mid", "r-1", "r-2", "*", "below", "r-3", "r-4"]
    assert page.count('class="tag same"') == 2, "r-1 and r-3 are by the same author, r-2 and r-4 are not"
    rejected = page.split("?id=below")[0].rpartition('<li class="post')[2]
    assert "Rejected" in rejected
    assert "by the model" in rejected
    part = (await mod.get("/console/queue/here/thread?part=1")).text
    assert ids(part) == ids(page)
    assert "<header" not in part
    assert len(part) < 20_000
    card = (await mod.get("/console/queue/here")).text
    assert 'href="/console/queue/here/thread"' in card
    assert "Text of below" not in card, "it is loaded only when somebody opens it"
    assert '<details class="parent" open>' in card


async def test_what_the_site_sent_of_a_parent_that_is_not_held_is_shown_as_that(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await send(admin, "here", "gone")
    await send(admin, "alone")
    mod = await as_role(Role.MODERATOR)
    page = (await mod.get("/console/queue/here/thread")).text
    assert ids(page) == ["sent", "*"]
    assert "Text of gone." in page
    assert "Steward does not hold this comment" in page
    assert "no other comment of this thread" in (await mod.get("/console/queue/alone/thread")).text
    assert (await mod.get("/console/queue/nobody/thread")).status == 404


async def test_the_bounds_are_kept_and_what_is_left_out_is_counted(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    for number in range(8):
        await send(admin, f"up-{number}", f"up-{number - 1}" if number else "")
    for number in range(16):
        await send(admin, f"side-{number:02}" if number != 8 else "here", "up-7", text="x" * 3_000)
    for number in range(12):
        await send(admin, f"below-{number:02}", "here")
    page = (await (await as_role(Role.MODERATOR)).get("/console/queue/here/thread")).text
    found = ids(page)
    assert [each for each in found if each.startswith("up-")] == [f"up-{n}" for n in range(3, 8)]
    assert "It goes on further up." in page
    assert found.index("*") == threads.MOST_ABOVE + threads.MOST_BESIDE
    assert sum(each.startswith("side") for each in found) == 2 * threads.MOST_BESIDE
    assert sum(each.startswith("below") for each in found) == threads.MOST_BELOW
    for said in ("3 earlier replies are not shown.", "2 later replies are not shown.", "2 more replies are not shown."):
        assert said in page
    assert "x" * 700 not in page, "a long text is cut"


async def test_a_circle_of_parents_ends(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await send(admin, "a", "b")
    await send(admin, "b", "a")
    assert ids((await (await as_role(Role.MODERATOR)).get("/console/queue/a/thread")).text) == ["b", "*", "b"]


async def test_hidden_texts_stay_hidden_and_audits_look_like_any_other(
    as_role: Any, admin: Any, decide_always: Any, client: Any
) -> None:
    await decide_always("review")
    await send(admin, "top")
    await send(admin, "here", "top")
    await send(admin, "reply", "here")
    mod = await as_role(Role.MODERATOR)
    page = (await mod.get("/console/queue/here/thread")).text
    assert '<details class="covered">' not in page
    await mod.post("/console/account/preferences", blur="all")
    page = (await mod.get("/console/queue/here/thread")).text
    for text in ("Text of top.", "Text of reply."):
        before = page.split(text)[0]
        assert before.rpartition("<details")[2].startswith(' class="covered">'), text
        assert "</details>" not in before.rpartition("<details")[2]
    # An approved comment that waits for a blind audit looks as if it were undecided.
    await decide_always("approve")
    await send(admin, "audited", "here")
    store = client.server.app[keys.STORE]
    shard = Shards(store.pipe, store.shards).of("daily", "audited")
    await store.pipe.call("HSET", shard.item("audited"), "state", "queued", "kind", "audit", "why", "audit", "due", "1")
    page = (await mod.get("/console/queue/here/thread")).text
    audited = page.split("?id=audited")[0].rpartition('<li class="post')[2]
    assert "Pending" in audited
    assert "Approved" not in audited
    assert "by the model" not in audited


async def test_what_was_erased_is_gone_from_the_thread(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await send(admin, "top", author="ann")
    await send(admin, "here", "top")
    await send(admin, "reply", "here", text="Say nothing of this.")
    for each in ("reply", "top"):
        assert (await admin("DELETE", f"/v1/comments/{each}")).status == 204
    page = (await (await as_role(Role.MODERATOR)).get("/console/queue/here/thread")).text
    assert ids(page) == ["top", "*"]
    assert "Text of top" not in page
    assert "Say nothing" not in page
    assert "Ann" not in page
    assert "The text is not kept any more." in page


async def test_another_sites_thread_is_not_there(as_role: Any, client: Any, key_for: Any, decide_always: Any) -> None:
    await decide_always("review")
    weekly = await key_for(client, site="weekly")
    await send(weekly, "here")
    assert (await (await as_role(Role.MODERATOR)).get("/console/queue/here/thread")).status == 404
