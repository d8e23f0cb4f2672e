"""A policy tried on what came lately: what it would have said, beside what people said."""

from datetime import datetime
from typing import Any

import pytest

TEXTS = [f"text {number}" for number in range(12)]


@pytest.fixture
async def comments(admin: Any, ann: Any, decide_always: Any) -> None:
    """Twelve that went to people, of which ann approved four and rejected two, and one that was approved at once."""
    await decide_always("review")
    for number, text in enumerate(TEXTS):
        assert (await admin.post("/v1/comments", {"id": f"c-{number:02}", "text": text})).status == 200
    items = (await ann.post("/v1/review/claim", {"count": 6})).body["items"]
    for number, item in enumerate(items):
        decision = "approve" if number < 4 else "reject"
        reply = await ann.post(f"/v1/review/{item['id']}/decision", {"decision": decision, "lease": item["lease"]})
        assert reply.status == 200
    await decide_always("approve")
    assert (await admin.post("/v1/comments", {"id": "c-sure", "text": "hello"})).status == 200


async def simulated(admin: Any, thresholds: Any, **more: Any) -> Any:
    reply = await admin.post("/v1/policies/default:simulate", {"thresholds": thresholds, **more})
    assert reply.status == 200, reply.body
    return reply.body


@pytest.mark.usefixtures("comments")
async def test_every_comment_is_counted_before_and_after(admin: Any) -> None:
    found = await simulated(admin, {"toxicity": {"reject_at": 0}})
    assert found["comments"] == 13
    assert found["before"] == {"approve": 1, "review": 12, "reject": 0}
    assert found["after"] == {"approve": 0, "review": 0, "reject": 13}
    assert found["automated_before"] == pytest.approx(1 / 13)
    assert found["automated_after"] == 1
    moves = {(each["from"], each["to"]): each for each in found["transitions"]}
    assert {pair: each["count"] for pair, each in moves.items()} == {("approve", "reject"): 1, ("review", "reject"): 12}
    assert moves["approve", "reject"]["examples"] == ["c-sure"]
    assert moves["review", "reject"]["examples"] == [f"c-{number:02}" for number in range(11, 6, -1)], "the newest few"


@pytest.mark.usefixtures("comments")
async def test_what_people_said_stands_beside_it(admin: Any) -> None:
    rejecting = await simulated(admin, {"toxicity": {"reject_at": 0}})
    assert rejecting["people_before"]["review"] == {"approved": 4, "rejected": 2}
    assert rejecting["people_after"]["reject"] == {"approved": 4, "rejected": 2}
    assert rejecting["rejected_though_approved"] == 4
    assert rejecting["approved_though_rejected"] == 0
    approving = await simulated(admin, {"toxicity": {}})
    assert (approving["rejected_though_approved"], approving["approved_though_rejected"]) == (0, 2)


@pytest.mark.usefixtures("comments")
async def test_only_the_newest_are_asked_and_the_answer_says_how_far_back(admin: Any) -> None:
    found = await simulated(admin, {"toxicity": {"review_at": 0}}, last=3)
    assert found["comments"] == 3
    assert found["before"] == {"approve": 1, "review": 2, "reject": 0}
    assert found["transitions"] == [{"from": "approve", "to": "review", "count": 1, "examples": ["c-sure"]}]
    oldest = (await admin.get("/v1/comments/c-10")).body["created_at"]
    said, kept = (datetime.fromisoformat(each) for each in (found["back_to"], oldest))
    assert abs((said - kept).total_seconds()) < 1


@pytest.mark.usefixtures("comments")
async def test_the_erased_are_left_out(admin: Any) -> None:
    await admin("DELETE", "/v1/comments/c-sure")
    found = await simulated(admin, {"toxicity": {}})
    assert (found["comments"], found["missing"]) == (12, 1)


@pytest.mark.usefixtures("comments")
async def test_it_says_what_the_service_says_of_new_comments(admin: Any, decide_always: Any) -> None:
    """The same scores, so the same decisions: those of comments that come once the policy is in force."""
    await decide_always("review")
    thresholds = {"toxicity": {"review_at": 0.02, "reject_at": 0.9}, "insult": {"review_at": 0.01, "reject_at": 0.5}}
    texts = ["you are an idiot", "what a lovely day", "shut up, you fool", "I will kill you", "Das ist ein schöner Tag"]
    for number, text in enumerate(texts):
        await admin.post("/v1/comments", {"id": f"before-{number}", "text": text})
    tried = await simulated(admin, thresholds, last=len(texts))
    assert (await admin("PUT", "/v1/policies/default", {"thresholds": thresholds})).status == 200
    came = [(await admin.post("/v1/comments", {"text": text})).body["decision"] for text in texts]
    assert tried["after"] == {decision: came.count(decision) for decision in ("approve", "review", "reject")}
    assert len(set(came)) > 1


async def test_a_comment_in_a_language_that_is_not_judged_goes_to_people_under_any_policy(
    admin: Any, decide_always: Any
) -> None:
    await decide_always("reject")
    reply = await admin.post("/v1/comments", {"text": "Tämä on suomenkielinen kommentti.", "language": "fi"})
    assert reply.body["decision"] == "review"
    found = await simulated(admin, {"toxicity": {}})
    assert found["after"] == {"approve": 0, "review": 1, "reject": 0}


DUTCH = "Wat een mooie dag is het vandaag, dank u wel voor dit artikel."


@pytest.mark.parametrize("languages", [{}, {"nl": {"reject": True}}])
async def test_a_rejection_that_only_a_person_may_make_goes_to_people_here_too(
    admin: Any, decide_always: Any, languages: Any
) -> None:
    """In a language that the model was never measured in, and for spam that the text shows too little of."""
    await decide_always("review")
    for policy, text in (({"toxicity": {"reject_at": 0}}, DUTCH), ({"spam": {"reject_at": 0}}, "a lovely day")):
        await admin.post("/v1/comments", {"text": text})
        tried = await simulated(admin, policy, languages=languages, last=1)
        body = {"thresholds": policy, "languages": languages}
        assert (await admin("PUT", "/v1/policies/default", body)).status == 200
        decision = (await admin.post("/v1/comments", {"text": text})).body["decision"]
        assert decision == ("reject" if text is DUTCH and languages else "review")
        assert tried["after"][decision] == 1


async def test_without_comments_there_is_nothing_to_say(admin: Any) -> None:
    found = await simulated(admin, {"toxicity": {}})
    assert (found["comments"], found["automated_after"], found["back_to"]) == (0, None, None)


async def test_it_changes_nothing_and_a_wrong_policy_is_told_so(admin: Any, problem: Any) -> None:
    before = (await admin.get("/v1/policies/default")).body
    await simulated(admin, {"toxicity": {"review_at": 0.5}})
    assert (await admin.get("/v1/policies/default")).body == before
    for thresholds, pointer in (
        ({"anger": {}}, "/thresholds/anger"),
        ({"toxicity": {"review_at": 0.9, "reject_at": 0.1}}, "/thresholds/toxicity/review_at"),
    ):
        reply = await admin.post("/v1/policies/default:simulate", {"thresholds": thresholds})
        assert problem(reply, 400)["errors"][0]["pointer"] == pointer
    wrong_name = await admin.post("/v1/policies/other:simulate", {"thresholds": {"toxicity": {}}})
    assert problem(wrong_name, 404)
    for last in (0, 20_001):
        reply = await admin.post("/v1/policies/default:simulate", {"thresholds": {"toxicity": {}}, "last": last})
        assert problem(reply, 400)["errors"][0]["pointer"] == "/last"


async def test_a_moderators_key_opens_it_not(ann: Any, problem: Any) -> None:
    problem(await ann.post("/v1/policies/default:simulate", {"thresholds": {"toxicity": {}}}), 403)
