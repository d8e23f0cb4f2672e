"""What a moderator decided today: own decisions alone, each with undo while it is the last that happened."""

import re
from typing import Any

from service import app_keys as keys
from service.values.domain import State


async def answered(page: Any, decision: str, comment_id: str) -> None:
    """Decide a comment on its own page."""
    shown = await page.get(f"/console/queue/{comment_id}")
    (version,) = re.findall(r'name="version" value="(\d+)"', shown.text)
    fields = {"reject": ""} if decision == "reject" else {"decision": decision}
    await page.post(f"/console/queue/{comment_id}/decision", version=version, **fields)


async def test_the_page_lists_own_decisions_of_the_day_and_takes_one_back(
    signed_in: Any, admin: Any, decide_always: Any, app: Any
) -> None:
    await decide_always("review")
    for each in ("c-1", "c-2", "c-3"):
        assert (await admin.post("/v1/comments", {"id": each, "text": f"Comment {each}"})).body["status"] == "pending"
    ann, bob = await signed_in("ann"), await signed_in("bob")
    await answered(ann, "approve", "c-1")
    await answered(ann, "reject", "c-2")
    await answered(bob, "approve", "c-3")
    page = await ann.get("/console/decided")
    assert re.findall(r"/console/comment\?id=(c-\d)", page.text) == ["c-2", "c-1"], "newest first, and not those of bob"
    assert re.findall(r"<dd>(\d+)</dd>", page.text) == ["1", "1", "0"]
    fields = re.findall(r'name="id" value="(c-\d)"><input type="hidden" name="version" value="(\d+)"', page.text)
    assert [each for each, _ in fields] == ["c-2", "c-1"]
    back = await ann.post("/console/decided/undo", id="c-2", version=fields[0][1])
    assert back.location == "/console/decided?said=undone"
    assert (await app[keys.STORE].comments.get("daily", "c-2")).state is State.LEASED
    page = await ann.get(back.location)
    assert re.findall(r"/console/comment\?id=(c-\d)", page.text) == ["c-1"]
    again = await ann.post("/console/decided/undo", id="c-1", version="1")
    assert again.location == "/console/decided?refused=1"
    assert "It could not be taken back" in (await ann.get(again.location)).text


async def test_a_text_is_not_shown_to_somebody_who_wants_all_of_them_hidden(
    signed_in: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "Words that hurt"})
    ann = await signed_in("ann")
    await answered(ann, "reject", "c-1")
    assert "Words that hurt" in (await ann.get("/console/decided")).text
    await ann.post("/console/account/preferences", blur="all")
    page = (await ann.get("/console/decided")).text
    assert "Words that hurt" not in page
    assert ">c-1<" in page


async def test_an_empty_day_says_so(signed_in: Any) -> None:
    assert "You have decided nothing today." in (await (await signed_in("ann")).get("/console/decided")).text
