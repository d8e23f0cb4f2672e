"""A comment's page: its history, what may be done, and nothing that would sway whoever still has to judge."""

import re
from typing import Any

import pytest

from service.values.accounts import Role


@pytest.fixture
async def queued(admin: Any, decide_always: Any) -> str:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot.", "author": {"id": "u-1", "name": "Joe"}})
    return "/console/comment?id=c-1"


async def decided(caller: Any, decision: str, reason: str = "") -> Any:
    (item,) = (await caller.post("/v1/review/claim", {})).body["items"]
    body = {"decision": decision, "lease": item["lease"], "reason": reason}
    reply = await caller.post(f"/v1/review/{item['id']}/decision", body)
    assert reply.status == 200, reply.body
    return reply.body


async def test_all_that_happened_is_told_in_order(as_role: Any, ann: Any, admin: Any, queued: str) -> None:
    await decided(ann, "reject", "personal_attack")
    await admin.post("/v1/comments/c-1/appeal", {"reason": "It was a quote."})
    bob = await as_role(Role.SUPERVISOR)
    waiting = (await bob.get(queued)).text
    assert "It was a quote." in waiting
    # Whoever may decide the appeal is not told how the first decision went.
    assert "Personal attack" not in waiting
    assert "reason: " not in waiting
    auditor = await as_role(Role.AUDITOR)
    text = (await auditor.get(queued)).text
    places = [text.index(said) for said in ("<strong>Posted", "Claimed", "Decided</strong>", "Reopened")]
    assert places == sorted(places)
    assert "Personal attack" in text
    assert "role: <bdi>an API key</bdi>" in text
    assert "default@2" in text


async def test_what_still_waits_tells_no_score_and_no_answer(
    as_role: Any, admin: Any, decide_always: Any, queued: str
) -> None:
    await decide_always("approve")
    rule = {"id": "house", "when": {"words": {"any": ["zorblax"]}}, "then": {"action": "reject"}}
    review = {"audit_approved": 1, "audit_rejected": 1}
    policy = {"thresholds": {"toxicity": {}}, "review": review, "rules": [rule]}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-2", "text": "A harmless one."})
    await admin.post("/v1/comments", {"id": "c-3", "text": "A harmless zorblax."})
    somebody = await as_role(Role.MODERATOR)
    pages = [(await somebody.get(f"/console/comment?id={each}")).text for each in ("c-1", "c-2", "c-3")]
    for text in pages:
        assert "Pending" in text
        assert "Scores" not in text
        assert "The model said" not in text
        assert "decision: <bdi>" not in text
        assert "score: <bdi>" not in text
        assert "inclusion" not in text
        assert "A blind audit" not in text
        assert "house" not in text
    assert queued
    auditor = await as_role(Role.AUDITOR)
    text = (await auditor.get("/console/comment?id=c-2")).text
    assert "drawn with probability" in text
    assert re.search(r"<bdi>Toxicity 0\.\d\d</bdi>", text), "without six digits"
    assert "house" in (await auditor.get("/console/comment?id=c-3")).text


@pytest.mark.parametrize(
    ("language", "of_rules", "told"),
    [
        (
            "en",
            [
                "The author is banned",
                "Rule house found “zorblax” (Made-up words) · Only label · Label: spam",
                "Rule tried found “zorblax” · Hold for review · Shadow",
            ],
            ["rule: <bdi>The author is banned", "rule: <bdi>house", "decided by: <bdi>a rule"],
        ),
        (
            "de",
            [
                "Der Verfasser ist gesperrt",
                "Regel house fand „zorblax“ (Made-up words) · Nur kennzeichnen · Label: Spam",
            ],
            ["Regel: <bdi>Der Verfasser ist gesperrt", "entschieden durch: <bdi>eine Regel"],
        ),
        (
            "uk",
            ["Автора заблоковано"],
            ["правило: <bdi>Автора заблоковано", "вирішено: <bdi>правило"],
        ),
    ],
)
async def test_what_rules_and_the_author_s_status_said_is_told_in_words(
    as_role: Any, admin: Any, language: str, of_rules: list[str], told: list[str]
) -> None:
    house: dict[str, Any] = {"id": "house", "when": {"words": {"any": ["zorblax"]}}, "note": "Made-up words"}
    labels = {**house, "then": {"action": "label", "label": "spam"}}
    tried = {**house, "id": "tried", "note": "", "state": "shadow", "then": {"action": "review"}}
    policy = {"thresholds": {"toxicity": {}}, "rules": [labels, tried]}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    assert (await admin("PUT", "/v1/authors/u-1/status", {"status": "banned"})).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "A harmless zorblax.", "author": {"id": "u-1"}})
    auditor = await as_role(Role.AUDITOR)
    text = (await auditor.get("/console/comment?id=c-1", headers={"Accept-Language": language})).text
    for each in of_rules:
        assert f'<li class="wrap" dir="auto">{each}</li>' in text
    for each in told:
        assert f"{each}</bdi>" in text
    assert "author_banned" not in text


@pytest.mark.parametrize(("state", "is_veiled"), [("on", True), ("shadow", False)])
async def test_a_label_veils_a_text_only_if_its_rule_is_on(
    as_role: Any, admin: Any, state: str, *, is_veiled: bool
) -> None:
    when, then = {"words": {"any": ["zorblax"]}}, {"action": "label", "label": "threat"}
    policy = {"thresholds": {"toxicity": {}}, "rules": [{"id": "house", "when": when, "then": then, "state": state}]}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "A harmless zorblax."})
    auditor = await as_role(Role.AUDITOR)
    await auditor.post("/console/account/preferences", blur="severe")
    text = (await auditor.get("/console/comment?id=c-1")).text
    assert ('<details class="veil">' in text) is is_veiled
    assert ("found “zorblax”" in text) is not is_veiled


async def test_the_first_of_two_opinions_is_not_shown_to_the_second(as_role: Any, ann: Any, admin: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"double_review": 1}}
    await admin("PUT", "/v1/policies/default", policy)
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    await decided(ann, "reject", "personal_attack")
    text = (await (await as_role(Role.MODERATOR)).get("/console/comment?id=c-1")).text
    assert "First of two opinions" not in text
    assert "First of two opinions" in (await (await as_role(Role.AUDITOR)).get("/console/comment?id=c-1")).text


async def test_only_the_own_decision_is_taken_back(as_role: Any, ann: Any, admin: Any, queued: str) -> None:
    await decided(ann, "approve")
    ann_herself, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    assert "Take back" not in (await bob.get(queued)).text
    assert (await bob.post("/console/comment/undo", id="c-1", version="2")).status == 409
    assert "Take back" in (await ann_herself.get(queued)).text
    assert (await ann_herself.post("/console/comment/undo", id="c-1", version="1")).status == 409
    page = await ann_herself.post("/console/comment/undo", id="c-1", version="2")
    assert "Your decision was taken back." in (await ann_herself.get(page.location)).text
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "pending"


async def test_a_supervisor_reopens_and_an_administrator_erases(
    as_role: Any, ann: Any, admin: Any, queued: str
) -> None:
    await decided(ann, "approve")
    bob = await as_role(Role.SUPERVISOR)
    page = await bob.post("/console/comment/reopen", id="c-1", version="2")
    assert "back in the queue" in (await bob.get(page.location)).text
    chief = await as_role()
    assert (await chief.post("/console/comment/erase", id="c-1")).status == 409, "not confirmed"
    page = await chief.post("/console/comment/erase", id="c-1", meant="1")
    text = (await chief.get(page.location)).text
    assert "erased everywhere" in text
    assert "You are an idiot." not in text
    assert "Erase…" not in text
    assert (await chief.post("/console/comment/erase", id="nothing", meant="1")).status == 404
    assert (await admin.get("/v1/comments/c-1")).body["erased_at"]
    assert queued


async def test_a_long_history_goes_on_at_another_page(as_role: Any, ann: Any, admin: Any, queued: str) -> None:
    for _ in range(110):
        (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
        await ann.post("/v1/review/c-1/release", {"lease": item["lease"]})
    chief = await as_role()
    first = (await chief.get(queued)).text
    assert "Look further" in first
    assert first.count('class="when"') == 200
    following = first.split("&amp;after=")[1].split('"')[0]
    second = (await chief.get(f"{queued}&after={following}")).text
    assert second.count('class="when"') == 21
    assert "Look further" not in second
    assert admin


@pytest.mark.parametrize(("blur", "is_veiled"), [("none", False), ("severe", True), ("all", True)])
async def test_severe_texts_are_veiled_for_whoever_wants_it(
    as_role: Any, admin: Any, blur: str, *, is_veiled: bool
) -> None:
    policy = {"thresholds": {"threat": {"reject_at": 0.01}}}
    await admin("PUT", "/v1/policies/default", policy)
    await admin.post("/v1/comments", {"id": "c-1", "text": "I will find you and kill you."})
    ann = await as_role(Role.MODERATOR)
    await ann.post("/console/account/preferences", blur=blur)
    for path in ("/console/comment?id=c-1", "/console/search?id=c-1"):
        text = (await ann.get(path)).text
        assert ('<details class="veil">' in text) is is_veiled, path
        assert "kill" in text
