"""What a moderator must be told: who holds an appeal, who wrote, what waits where, and that nothing was changed."""

import re
from typing import Any

from service import app_keys as keys
from service.values.accounts import Role


async def appealed(admin: Any, ann: Any, comment_id: str) -> None:
    """A comment that ann rejected, and whose author appeals."""
    body = {"id": comment_id, "text": "Well, hello there, neighbor.", "author": {"id": "u-1", "name": "Robin"}}
    assert (await admin.post("/v1/comments", body)).body["status"] == "pending"
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    decision = {"decision": "reject", "lease": item["lease"]}
    assert (await ann.post(f"/v1/review/{comment_id}/decision", decision)).status == 200
    assert (await admin.post(f"/v1/comments/{comment_id}/appeal", {"reason": "It was a greeting."})).status == 200


async def test_an_appeal_that_somebody_holds_is_listed_with_the_holder(
    as_role: Any, admin: Any, ann: Any, key_for: Any, client: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await appealed(admin, ann, "c-1")
    bob = await key_for(client, "review", name="bob")
    assert len((await bob.post("/v1/review/claim", {})).body["items"]) == 1
    page = (await (await as_role(Role.SUPERVISOR)).get("/console/appeals?kind=appeal")).text
    assert "No appeals waiting" in page
    assert re.search(r"hello there, neighbor.</bdi></a> · Held by bob", page)


async def test_an_empty_queue_counts_what_is_reviewed_of_its_own_comments_alone(
    signed_in: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await appealed(admin, ann, "c-1")
    eve = await signed_in("eve")
    await eve.post("/console/queue/claim", queue="appeals")
    assert "1 of this queue is being reviewed." in (await eve.get("/console/queue?queue=appeals&view=list")).text
    reported = (await eve.get("/console/queue?queue=reported&view=list")).text
    assert "being reviewed." not in reported
    assert "Comments that readers reported appear here." in reported


async def test_an_author_has_a_name_and_the_beginning_of_each_text(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("approve")
    for number, text in enumerate(("Good morning.", "word " * 80)):
        body = {"id": f"c-{number}", "text": text, "author": {"id": "u-1", "name": "Robin"}}
        assert (await admin.post("/v1/comments", body)).status == 200
    page = (await (await as_role(Role.MODERATOR)).get("/console/author?id=u-1")).text
    assert "<bdi>Robin</bdi>" in page
    assert "Good morning." in page
    assert re.search(r"(word ){20,40}word?…", page), "about two lines"


async def test_the_view_by_score_is_offered_only_where_scores_are_shown(signed_in: Any, admin: Any) -> None:
    eve = await signed_in("eve")
    assert "By score" not in (await eve.get("/console/queue?view=list")).text
    shown = {"thresholds": {"toxicity": {"review_at": 0.3}}, "review": {"show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", shown)).status == 200
    page = (await eve.get("/console/queue?view=list")).text
    assert re.findall(r'<a href="[^"]*"[^>]*>(One by one|List|By score)', page) == ["One by one", "List", "By score"]
    assert re.search(r'aria-current="true">List', page)


async def test_a_policy_that_is_saved_unchanged_makes_no_version(as_role: Any, app: Any) -> None:
    chief = await as_role()
    form = (await chief.get("/console/policy")).text
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form))
    fields |= dict.fromkeys(re.findall(r'name="(counts\.[^"]+)"[^>]* checked', form), "1")
    fields |= dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)"[^>]* checked', form), "1")
    unchecked = set(re.findall(r'type="checkbox" name="([^"]+)"', form)) - set(
        re.findall(r'type="checkbox" name="([^"]+)"[^>]* checked', form)
    )
    sent = {name: value for name, value in fields.items() if name not in unchecked | {"csrf"}}
    page = await chief.post("/console/policy", **sent)
    assert page.location == "/console/policy?said=unchanged", page.text[:500]
    assert "Nothing was changed." in (await chief.get(page.location)).text
    assert await app[keys.STORE].access.policies("daily") == []
