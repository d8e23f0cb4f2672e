"""Champion and challenger on what people of a site decided."""

from pathlib import Path
from typing import Any

import pytest
from contrary import copied

import classifier
from service.values.statistics import mcnemar

HARSH, KIND = "you are a stupid idiot", "what a lovely morning this is"
DUTCH = "Wat een mooie dag is het vandaag, dank u wel voor dit artikel."  # the model was never measured in it


@pytest.fixture
def settings(settings: Any, contrary: Path) -> Any:
    copied(contrary, settings.data_path / "models", "contrary")
    return settings


async def put(admin: Any, thresholds: Any, **review: Any) -> None:
    policy = {"thresholds": thresholds, "review": review}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200


async def decide(admin: Any, texts: list[str], name: str) -> int:
    """Submits the texts and decides all that waits: what is harsh is rejected. How many there were to decide."""
    batch = [{"id": f"{name}-{number:03}", "text": f"{text} {number}"} for number, text in enumerate(texts)]
    assert (await admin.post("/v1/comments:batch", {"comments": batch})).status == 200
    decided = 0
    while items := (await admin.post("/v1/review/claim", {"count": 20})).body["items"]:
        decisions = [
            {
                "id": item["id"],
                "lease": item["lease"],
                "decision": "reject" if "idiot" in item["text"] else "approve",
                "labels": {"insult": "idiot" in item["text"]},
            }
            for item in items
        ]
        assert (await admin.post("/v1/review/decisions", {"decisions": decisions})).status == 200
        decided += len(items)
    return decided


async def compared(admin: Any, path: str = "/v1/models/contrary/comparison") -> Any:
    reply = await admin.get(path)
    assert reply.status == 200, reply.body
    return reply.body


async def test_the_model_that_agrees_with_people_is_told_from_the_one_that_does_not(admin: Any) -> None:
    await put(admin, {"toxicity": {"review_at": 0}})
    assert await decide(admin, [HARSH, KIND] * 35, "c") == 70
    await put(admin, {"insult": {"review_at": 0.4, "reject_at": 0.5}})
    found = await compared(admin)
    assert (found["champion"], found["challenger"]) == (classifier.SHIPPED.name, "contrary")
    assert (found["comments"], found["audits"]) == (70, 0)
    champion, challenger = found["outcomes"]["champion"], found["outcomes"]["challenger"]
    assert (champion["rejected"], champion["approved"], champion["wrong_rejections"]) == (35, 35, 0)
    assert (challenger["wrong_rejections"], challenger["wrong_approvals"]) == (35, 35)
    assert (champion["automated_share"], challenger["wrong_rejection_share"]) == (1, 0.5)
    assert found["everything"] == {
        "comments": 70,
        "only_champion_wrong": 0,
        "only_challenger_wrong": 70,
        "p_value": pytest.approx(mcnemar(0, 70)),
    }
    assert found["audited"] == {"comments": 0, "only_champion_wrong": 0, "only_challenger_wrong": 0, "p_value": 1}
    insult = found["attributes"]["insult"]
    assert (insult["comments"], insult["positive"]) == (70, 35)
    assert insult["champion"] == {"auc": 1, "average_precision": 1, "agreement": 1}
    assert (insult["challenger"]["auc"], insult["challenger"]["agreement"]) == (0, 0)
    assert insult["challenger"]["average_precision"] < 0.5
    turned = await compared(admin, f"/v1/models/{classifier.SHIPPED.name}/comparison?against=contrary")
    assert turned["outcomes"] == {"champion": challenger, "challenger": champion}
    few = await compared(admin, "/v1/models/contrary/comparison?last=20")
    assert (few["comments"], few["attributes"]["insult"]["champion"]["auc"]) == (20, None), "too few to rank"
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name


async def test_each_blind_audit_counts_for_as_many_as_it_stands_for(admin: Any) -> None:
    await put(admin, {"toxicity": {"review_at": 0}})
    assert await decide(admin, [HARSH] * 10, "seen") == 10
    await put(admin, {"insult": {}}, audit_approved=0.5)
    audits = await decide(admin, [KIND] * 40, "sure")
    await put(admin, {"insult": {"reject_at": 0.5}})
    found = await compared(admin)
    assert (found["comments"], found["audits"], found["audited"]["comments"]) == (10 + audits, audits, audits)
    assert 0 < audits < 40
    challenger = found["outcomes"]["challenger"]
    assert (challenger["wrong_rejections"], challenger["wrong_approvals"]) == (audits, 10)
    assert challenger["wrong_approval_share"] == pytest.approx(10 / (10 + 2 * audits))
    assert challenger["wrong_rejection_share"] == pytest.approx(2 * audits / (10 + 2 * audits))
    assert found["audited"]["p_value"] == pytest.approx(mcnemar(0, audits))


@pytest.mark.parametrize(("attribute", "text"), [("toxicity", DUTCH), ("spam", KIND)])
async def test_a_rejection_that_only_a_person_may_make_goes_to_people_here_too(
    admin: Any, attribute: str, text: str
) -> None:
    await put(admin, {"toxicity": {"review_at": 0}})
    assert await decide(admin, [text] * 2, "c") == 2
    await put(admin, {attribute: {"reject_at": 0}})
    outcomes = (await compared(admin))["outcomes"]
    assert [(each["rejected"], each["to_people"]) for each in outcomes.values()] == [(0, 2), (0, 2)]


async def test_what_is_undone_erased_or_imported_does_not_count_and_of_a_comment_the_last_word_does(
    admin: Any, key_for: Any
) -> None:
    await put(admin, {"toxicity": {"review_at": 0}})
    assert await decide(admin, [KIND] * 3, "c") == 3
    bob = await key_for(admin.client, name="bob")
    await admin.post("/v1/review/c-000/undo", {})
    await admin("DELETE", "/v1/comments/c-001")
    await admin.send("/v1/labels", b'{"text": "elsewhere", "decision": "reject"}', "application/x-ndjson")
    found = await compared(admin)
    assert found["comments"] == 1
    await admin.post("/v1/review/c-002/reopen", {})
    (item,) = (await bob.post("/v1/review/claim", {"count": 1})).body["items"]
    await bob.post("/v1/review/c-002/decision", {"decision": "reject", "lease": item["lease"]})
    await put(admin, {"toxicity": {}})
    found = await compared(admin)
    assert (found["comments"], found["outcomes"]["champion"]["wrong_approvals"]) == (1, 1)


async def test_without_decisions_there_is_nothing_to_compare(admin: Any) -> None:
    found = await compared(admin)
    assert (found["comments"], found["attributes"], found["everything"]["p_value"]) == (0, {}, 1)
    assert found["outcomes"]["champion"]["automated_share"] is None


async def test_a_model_that_is_not_there_or_cannot_be_served_is_told_so(
    admin: Any, ann: Any, settings: Any, problem: Any
) -> None:
    problem(await admin.get("/v1/models/nothing/comparison"), 404)
    problem(await admin.get("/v1/models/contrary/comparison?against=nothing"), 404)
    (settings.data_path / "models" / "broken").mkdir()
    problem(await admin.get("/v1/models/broken/comparison"), 409)
    problem(await admin.get("/v1/models/contrary/comparison?last=0"), 400)
    problem(await ann.get("/v1/models/contrary/comparison"), 403)
