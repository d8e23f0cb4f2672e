"""Copies of a rejected comment that wait: offered after the rejection, rejected together, taken back together."""

import json
import re
from typing import Any

import pytest

from service.values.accounts import Role

SAME = {
    "id": "same",
    "when": {"duplicate": {"match": "near", "of": "site", "at_least": 2, "s": 3600}},
    "then": {"action": "review", "label": "spam"},
}
TEXT = "Get rich today with our amazing offer, my dear friends"


@pytest.fixture
async def spam(admin: Any) -> list[str]:
    """Of six copies five wait: the first one is approved, for nothing was like it."""
    policy = {"thresholds": {"insult": {"review_at": 0.9}}, "rules": [SAME]}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for n in range(6):
        await admin.post("/v1/comments", {"id": f"s-{n}", "text": f"{TEXT} {n}", "author": {"id": f"u-{n}"}})
    return [f"s-{n}" for n in range(1, 6)]


async def statuses(admin: Any, ids: list[str]) -> list[str]:
    return [(await admin.get(f"/v1/comments/{each}")).body["status"] for each in ids]


@pytest.mark.usefixtures("spam")
async def test_a_rejection_offers_the_copies_that_wait_also_those_held_by_oneself(as_role: Any, admin: Any) -> None:
    ann, bob = await as_role(Role.MODERATOR), await as_role(Role.SUPERVISOR)
    for browser in (ann, bob):
        await browser.get("/console/queue")
    await bob.post("/console/queue/claim", count="1")
    await ann.post("/console/queue/claim", count="2")
    page = await ann.get("/console/queue")
    found = re.findall(r'data-id="([^"]+)" data-version="\d+" data-lease="([^"]+)"', page.text)
    (comment, lease), (held, _) = found
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    body = {"decision": "reject", "reason": "spam", "lease": lease}
    done = json.loads((await ann("POST", f"/console/queue/{comment}/decision", json=body, headers=headers)).text)
    assert done["copies"] == 3, "five wait: one was rejected, one is held by somebody else"
    text = (await ann.get(f"/console/queue/{comment}/copies")).text
    assert "3 comments that wait are like this one:" in text
    rows = re.findall(r'<tr data-id="([^"]+)"', text)
    assert held in rows
    assert text.count('name="chosen" checked') == 3
    assert 'name="reject" value="spam" autofocus' in text
    assert done["version"] == (await admin.get(f"/v1/comments/{comment}")).body["version"]


async def test_they_are_rejected_together_and_taken_back_together_without_a_script(
    as_role: Any, admin: Any, spam: list[str]
) -> None:
    ann = await as_role(Role.MODERATOR)
    await ann.get("/console/queue")
    version = str((await admin.get("/v1/comments/s-1")).body["version"])
    page = await ann.post("/console/queue/s-1/decision", reject="spam", version=version)
    text = (await ann.get(page.location)).text
    assert '<a class="button" href="/console/queue/s-1/copies">Look at 4 comments like it</a>' in text
    text = (await ann.get("/console/queue/s-1/copies")).text
    chosen = re.findall(r'name="chosen" checked value="([^"]*)"', text)
    page = await ann.post("/console/queue/decisions", reject="spam", chosen=chosen, in_view="list")
    text = (await ann.get(page.location)).text
    assert await statuses(admin, spam) == ["rejected"] * 5
    batch = re.search(r'name="batch" value="([^"]+)"', text)[1]
    page = await ann.post("/console/queue/undo", batch=batch)
    assert await statuses(admin, spam) == ["rejected", *["pending"] * 4]


async def test_nothing_is_offered_for_an_approval_or_where_nothing_is_alike(
    as_role: Any, admin: Any, spam: list[str]
) -> None:
    ann = await as_role(Role.MODERATOR)
    await ann.get("/console/queue")
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    body = {"decision": "approve", "version": 1}
    done = await ann("POST", f"/console/queue/{spam[0]}/decision", json=body, headers=headers)
    assert done.status == 200
    assert "copies" not in done.text
    await admin("PUT", "/v1/policies/default", {"thresholds": {"insult": {"review_at": 0}}})
    await admin.post("/v1/comments", {"id": "other", "text": "Something that nobody else says"})
    body = {"decision": "reject", "version": 1}
    assert "copies" not in (await ann("POST", "/console/queue/other/decision", json=body, headers=headers)).text
    text = (await ann.get("/console/queue/other/copies")).text
    assert "No comment that waits is like this one:" in text
    assert (await ann.get("/console/queue/nowhere/copies")).status == 404


async def test_auditors_do_not_get_the_page(as_role: Any, spam: list[str]) -> None:
    auditor = await as_role(Role.AUDITOR)
    assert (await auditor.get(f"/console/queue/{spam[0]}/copies")).status == 403
